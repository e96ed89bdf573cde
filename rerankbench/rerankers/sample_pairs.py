"""A few pairs of very different lengths, on which a model is tried when it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import Job
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.pair_encoding import EncodedPairs
from rerankbench.types import Candidates, Document, Query

# Attention over windows and blocks begins to differ beyond some length, which this exceeds.
_LONGEST = 1024
_TEXT = (
    "tides rise and fall twice a day because the moon pulls the water of the sea and the land "
    "beneath it a little less so that harbours fill and empty"
)
# Query and words of its document.
_PAIRS = (("why do tides rise", _LONGEST), ("why do tides rise", 29), ("moon", 12), ("moon", 3))
# Those that a large model reads in a moment.
_SHORT = _PAIRS[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePairs:
    """Encoded pairs, the longest first, and what they were made of."""

    candidates: Sequence[Candidates]
    pairs: EncodedPairs
    max_length: int

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each pair."""
        return self.pairs.lengths

    def rows(self, places: Sequence[int]) -> TokenRows:
        """The named pairs put together."""
        return self.pairs.rows(places)

    def texts(self, place: int) -> tuple[list[str], list[str]]:
        """A pair's texts, in lists: of two strings, tokenisers take an empty one for none."""
        chosen = self.candidates[place]
        return [chosen.query.text], [chosen.documents[0].content]


def candidates(*, short: bool = False) -> list[Candidates]:
    """One document each, longest first."""
    return [
        Candidates(
            query=Query(query_id=f"sample-{i}", text=query),
            documents=(Document(doc_id="sample", title="", text=_text(words)),),
        )
        for i, (query, words) in enumerate(_SHORT if short else _PAIRS)
    ]


def encoded(encode: Callable[[Job, int], EncodedPairs], max_length: int | None) -> SamplePairs:
    """The pairs whose query a model reads whole, cut to the model's length."""
    length = min(max_length or _LONGEST, _LONGEST)
    sample = candidates()
    cut = encode(Job(candidates=sample), length).cut_queries
    sample = [entry for entry in sample if entry.query.query_id not in cut]
    pairs = encode(Job(candidates=sample), length)
    return SamplePairs(candidates=sample, pairs=pairs, max_length=length)


def _text(words: int) -> str:
    return " ".join(islice(cycle(_TEXT.split()), words))
