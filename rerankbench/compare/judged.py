"""A judge's answers → games, so that ratings can be made of them as of a metric's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rerankbench.archive import Archive
from rerankbench.compare.outcomes import Outcome
from rerankbench.errors import UsageError, nearest
from rerankbench.judgements import Judged
from rerankbench.types import Record


def judged_outcomes(
    archive: Archive, records: Sequence[Record], judge: str | None = None
) -> list[Outcome]:
    """Every judged query of every pair of these records, which answered one task.

    Answers about other rankings than these do not count; of a pair that was judged on several
    samples the largest does. `judge` names the judge's model where there are several. Raises
    UsageError where there is none, or where it is not clear which one is meant.
    """
    shown = {(each.cell.reranker.name, each.run_sha256) for each in records}
    found = [
        each
        for each in archive.judged(records[0])
        if (each.a.reranker, each.a.run_sha256) in shown
        and (each.b.reranker, each.b.run_sha256) in shown
    ]
    return outcomes_of(_largest(_by(found, judge, records[0])))


def outcomes_of(judged: Iterable[Judged]) -> list[Outcome]:
    """One game for every query of every pair."""
    return [
        Outcome(query_id=query_id, a=each.a.reranker, b=each.b.reranker, result=result)
        for each in judged
        for query_id, result in each.results().items()
    ]


def _by(found: Sequence[Judged], judge: str | None, record: Record) -> list[Judged]:
    """The answers of one judge that was asked in one way."""
    name = record.cell.collection.name
    models = {each.judge.model for each in found}
    if not found:
        raise UsageError(f"nobody judged these rankings on {name}; run `rerankbench judge` first")
    if judge is not None and judge not in models:
        raise UsageError(f"no judge '{judge}' on {name}; {nearest(judge, models)}")
    chosen = [each for each in found if judge in (None, each.judge.model)]
    if len({each.judge for each in chosen}) > 1:
        raise UsageError(
            f"several judges answered on {name} ({', '.join(sorted(models))}), or one with "
            "several settings; name one, or move the others' files from judged/"
        )
    return chosen


def _largest(found: Sequence[Judged]) -> list[Judged]:
    """One of every pair: the one with the most queries."""
    pairs: dict[tuple[str, str], Judged] = {}
    for each in sorted(found, key=lambda judged: (len(judged.answers), judged.key)):
        pairs[each.a.reranker, each.b.reranker] = each
    return list(pairs.values())
