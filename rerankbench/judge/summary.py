"""What a judge decided, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rerankbench.judge.matches import Match
from rerankbench.judgements import Judged
from rerankbench.leaderboard.renderers import markdown
from rerankbench.leaderboard.table import Entry, Header, Row, Table

_COLUMNS = ("A", "B", "A wins", "B wins", "Ties", "Orders disagree", "Unread")


def as_markdown(matches: Sequence[Match], judged: Sequence[Judged]) -> str:
    """One table a task; rows are pairs of rerankers."""
    found = list(zip(matches, judged, strict=True))
    tasks = dict.fromkeys(each.task_key for each in judged)
    return markdown.render(
        [_table([pair for pair in found if pair[1].task_key == key]) for key in tasks]
    )


def _table(found: Sequence[tuple[Match, Judged]]) -> Table:
    cell = found[0][0].a.cell
    return Table(
        title=f"{cell.collection.name} ({cell.collection.split}), {cell.first_stage.name} "
        f"top-{cell.depth}",
        columns=tuple(
            Header(text=name, align="left" if at < 2 else "right")
            for at, name in enumerate(_COLUMNS)
        ),
        rows=tuple(Row(entries=tuple(_entries(judged))) for _, judged in found),
        notes=tuple(_notes([judged for _, judged in found])),
    )


def _entries(judged: Judged) -> Iterator[Entry]:
    counts = judged.counts()
    yield Entry(value=judged.a.reranker)
    yield Entry(value=judged.b.reranker)
    for name in ("a", "b", "tie", "disagreed", "malformed"):
        yield Entry(value=counts[name], form="fixed")


def _notes(judged: Sequence[Judged]) -> Iterator[str]:
    judge = judged[0].judge
    sample = judged[0].sampled_queries
    queries = max(len(each.answers) for each in judged)
    yield (
        f"Judged by {judge.model} on {queries} queries{' (a sample)' if sample else ''}: "
        f"the first {judge.top_k} documents, {judge.snippet_chars} characters each."
    )
    yield "Both orders were asked; a tie where they disagree or a reply was unread."
    identical = sum(each.counts()["identical"] for each in judged)
    if identical:
        yield f"{identical} times both showed the same, a tie without asking."


def as_json(judged: Sequence[Judged]) -> str:
    """A list with one object for each pair of rerankers on each task."""
    return json.dumps([_object(each) for each in judged], indent=1, ensure_ascii=False) + "\n"


def _object(judged: Judged) -> dict[str, Any]:
    counts = judged.counts()
    return {
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
