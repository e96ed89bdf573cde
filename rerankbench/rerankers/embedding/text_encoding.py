"""Single texts as token ids, for models that read query and document apart.

A text is `prefix text suffix` with the tokeniser's own special tokens around it; where that is too
long the text loses tokens at the side that the tokeniser cuts.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError, UsageError
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.pair_encoding import tokenise

# Capitals, white space, accents, letters of several bytes: what tokenisers treat differently.
_PROBES = ("Tide\n  über 1.5 月🙂 [moon]", "", "tide moon")

_Ids: TypeAlias = npt.NDArray[np.int32]
_Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialTokens:
    """The special tokens before and behind a text."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.prefix) + len(self.suffix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Tokens that a short text is filled up with, to `length` tokens; more text stays more.

    They are part of the text to whatever reads the model's output; `attended` says whether they
    are part of it to the model's own attention as well.
    """

    token: int
    length: int
    attended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedTexts:
    """Texts as token ids, in their order.

    Text i is `ids[offsets[i]:offsets[i + 1]]`. The first `attended[i]` of its tokens are seen by
    the model's attention, the first `own[i]` are its own, the rest fills it up. `truncated` says
    whether tokens were cut.
    """

    ids: _Ids
    offsets: _Indices
    own: _Indices
    attended: _Indices
    truncated: npt.NDArray[np.bool_]

    @property
    def lengths(self) -> _Indices:
        """Tokens of each text."""
        return np.diff(self.offsets)

    @property
    def parts(self) -> Sequence[_Ids]:
        """All tokens."""
        return (self.ids,)

    @property
    def segments(self) -> None:
        """None: one text has no segments."""

    def rows(self, texts: Sequence[int]) -> TokenRows:
        """The named texts put together."""
        parts = [self.ids[self.offsets[i] : self.offsets[i + 1]] for i in texts]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        return TokenRows(
            ids=np.concatenate([np.empty(0, dtype=np.int32), *parts]),
            types=None,
            offsets=np.concatenate([[0], np.cumsum(lengths)], dtype=np.int64),
        )


def encode(
    tokenizer: Any,
    texts: Iterable[str],
    *,
    prompt: str = "",
    max_length: int,
    around: SpecialTokens,
    filling: Filling | None = None,
) -> EncodedTexts:
    """Tokenise texts behind a prompt, each cut to `max_length` tokens with the special ones.

    Raises UsageError for a length that leaves no room for a token.
    """
    room = max_length - around.size
    if room < 1:
        raise UsageError(
            f"length {max_length}: {around.size} special tokens leave no room for a text; "
            f"ask for at least {around.size + 1}"
        )
    kept = slice(-room, None) if tokenizer.truncation_side == "left" else slice(room)
    ids, lengths, own, truncated = array("i"), array("q"), array("q"), array("b")
    for tokens in tokenise(tokenizer, (prompt + text for text in texts)):
        row = [*around.prefix, *tokens[kept], *around.suffix]
        own.append(len(row))
        if filling is not None:
            row += [filling.token] * (filling.length - len(row))
        ids.fromlist(row)
        lengths.append(len(row))
        truncated.append(len(tokens) > room)
    sizes = np.frombuffer(lengths, dtype=np.int64)
    owned = np.frombuffer(own, dtype=np.int64)
    return EncodedTexts(
        ids=np.frombuffer(ids, dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum(sizes)], dtype=np.int64),
        own=owned,
        attended=sizes if filling is not None and filling.attended else owned,
        truncated=np.frombuffer(truncated, dtype=np.int8).astype(bool),
    )


def around(tokenizer: Any) -> SpecialTokens:
    """The tokens that a tokeniser adds around one text, found by trying. Raises ModelError."""
    bare, *others = (list(ids) for ids in tokenise(tokenizer, _PROBES))
    own = tokenizer([_PROBES[0]], truncation=False, verbose=False)["input_ids"][0]
    for start in range(len(own) - len(bare) + 1):
        special = SpecialTokens(prefix=tuple(own[:start]), suffix=tuple(own[start + len(bare) :]))
        if own[start : start + len(bare)] == bare and _agrees(tokenizer, special, [bare, *others]):
            return special
    raise ModelError(
        f"{tokenizer.name_or_path or 'this model'}: its tokeniser does more to a text than to put "
        "fixed tokens around it; name a model with a plain tokenizer.json"
    )


def _agrees(tokenizer: Any, special: SpecialTokens, bare: Sequence[list[int]]) -> bool:
    """Whether the probes come out as in the tokeniser's own rows, whole and cut."""
    room = max(1, len(bare[0]) // 2)
    left = tokenizer.truncation_side == "left"
    for kept in (None, room):
        most = {} if kept is None else {"max_length": kept + special.size}
        own = tokenizer(list(_PROBES), truncation=kept is not None, verbose=False, **most)
        cut = slice(None) if kept is None else slice(-kept, None) if left else slice(kept)
        rows = [[*special.prefix, *ids[cut], *special.suffix] for ids in bare]
        if rows != own["input_ids"]:
            return False
    return True
