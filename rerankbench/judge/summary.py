"""A judge's results as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rerankbench.compare.judged import outcomes_of
from rerankbench.compare.ratings import RatedReranker, Ratings, fit_outcomes
from rerankbench.judge.matches import Match
from rerankbench.leaderboard.table import Entry, Row, Table, headers
from rerankbench.results import derived
from rerankbench.results.candidate_words import shortfall
from rerankbench.results.verdicts import JudgedMatch

_PAIRS = ("A", "B", "A wins", "B wins", "Ties", "Orders disagree", "Unread")
_RATINGS = ("Reranker", "Rating", "W-L-T", "Win rate %")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """All pairs of one task, and the ratings computed from them."""

    matches: Sequence[Match]
    judged: Sequence[JudgedMatch]
    ratings: Ratings

    @property
    def title(self) -> str:
        record = self.matches[0].a
        short = shortfall([record])
        collection, stage = record.cell.collection, derived.first_stage(record)
        return f"{collection.name} ({collection.split}), {stage} top-{record.cell.depth}{short}"


def as_tables(matches: Sequence[Match], judged: Sequence[JudgedMatch]) -> list[Table]:
    """For each task its pairs, and the ratings computed from all of them."""
    return [
        table
        for task in _tasks(matches, judged)
        for table in (_pairs(task), _ratings(task, _first_stages(task)))
    ]


def as_json(matches: Sequence[Match], judged: Sequence[JudgedMatch]) -> str:
    """`pairs` of rerankers and `ratings` of each, task by task."""
    tasks = _tasks(matches, judged)
    body = {
        "pairs": [_pair_object(task, match) for task in tasks for match in task.judged],
        "ratings": [
            _rating_object(task, standing) for task in tasks for standing in task.ratings.standings
        ],
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _tasks(matches: Sequence[Match], judged: Sequence[JudgedMatch]) -> list[_Task]:
    by_task: dict[str, list[tuple[Match, JudgedMatch]]] = {}
    for match, judged_match in zip(matches, judged, strict=True):
        by_task.setdefault(judged_match.task_key, []).append((match, judged_match))
    return [
        _Task(
            matches=[match for match, _ in pairs],
            judged=[judged_match for _, judged_match in pairs],
            ratings=fit_outcomes(outcomes_of(judged_match for _, judged_match in pairs)),
        )
        for pairs in by_task.values()
    ]


def _first_stages(task: _Task) -> set[str]:
    records = [record for match in task.matches for record in (match.a, match.b)]
    return {record.cell.reranker.name for record in records if derived.is_first_stage(record)}


def _pairs(task: _Task) -> Table:
    return Table(
        title=f"{task.title}: judged pairs",
        columns=headers(_PAIRS, texts=2),
        rows=tuple(Row(entries=tuple(_pair(match))) for match in task.judged),
        notes=tuple(_notes(task.judged)),
    )


def _ratings(task: _Task, first_stages: set[str]) -> Table:
    return Table(
        title=f"{task.title}: ratings by the judge",
        columns=headers(_RATINGS),
        rows=tuple(
            Row(entries=tuple(_standing(standing)), emphasised=standing.name in first_stages)
            for standing in task.ratings.standings
        ),
        notes=("Bradley–Terry on an Elo scale, ties as halves; intervals resample queries.",),
    )


def _pair(judged: JudgedMatch) -> Iterator[Entry]:
    counts = judged.counts()
    yield Entry(value=judged.a.reranker)
    yield Entry(value=judged.b.reranker)
    for name in ("a", "b", "tie", "disagreed", "malformed"):
        yield Entry(value=counts[name], form="fixed")


def _standing(standing: RatedReranker) -> Iterator[Entry]:
    yield Entry(value=standing.name)
    yield Entry(value=standing.rating, form="fixed", span=(standing.low, standing.high))
    yield Entry(value=standing.record_text)
    yield Entry(value=100 * standing.win_rate, form="fixed", decimals=1)


def _notes(judged: Sequence[JudgedMatch]) -> Iterator[str]:
    judge = judged[0].judge
    sample = judged[0].sampled_queries
    queries = max(len(match.answers) for match in judged)
    yield (
        f"Judged by {judge.model} on {queries} queries{' (a sample)' if sample else ''}: "
        f"the first {judge.top_k} documents, {judge.snippet_chars} characters each."
    )
    yield "Both orders were asked; a tie if they disagree or a reply was unreadable."
    identical = sum(match.counts()["identical"] for match in judged)
    if identical:
        yield f"{identical} times both rankings were the same: a tie without asking."


def _pair_object(task: _Task, judged: JudgedMatch) -> dict[str, Any]:
    counts = judged.counts()
    return {
        "task": task.title,
        "task_key": judged.task_key,
        "judge": judged.judge.model,
        "prompt_sha256": judged.judge.prompt_sha256,
        "a": judged.a.reranker,
        "b": judged.b.reranker,
        "queries": len(judged.answers),
        "a_wins": counts["a"],
        "b_wins": counts["b"],
        "ties": counts["tie"],
        "agreed": counts["agreed"],
        "disagreed": counts["disagreed"],
        "malformed": counts["malformed"],
        "identical": counts["identical"],
        "malformed_replies": judged.malformed_replies,
        "prompt_tokens": judged.prompt_tokens,
        "completion_tokens": judged.completion_tokens,
        "usd": judged.usd,
        "results": judged.results(),
    }


def _rating_object(task: _Task, standing: RatedReranker) -> dict[str, Any]:
    return {
        "task": task.title,
        "task_key": task.judged[0].task_key,
        "reranker": standing.name,
        "rating": standing.rating,
        "low": standing.low,
        "high": standing.high,
        "wins": standing.wins,
        "losses": standing.losses,
        "ties": standing.ties,
        "win_rate": standing.win_rate,
    }
