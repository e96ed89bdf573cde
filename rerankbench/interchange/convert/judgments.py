"""Judgments as they are gathered: one grade for a query and a document, the higher of several."""

from __future__ import annotations

from sys import intern

from rerankbench.interchange.convert.counts import Counts


class Judgments:
    """query → document → grade; what repeats or contradicts is counted."""

    def __init__(self, counts: Counts) -> None:
        """None yet."""
        self.found: dict[str, dict[str, int]] = {}
        self._counts = counts
        self._contradicted: set[tuple[str, str]] = set()

    def add(self, query_id: str, doc_id: str, grade: int, where: str) -> None:
        """Take one into account."""
        grades = self.found.setdefault(query_id, {})
        before = grades.get(doc_id)
        if before is None:
            grades[intern(doc_id)] = grade  # One string, however many queries name the document.
            return
        if before == grade:
            self._counts.repeated.add(where)
            return
        grades[doc_id] = max(before, grade)
        if (query_id, doc_id) not in self._contradicted:
            self._contradicted.add((query_id, doc_id))
            self._counts.contradictions.add(where)
