"""Finds texts under another key in JSON lines whose entries have no "text"."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rerankbench.files.whole import read_lines

_KNOWN = frozenset(
    (
        *("contents", "content", "body", "passage", "document", "doc", "paragraph", "chunk"),
        *("query", "question", "topic", "abstract", "article", "sentence", "raw", "segment"),
        *("passage_text", "document_text", "doc_text", "query_text", "question_text"),
        *("page_content", "text", "texts", "title_text", "utterance", "statement", "claim"),
    )
)
"""Other tools' keys for the text of a document or query, in lower case, without outer `_`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKeyCounts:
    """The most frequent key with a text, among entries without a "text".

    `known` says that other tools use that key for texts; any other may be a remark.
    """

    key: str
    entries: int
    first: str
    known: bool


def texts_elsewhere(path: Path, *, besides: frozenset[str]) -> TextKeyCounts | None:
    """The key that has the texts in a file of JSON objects; None if there is none.

    `besides` are keys that are read anyway, or are never a text.
    """
    counts: dict[str, tuple[int, str]] = {}
    for values in _without_text(path):
        for key in _keys_with_text(values, besides):
            count, first = counts.get(key, (0, str(values.get("_id"))))
            counts[key] = (count + 1, first)
    if not counts:
        return None
    key = max(counts, key=lambda name: (_is_known(name), counts[name][0]))
    count, first = counts[key]
    return TextKeyCounts(key=key, entries=count, first=first, known=_is_known(key))


def _without_text(path: Path) -> Iterator[Mapping[str, Any]]:
    for _, line in read_lines(path):
        values = json.loads(line)
        if not (values.get("text") or "").strip():
            yield values


def _keys_with_text(values: Mapping[str, Any], besides: frozenset[str]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            # Inside another object only known keys count: the rest may be anything.
            inner = _keys_with_text(value, besides)
            yield from (f"{key}.{inner_key}" for inner_key in inner if _is_known(inner_key))
            continue
        parts = value if isinstance(value, list) else [value]
        words = [word for part in parts if isinstance(part, str) for word in part.split()]
        # A single word under an unknown key is more likely a date, a language or an address.
        if key not in besides and len(words) > (0 if _is_known(key) else 1):
            yield key


def _is_known(key: str) -> bool:
    return key.rpartition(".")[2].casefold().replace("-", "_").strip("_") in _KNOWN
