"""What was read and what became of it, as numbers and as lines to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from rerankbench.types import Qrels


@dataclass(slots=True)
class Tally:
    """How often something happened, and where first."""

    count: int = 0
    first: str = ""

    def add(self, where: str) -> None:
        self.count += 1
        self.first = self.first or where


@dataclass(slots=True, kw_only=True)
class Counts:
    """Filled while files are read; `rows` is what a person called a row."""

    rows: int = 0
    documents: int = 0
    queries: int = 0
    repeated: Tally = field(default_factory=Tally)
    contradictions: Tally = field(default_factory=Tally)
    dropped: dict[str, Tally] = field(default_factory=dict)
    remarks: dict[str, Tally] = field(default_factory=dict)

    def drop(self, reason: str, where: str) -> None:
        self.dropped.setdefault(reason, Tally()).add(where)

    def remark(self, text: str, where: str) -> None:
        self.remarks.setdefault(text, Tally()).add(where)


def lines(counts: Counts, qrels: Qrels, candidates: list[int]) -> Iterator[str]:
    """What a person should know before the collection is written."""
    grades = [grade for of in qrels.values() for grade in of.values()]
    relevant = sum(grade > 0 for grade in grades)
    yield (
        f"{_many(counts.queries, 'query', 'queries')}, {_many(counts.documents, 'document')}, "
        f"{_many(len(grades), 'judgment')}: {relevant:,} relevant, {len(grades) - relevant:,} not"
    )
    levels = sorted({grade for grade in grades if grade > 0})
    if len(levels) > 1:
        yield f"grades: {', '.join(map(str, levels[:10]))}{', …' if len(levels) > 10 else ''}"
    of_each = [sum(grade > 0 for grade in of.values()) for of in qrels.values()]
    yield f"relevant documents for a query: {_spread(of_each)}"
    if candidates:
        yield f"candidates for a query: {_spread(candidates)}"
    if counts.repeated.count:
        repeated = _many(counts.repeated.count, "repeated judgment")
        yield f"merged: {repeated}{_first(counts.repeated)}"
    if counts.contradictions.count:
        pairs = _many(counts.contradictions.count, "pair")
        yield f"two labels for {pairs}, the higher is kept{_first(counts.contradictions)}"
    for reason, tally in counts.dropped.items():
        yield f"dropped: {_many(tally.count, 'row')} {reason}{_first(tally)}"
    for text, tally in counts.remarks.items():
        yield f"{text}: {tally.count:,}{_first(tally)}"
    none = sum(not of_query for of_query in of_each)
    if none:
        yield f"queries without a relevant document, which score 0 in any order: {none:,}"


def _spread(numbers: list[int]) -> str:
    low, high, middle = min(numbers), max(numbers), median(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}, median {middle:g}"


def _first(tally: Tally) -> str:
    return f" (first: {tally.first})" if tally.first else ""


def _many(count: int, singular: str, plural: str = "") -> str:
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
