"""The notes below a table: how it came about, and what a reader could otherwise get wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rerankbench.errors import some
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.facts import FirstStageColumn
from rerankbench.leaderboard.columns.heads import header
from rerankbench.leaderboard.columns.kinds import KINDS
from rerankbench.leaderboard.columns.quality import MeasuredColumn
from rerankbench.leaderboard.columns.speed import TimedColumn
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.rows import Selection, first_of
from rerankbench.leaderboard.verdict import verdict
from rerankbench.results import derived
from rerankbench.results.candidate_words import shortfall
from rerankbench.results.grouping import different_facts
from rerankbench.results.wording import spread
from rerankbench.types import Record

_MOST_IN_BRIEF = 6
_SHOWN_WARNINGS = 3
_SHOWN_CHARACTERS = 40


def notes(layout: Layout, context: Context) -> tuple[str, ...]:
    """The lines below the last table: as many as the layout says, the most important first.

    In brief there are at most six, of which the last says in plain words who leads.
    """
    if layout.notes == "none":
        return ()
    cautions = [f"Caution: {caution}" for caution in _cautions(context)]
    columns = sorted(_by_kind(context), key=lambda column: column.notes_place)
    figures = list(dict.fromkeys(line for column in columns for line in column.notes(context)))
    # Stated even where the columns of games were dropped because they are blank.
    if context.judge is not None and not any(context.findings.ratings.values()):
        figures.append(f"Caution: {context.judge.name} judged no two of these rerankers.")
    figures += _other_work(context.selection)
    if layout.notes == "cautions":
        return (*figures, *cautions)
    heads, facts, last = list(_heads(context)), list(_facts(context)), verdict(context)
    end = [last] if last else []
    if layout.notes == "all":
        return (*facts, *heads, *figures, *cautions, *end)
    lines = [*cautions, *figures, *([f"{'; '.join(heads)}."] if heads else []), *facts]
    room = _MOST_IN_BRIEF - len(end)
    if len(lines) > room:
        left = len(lines) - room + 1
        lines = [*lines[: room - 1], f"{left} more {_plural('note', left)}: --notes all."]
    return (*lines, *end)


def _heads(context: Context) -> Iterator[str]:
    """What the short heads of the columns stand for."""
    explained = {
        header(column, context, "left").text: column.explained(context)
        for column in context.columns
    }
    yield from (f"{head}: {meaning.rstrip('.')}" for head, meaning in explained.items() if meaning)


def _by_kind(context: Context) -> list[Column]:
    return sorted(context.columns, key=lambda column: KINDS.index(type(column)))


def _facts(context: Context) -> Iterator[str]:
    records = list(context.selection.records())
    if len({record.task.collection for record in records}) == 1:
        yield f"Queries: {spread(derived.query_count(record) for record in records)}."
    first_stages = {_first_stage(record) for record in records}
    depths = spread(record.cell.depth for record in records)
    stages = " / ".join(sorted(first_stages))
    yield f"Reranked: the first {depths} documents{shortfall(records)} of {stages}."
    idle = (derived.is_baseline, derived.is_imported)
    models = [record for record in records if not any(is_idle(record) for is_idle in idle)]
    if models:
        machines = sorted(set(map(derived.machine, models)))
        engines = set(map(_engine, models))
        yield f"Run on {'; '.join(machines)}; engine {', '.join(sorted(engines))}."
    columns = _by_kind(context)
    yield from dict.fromkeys(line for column in columns for line in column.facts(context))


def _other_work(selection: Selection) -> Iterator[str]:
    """Rows that do not read every pair: documents encoded once, or runs imported."""
    once = {
        record.cell.reranker.name
        for record in selection.records()
        if derived.encodes_documents_once(record)
    }
    if once:
        yield f"Documents encoded once per collection, not once per pair: {some(sorted(once))}."
    imported = {
        record.cell.reranker.name for record in selection.records() if derived.is_imported(record)
    }
    if imported:
        yield f"Imported from run files, not run here: {some(sorted(imported))}."


def _engine(record: Record) -> str:
    return f"{record.cell.engine.engine} {record.cell.reranker.dtype or ''}".strip()


def _first_stage(record: Record) -> str:
    stage = record.cell.first_stage
    shown = ", ".join(
        f"{key}={value}"
        for key, value in sorted(stage.parameters.items())
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    shown = shown or str(stage.parameters.get("file", ""))
    return f"{stage.name} ({shown})" if shown else stage.name


def _cautions(context: Context) -> Iterator[str]:
    selection = context.selection
    records = list(selection.records())
    if selection.chosen_among:
        among = some(selection.chosen_among)
        yield f"where several records fit one cell, the newest counts: {among}."
    yield from _added_positives(records, selection)
    yield from _sampled(records)
    yield from _unlike_tasks(context)
    if context.of(TimedColumn):
        yield from _unlike_speeds(context.timed)
    yield from _missing_metrics(context, records)
    if selection.left_out:
        yield f"left out because the layout does not list them: {some(selection.left_out)}."
    yield from _warnings(records)


def _warnings(records: Sequence[Record]) -> Iterator[str]:
    """The records' own warnings, each once with its rows; beyond a few they are counted."""
    rows: dict[str, list[str]] = {}
    for record in records:
        for warning in record.warnings:
            names = rows.setdefault(warning, [])
            if record.cell.reranker.name not in names:
                names.append(record.cell.reranker.name)
    for warning, names in list(rows.items())[:_SHOWN_WARNINGS]:
        yield f"{some(names)}: {warning}."
    left = len(rows) - _SHOWN_WARNINGS
    if left > 0:
        yield f"{left} more {_plural('warning', left)}; --format json lists them."


def _added_positives(records: Sequence[Record], selection: Selection) -> Iterator[str]:
    added = [record for record in records if record.cell.adds_positives]
    if added:
        where = "in all rows" if len(added) == len(records) else "where a column says so"
        yield (
            "relevant documents that the first stage missed were added to the candidates "
            f"{where}: no search reaches these figures."
        )
    if selection.kept_apart:
        yield (
            "records with the missed positives added are left out, which compare with no others: "
            f"{some(selection.kept_apart)}."
        )


def _sampled(records: Sequence[Record]) -> Iterator[str]:
    sampled = {
        f"{record.cell.collection.name} ({record.cell.collection.sampled_queries})"
        for record in records
        if record.cell.collection.sampled_queries is not None
    }
    if sampled:
        yield f"only a sample of the queries was run: {some(sorted(sampled))}."


def _unlike_tasks(context: Context) -> Iterator[str]:
    """Collections whose column holds figures that do not compare, and how their tasks differ."""
    # A collection may go by two names, and rows may show different first stages on purpose.
    intended = {"collection"}
    if context.of(FirstStageColumn):
        intended |= {"first stage", "first-stage parameters"}
    parts: dict[tuple[tuple[str, ...], bool], set[tuple[str, ...]]] = {}
    for column in context.of(MeasuredColumn):
        view = column.first_stage, column.adds_positives
        parts.setdefault(view, set()).update(column.parts)
    for (first_stage, added), collections in sorted(parts.items()):
        views = [line.view(first_stage, adds_positives=added) for line in context.selection.lines]
        for names in sorted(collections):
            records = [first_of(view, names) for view in views]
            yield from _differences(names[0], filter(None, records), intended)


def _differences(
    collection: str, records: Iterable[Record], intended: AbstractSet[str]
) -> Iterator[str]:
    differences = [
        _difference(fact, values)
        for fact, values in different_facts(record.task for record in records).items()
        if fact not in intended
    ]
    if differences:
        facts = ", ".join(differences)
        yield f"figures for {collection} do not compare: their tasks differ in {facts}."


def _difference(fact: str, values: Sequence[str]) -> str:
    shown = ", ".join(values)
    return f"{fact} ({shown})" if len(shown) <= _SHOWN_CHARACTERS else fact


def _unlike_speeds(timed: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    shown = {name: records for name, records in timed.items() if records}
    by_setting: dict[tuple[str, str], list[str]] = {}
    for name, records in shown.items():
        by_setting.setdefault(derived.setting(records[0]), []).append(name)
    if len(by_setting) > 1:
        places = [
            f"{some(names)} on {derived.machine(shown[names[0]][0])}"
            for names in by_setting.values()
        ]
        yield (
            "speeds were measured on different machines or devices and compare only within one: "
            f"{'; '.join(places)}."
        )
    pools = {frozenset(map(derived.collection_slug, records)) for records in shown.values()}
    if len(pools) > 1:
        yield "speeds are medians over different collections from row to row."


def _missing_metrics(context: Context, records: Sequence[Record]) -> Iterator[str]:
    wanted = {column.metric or context.metric for column in context.of(MeasuredColumn)}
    available = {name for record in records for name in record.per_query}
    missing = sorted(
        name
        for name in wanted
        if name is not None and all(derived.mean_of(record, name) is None for record in records)
    )
    if missing:
        yield f"no record holds {', '.join(missing)}; recorded: {', '.join(sorted(available))}."


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
