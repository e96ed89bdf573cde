"""Whether a model has an embedding for all that its tokeniser makes of a job's texts.

Tokens that were added to a tokeniser and not to its model, lengths beyond the positions, segments
of another model: each is refused in one line, before anything of the job is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError, cut
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.engines.tables import Tables
from rerankbench.rerankers.pair_encoding import tokenise
from rerankbench.rerankers.vocabulary import greatest_id

# Rows that are put together at once, to find out which one holds a token that some row holds.
_ROWS = 1024

_Ids = npt.NDArray[np.int32]


class TokenIds(Protocol):
    """Texts or pairs as token ids."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row."""

    @property
    def parts(self) -> Sequence[_Ids]:
        """All tokens that rows are put together from, and maybe some that truncation left out."""

    @property
    def segments(self) -> _Ids | None:
        """All segment ids that a row may have; None without any."""

    def rows(self, chosen: Sequence[int]) -> TokenRows:
        """The named rows put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """Compares ids with a model's tables; `name` is the model's, for messages."""

    name: str
    tokenizer: Any
    tables: Tables

    def check(self, encoded: TokenIds) -> None:
        """Raise ModelError for a job with any row that the model cannot read, done or not."""
        count = len(encoded.lengths)
        if not count:
            return
        self.check_length(int(encoded.lengths.max()))
        if any(self._unknown(part) is not None for part in encoded.parts):
            for first in range(0, count, _ROWS):
                self.check_ids(encoded.rows(range(first, min(first + _ROWS, count))).ids)
        # Where a tokeniser gives none, the model takes zeros.
        self._check_segments([0] if encoded.segments is None else encoded.segments)

    def check_ids(self, ids: Sequence[int] | _Ids) -> None:
        """Raise ModelError for the first token without an embedding."""
        unread = self._unknown(np.asarray(ids))
        if unread is not None:
            token = self.tokenizer.convert_ids_to_tokens(unread)
            written = "a token" if token is None else f"'{cut(token, 40)}'"
            raise ModelError(
                f"{self.name}: its tokeniser ({self._tokenizer}) reads {written} as id {unread}, "
                f"and the model has embeddings for {self.tables.tokens}; use the tokeniser it was "
                "trained with, or resize its embeddings and train them"
            )

    def check_length(self, tokens: int) -> None:
        """Raise ModelError for more tokens than there are positions."""
        most = self.tables.length
        if most is not None and tokens > most:
            raise ModelError(
                f"{self.name}: {tokens} tokens are more than the {most} that its position "
                f"embeddings allow; ask for --max-length {most}, or less where a prompt is added"
            )

    def check_texts(self, texts: Iterable[str]) -> None:
        """Raise ModelError for texts with such a token, where what is read is not known yet."""
        if self.tables.tokens is None or greatest_id(self.tokenizer) < self.tables.tokens:
            return
        for ids in tokenise(self.tokenizer, dict.fromkeys(texts)):
            self.check_ids(ids)

    def _check_segments(self, segments: Sequence[int] | _Ids) -> None:
        most = self.tables.segments
        odd = next(
            (segment for segment in segments if most is not None and not 0 <= segment < most), None
        )
        if odd is None:
            return
        raise ModelError(
            f"{self.name}: its tokeniser ({self._tokenizer}) gives the segment id {odd}, and the "
            f"model has {most} segment embeddings; where it was trained without segments, take "
            "token_type_ids out of model_input_names in tokenizer_config.json"
        )

    def _unknown(self, ids: npt.NDArray[Any]) -> int | None:
        """The first id that is in no table; None where all are."""
        most = self.tables.tokens
        if most is None or not len(ids) or 0 <= ids.min() <= ids.max() < most:
            return None
        return int(ids[(ids < 0) | (ids >= most)][0])

    @property
    def _tokenizer(self) -> str:
        return f"{type(self.tokenizer).__name__}, {len(self.tokenizer):,} tokens"
