"""Notes about ties, for pairs in which another tool made one of the rankings.

Here ties are ordered by descending document id. The tool that made a run may have printed other
figures for it and, where many scores tie, even another winner.
"""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.compare.pairs import Pair, PairSide
from rerankbench.errors import RerankbenchError
from rerankbench.registry import naming
from rerankbench.results import derived
from rerankbench.run import quality
from rerankbench.types import Ties


def tie_notes(pair: Pair, metric: str) -> Iterator[str]:
    """A note for each side whose ties move its mean, and one if they decide which is ahead.

    None if both rankings were made here: their records' own warnings mention ties.
    """
    sides = (pair.a, pair.b)
    if not any(derived.is_imported(side.record) for side in sides):
        return
    ranges = [_range(side, metric) for side in sides]
    for side, ties in zip(sides, ranges, strict=True):
        if ties is not None and f"{ties.worst:.4f}" != f"{ties.best:.4f}":
            of = "an imported run" if derived.is_imported(side.record) else "ranked here"
            yield (
                f"{side.label} ({of}): {ties.rate:.1%} of neighbouring scores tie; {metric} is "
                f"between {ties.worst:.4f} and {ties.best:.4f} depending on how ties are ordered"
            )
    (low_a, high_a), (low_b, high_b) = (
        _bounds(side, ties, metric) for side, ties in zip(sides, ranges, strict=True)
    )
    if low_b - high_a < 0 < high_b - low_a and (low_a, low_b) != (high_a, high_b):
        yield f"which of the two has the higher {metric} depends on the order of ties"


def _bounds(side: PairSide, ties: Ties | None, metric: str) -> tuple[float, float]:
    mean = side.record.mean(metric) or 0.0
    return (mean, mean) if ties is None else (ties.worst, ties.best)


def _range(side: PairSide, metric: str) -> Ties | None:
    """From the run and its judgments; without them from the record, for its headline metric."""
    record = side.record
    rankings, task = side.archive.rankings(record), side.archive.task(record)
    if rankings is None or task is None:
        return record.ties if metric == next(iter(record.per_query), None) else None
    try:
        measure = naming.parse_metric(metric)
    except RerankbenchError:  # The metric of a plug-in that is not installed here.
        return None
    return quality.tie_audit(task.qrels(), rankings, measure)
