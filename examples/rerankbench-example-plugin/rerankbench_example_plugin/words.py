"""The words of a text, as the first stage and the reranker of this package count them."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The different words of a text, in lower case."""
    return frozenset(re.findall(r"\w+", text.lower()))


def overlap(query: frozenset[str], text: frozenset[str]) -> float:
    """Words in both, divided by words in either (Jaccard's coefficient); 0 where none are."""
    return len(query & text) / (len(query | text) or 1)
