"""A judge's stored answers as games, so that ratings can be computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rerankbench.compare.games import Outcome
from rerankbench.errors import UsageError, nearest
from rerankbench.results import row_names
from rerankbench.results.record_set import RecordSet
from rerankbench.results.verdicts import Contestant, JudgedMatch
from rerankbench.types import Record, TaskKey


class StoredJudge:
    """One judge's answers from the files beside records; nothing is asked anew."""

    def __init__(self, archive: RecordSet, records: Iterable[Record], name: str) -> None:
        """Take the answers about the rankings of these records, whatever their tasks.

        Raises UsageError where there are none at all, none of that judge's model, or where a task
        has answers of the model under several settings; InputError for a damaged file.
        """
        tasks: dict[TaskKey, list[Record]] = {}
        for record in records:
            tasks.setdefault(record.task, []).append(record)
        matches = {task: _about(archive.judged(group[0]), group) for task, group in tasks.items()}
        models = {match.judge.model for group in matches.values() for match in group}
        if not models:
            raise UsageError("nobody judged these rankings; run `rerankbench judge` first")
        if name not in models:
            raise UsageError(f"no judge '{name}' on these rankings; {nearest(name, models)}")
        self.name = name
        self._matches = {task: _of_judge(group, name, task) for task, group in matches.items()}

    def pairs(self, records: Sequence[Record]) -> list[JudgedMatch]:
        """The answers about pairs of these records, all of one task.

        Answers about other rankings do not count; if a pair was judged on several
        samples, the largest one counts.
        """
        return _largest(_about(self._matches.get(records[0].task, []), records))


def outcomes_of(matches: Iterable[JudgedMatch]) -> list[Outcome]:
    """One game for every query of every pair."""
    return [
        Outcome(query_id=query_id, a=match.a.reranker, b=match.b.reranker, result=result)
        for match in matches
        for query_id, result in match.results().items()
    ]


def _about(matches: Iterable[JudgedMatch], records: Sequence[Record]) -> list[JudgedMatch]:
    """Those of them that were shown the rankings of these records."""
    names = {
        (row_names.without_settings(record.cell.reranker.name), record.run_sha256): (
            record.cell.reranker.name
        )
        for record in records
    }

    def name(side: Contestant) -> str | None:
        """The name that the reranker has among these records, which may tell settings."""
        return names.get((row_names.without_settings(side.reranker), side.run_sha256))

    return [
        replace(match, a=replace(match.a, reranker=a), b=replace(match.b, reranker=b))
        for match in matches
        if (a := name(match.a)) is not None and (b := name(match.b)) is not None
    ]


def _of_judge(matches: Sequence[JudgedMatch], name: str, task: TaskKey) -> list[JudgedMatch]:
    """The answers of one judge. Raises UsageError if they were given under several settings."""
    answers = [match for match in matches if match.judge.model == name]
    if len({match.judge for match in answers}) > 1:
        raise UsageError(
            f"{name} answered on {task.collection} with several settings; move the files of all "
            "but one from judged/"
        )
    return answers


def _largest(matches: Sequence[JudgedMatch]) -> list[JudgedMatch]:
    """For each pair the match with the most queries."""
    ordered = sorted(matches, key=lambda match: (len(match.answers), match.key))
    return list({(match.a.reranker, match.b.reranker): match for match in ordered}.values())
