"""Whether a tokeniser knows words at all: one that was saved or loaded badly often does not.

Tokenisers of transformers take arguments that they do not know, and files that are not there,
without a word; what comes back then has its special tokens and nothing else, and every text is
the unknown token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rerankbench.errors import ModelError

# Capitals, white space, accents, letters of several bytes: what tokenisers treat differently.
PROBE = "Tide\n  über 1.5 月🙂 [moon]"
# Ids are held in 32 bits.
MOST_ID = 2**31 - 1
# A model's vocabulary may be rounded up, but not to twenty times of what its tokeniser has.
_SMALLEST_SHARE = 0.05
# How many of its own tokens a tokeniser is shown, and which share of them it must not forget.
_SHOWN = 200
_MOST_UNKNOWN = 0.9
# Marks of a token's position in a word: of WordPiece, SentencePiece, byte-level BPE and BPE.
_MARKS = ("##", "▁", "Ġ", "</w>")
_REMEDY = "save it again with tokenizer.save_pretrained(folder), or fetch the model again"


def check(tokenizer: Any, config: Mapping[str, Any], name: str) -> None:
    """Refuse a tokeniser with hardly any vocabulary, or ids of no model. Raises ModelError."""
    if greatest_id(tokenizer) > MOST_ID:
        raise ModelError(
            f"{name}: its tokeniser has the token id {greatest_id(tokenizer)}, which no model has "
            "an embedding for; mend tokenizer.json, or fetch the tokeniser again"
        )
    special = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    words = [token for token in tokenizer.get_vocab() if token not in special]
    expected = _vocabulary_size(config)
    kind = type(tokenizer).__name__
    if len(words) < max(2, _SMALLEST_SHARE * expected):
        of = f", of {expected:,} that the model reads" if expected else ""
        raise ModelError(
            f"{name}: its tokeniser ({kind}) knows {len(words):,} tokens besides special "
            f"ones{of}; {_REMEDY}"
        )
    share = _unknown_share(tokenizer, words)
    if share > _MOST_UNKNOWN:
        raise ModelError(
            f"{name}: its tokeniser ({kind}) takes {share:.0%} of the words of its own vocabulary "
            f"for unknown; {_REMEDY}"
        )


def greatest_id(tokenizer: Any) -> int:
    """The greatest id of a tokeniser's vocabulary, added tokens included; -1 of an empty one."""
    return max(tokenizer.get_vocab().values(), default=-1)


def _vocabulary_size(config: Mapping[str, Any]) -> int:
    """Rows of the model's table according to config.json; 0 if not stated."""
    inner = config.get("text_config")
    for settings in (config, inner if isinstance(inner, Mapping) else {}):
        size = settings.get("vocab_size")
        if isinstance(size, int) and not isinstance(size, bool):
            return size
    return 0


def _unknown_share(tokenizer: Any, words: Sequence[str]) -> float:
    """How many of its own tokens, written as text, come back as the unknown token alone."""
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return 0.0
    shown = [_written(word) for word in sorted(words)[:: max(1, len(words) // _SHOWN)]]
    texts = [text for text in shown if text.strip()]
    if not texts:
        return 0.0
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return sum(bool(token_ids) and set(token_ids) == {unknown} for token_ids in encoded) / len(
        encoded
    )


def _written(token: str) -> str:
    for mark in _MARKS:
        token = token.replace(mark, "")
    return token
