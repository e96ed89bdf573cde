"""Encoded pairs that also tell which of their tokens are the query's and which the document's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import Job
from rerankbench.rerankers import pair_encoding
from rerankbench.rerankers.engines.contract import TokenRows


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPairs:
    """All pairs of a job, in its order, whose rows tell the places of their texts.

    A text's tokens are those that the tokeniser made of it and that truncation left; what the
    template puts before, between and behind the texts belongs to neither.
    """

    pairs: pair_encoding.EncodedPairs

    @property
    def done(self) -> frozenset[int]:
        """Pairs that need no score."""
        return self.pairs.done

    @property
    def cut_queries(self) -> frozenset[str]:
        """Ids of queries that were too long."""
        return self.pairs.cut_queries

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each pair."""
        return self.pairs.lengths

    @property
    def truncated(self) -> npt.NDArray[np.bool_]:
        """Whether a pair's document was cut."""
        return self.pairs.truncated

    @property
    def parts(self) -> Sequence[npt.NDArray[np.int32]]:
        """All tokens that pairs are put together from."""
        return self.pairs.parts

    @property
    def segments(self) -> npt.NDArray[np.int32] | None:
        """All segment ids that a pair may have."""
        return self.pairs.segments

    def rows(self, chosen: Sequence[int]) -> TokenRows:
        """The named pairs put together, with their places."""
        template = self.pairs.template
        start, end, first, last = self.pairs.spans[np.asarray(chosen, dtype=np.int64)].T
        query = np.full(len(chosen), len(template.prefix), dtype=np.int64)
        behind = query + end - start
        document = behind + len(template.middle)
        places = np.stack([query, behind, document, document + last - first], axis=1)
        return replace(self.pairs.rows(chosen), places=places)


def encode(
    tokenizer: Any, job: Job, max_length: int, template: pair_encoding.Template | None = None
) -> PlacedPairs:
    """Tokenise all pairs of a job as `pair_encoding.encode` does. Raises UsageError."""
    return PlacedPairs(pairs=pair_encoding.encode(tokenizer, job, max_length, template))
