"""A judge's answers → games, so that ratings can be made of them as of a metric's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rerankbench.compare.games import Outcome
from rerankbench.errors import UsageError, nearest
from rerankbench.results.record_set import RecordSet
from rerankbench.results.verdicts import JudgedMatch
from rerankbench.types import Record


class StoredJudge:
    """One judge's answers that lie beside records. Nobody is asked."""

    def __init__(self, archive: RecordSet, records: Iterable[Record], name: str) -> None:
        """The answers about the rankings of these records, whatever their tasks.

        Raises UsageError where there are none at all, none of that judge's model, or where a task
        has answers of the model under several settings; InputError for a damaged file.
        """
        tasks: dict[str, list[Record]] = {}
        for record in records:
            tasks.setdefault(record.cell.task.digest, []).append(record)
        found = {key: _about(archive.judged(its[0]), its) for key, its in tasks.items()}
        models = {each.judge.model for its in found.values() for each in its}
        if not models:
            raise UsageError("nobody judged these rankings; run `rerankbench judge` first")
        if name not in models:
            raise UsageError(f"no judge '{name}' on these rankings; {nearest(name, models)}")
        self.name = name
        self._judged = {
            key: _by(its, name, tasks[key][0])
            for key, its in found.items()
            if any(each.judge.model == name for each in its)
        }

    def pairs(self, records: Sequence[Record]) -> list[JudgedMatch]:
        """What was answered about pairs of these records, which answered one task."""
        found = self._judged.get(records[0].cell.task.digest, [])
        return _largest(_about(found, records))


def judged_outcomes(
    archive: RecordSet, records: Sequence[Record], judge: str | None = None
) -> list[Outcome]:
    """Every judged query of every pair of these records, which answered one task.

    Answers about other rankings than these do not count; of a pair that was judged on several
    samples the largest does. `judge` names the judge's model where there are several. Raises
    UsageError where there is none, or where it is not clear which one is meant.
    """
    found = _about(archive.judged(records[0]), records)
    return outcomes_of(_largest(_by(found, judge, records[0])))


def outcomes_of(judged: Iterable[JudgedMatch]) -> list[Outcome]:
    """One game for every query of every pair."""
    return [
        Outcome(query_id=query_id, a=each.a.reranker, b=each.b.reranker, result=result)
        for each in judged
        for query_id, result in each.results().items()
    ]


def _about(judged: Iterable[JudgedMatch], records: Sequence[Record]) -> list[JudgedMatch]:
    """Those of them that were shown the rankings of these records."""
    shown = {(each.cell.reranker.name, each.run_sha256) for each in records}
    return [
        each
        for each in judged
        if (each.a.reranker, each.a.run_sha256) in shown
        and (each.b.reranker, each.b.run_sha256) in shown
    ]


def _by(found: Sequence[JudgedMatch], judge: str | None, record: Record) -> list[JudgedMatch]:
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


def _largest(found: Sequence[JudgedMatch]) -> list[JudgedMatch]:
    """One of every pair: the one with the most queries."""
    pairs: dict[tuple[str, str], JudgedMatch] = {}
    for each in sorted(found, key=lambda judged: (len(judged.answers), judged.key)):
        pairs[each.a.reranker, each.b.reranker] = each
    return list(pairs.values())
