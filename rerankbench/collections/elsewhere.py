"""Texts under another key: what a file of JSON lines holds where its entries have no "text"."""

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
"""What other tools call the text of a document or query, in lower case, without outer `_`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKeyCounts:
    """How many entries without a text hold one under another key: the most frequent key.

    `known` says that other tools keep a text under that key; any other may be a remark.
    """

    key: str
    entries: int
    first: str
    known: bool


def texts_elsewhere(path: Path, *, besides: frozenset[str]) -> TextKeyCounts | None:
    """Where texts are in a file whose lines are JSON objects; None where they are nowhere.

    `besides` are keys that are read already, or are never a text.
    """
    found: dict[str, tuple[int, str]] = {}
    for values in _without_text(path):
        for key in _keys_with_text(values, besides):
            count, first = found.get(key, (0, str(values.get("_id"))))
            found[key] = (count + 1, first)
    if not found:
        return None
    key = max(found, key=lambda each: (_is_known(each), found[each][0]))
    count, first = found[key]
    return TextKeyCounts(key=key, entries=count, first=first, known=_is_known(key))


def _without_text(path: Path) -> Iterator[Mapping[str, Any]]:
    for _, line in read_lines(path):
        values = json.loads(line)
        if not (values.get("text") or "").strip():
            yield values


def _keys_with_text(values: Mapping[str, Any], besides: frozenset[str]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            # Within another object only what is surely a text: the rest may be anything.
            inner = _keys_with_text(value, besides)
            yield from (f"{key}.{each}" for each in inner if _is_known(each))
            continue
        parts = value if isinstance(value, list) else [value]
        words = [word for part in parts if isinstance(part, str) for word in part.split()]
        # A word alone under any key is rather a date, a language or an address.
        if key not in besides and len(words) > (0 if _is_known(key) else 1):
            yield key


def _is_known(key: str) -> bool:
    return key.rpartition(".")[2].casefold().replace("-", "_").strip("_") in _KNOWN
