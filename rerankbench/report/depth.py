"""Makes depth curves from records, as text in one of the formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rerankbench.compare.budget import BudgetChoice, best_within, estimated_ms
from rerankbench.compare.depth import MARGIN, DepthCurve, Difference, depth_curve
from rerankbench.compare.newest import chosen
from rerankbench.errors import UsageError
from rerankbench.leaderboard.publish import readable
from rerankbench.leaderboard.renderers import renderer
from rerankbench.leaderboard.table import Entry, Header, Row, Table, headers
from rerankbench.report.titles import title
from rerankbench.results import derived
from rerankbench.results.figures import HEAD, flat
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

_SHOWN = (0, 10, 20, 30, 50, 100, 200, 300, 500, 700, 1000)
_FEW = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCurve:
    """One model's curve on one task, and the best depth within the latency budget."""

    title: str
    record: Record
    curve: DepthCurve
    choice: BudgetChoice | None


def publish(
    archive: RecordSet,
    format_name: str | None,
    *,
    models: Sequence[str] = (),
    metric: str | None = None,
    budget_ms: float,
) -> tuple[str, tuple[str, ...]]:
    """The curves as text, and a line for each record without one; format None is for a terminal.

    Raises UsageError for an unknown name or format, and if no record has a curve.
    """
    records = chosen(archive.records, models)
    name = metric or derived.choose_metric(records, None)
    measured: list[MeasuredCurve] = []
    problems: dict[str, None] = {}
    for record in records:
        try:
            curve = curve_of(archive, record, name)
            choice = best_within(curve, record, budget_ms)
            measured.append(
                MeasuredCurve(
                    title=title(record, archive.first_stage(record)),
                    record=record,
                    curve=curve,
                    choice=choice,
                )
            )
        except UsageError as error:
            problems[str(error)] = None
    if not measured:
        raise UsageError("\n".join(problems))
    if format_name == "json":
        return _json(measured, budget_ms), tuple(problems)
    every_depth = format_name == "csv"
    tables = [_table(curve, budget_ms, every_depth=every_depth) for curve in measured]
    render = readable if format_name is None else renderer(format_name)
    return render(tables), tuple(problems)


def curve_of(archive: RecordSet, record: Record, metric: str) -> DepthCurve:
    """A record's curve. Raises UsageError if it has none."""
    task, rankings = archive.task(record), archive.rankings(record)
    if task is None or rankings is None:
        missing = "task file" if task is None else "run file"
        name = f"{record.cell.reranker.name} on {record.cell.collection.name}"
        raise UsageError(f"{name}: its {missing} is missing; run the cell again")
    return depth_curve(record, task, rankings, metric)


def _table(measured: MeasuredCurve, budget_ms: float, *, every_depth: bool) -> Table:
    curve, record = measured.curve, measured.record
    choices = _choices(measured, budget_ms)
    depths = [
        depth
        for depth in curve.depths
        if every_depth
        or len(curve.depths) <= _FEW
        or depth in (*_SHOWN, *choices, curve.depths[-1])
    ]
    timed = estimated_ms(record, 0) is not None
    heads = ("Depth", curve.metric, "Δ", "Ceiling", *(["About ms"] if timed else []))
    rows = []
    for depth in depths:
        numbers = _numbers(measured, depth)
        entries = [*(numbers if timed else numbers[:-1]), Entry(value=choices.get(depth))]
        rows.append(Row(entries=tuple(entries)))
    return Table(
        title=measured.title,
        columns=(*headers(heads, texts=0), Header(text="Choice")),
        rows=tuple(rows),
        notes=tuple(_notes(measured, budget_ms)),
    )


def _numbers(measured: MeasuredCurve, depth: int) -> list[Entry]:
    """Depth, mean, difference to the first stage, ceiling, estimated time."""
    curve, mean = measured.curve, measured.curve.at(depth)
    return [
        Entry(value=str(depth)),
        Entry(value=mean, form="fixed", decimals=3, strong=depth == curve.peak),
        Entry(value=mean - curve.at(0) if depth else None, form="signed", decimals=3),
        Entry(value=curve.ceilings[curve.depths.index(depth)], form="fixed", decimals=3),
        Entry(value=estimated_ms(measured.record, depth), form="latency"),
    ]


def _choices(measured: MeasuredCurve, budget_ms: float) -> dict[int, str]:
    """Depth → the labels of the choices that it is."""
    choices = {measured.curve.peak: ["best"]}
    choices.setdefault(measured.curve.enough, []).append("enough")
    if measured.choice is not None:
        choices.setdefault(measured.choice.depth, []).append(f"{budget_ms:g} ms")
    return {depth: ", ".join(names) for depth, names in choices.items()}


def _notes(measured: MeasuredCurve, budget_ms: float) -> Iterator[str]:
    curve = measured.curve
    last = curve.depths[-1]
    if curve.gain is None:
        yield f"Shape: {curve.shape}; {curve.queries} queries are too few to judge."
    else:
        yield f"Shape: {curve.shape}, by {curve.queries} queries."
        yield f"Depth {last} less first stage: {_in_words(curve.gain)}."
    if curve.decay is not None and curve.peak != last:
        yield (
            f"Best depth less depth {last}: {_in_words(curve.decay)}; the best depth is chosen on "
            "one half of the queries and measured on the other."
        )
    yield "Depth 0 is the first stage's own order, the ceiling the best order of these documents."
    yield f"Enough: the first depth that is at most {MARGIN:g} below the best."
    if measured.choice is not None:
        yield (
            f"About ms: P50 of single requests, measured at depth {last}; below it estimated, as "
            "if a request's time grew evenly with its documents."
        )
        yield f"{budget_ms:g} ms: the best depth within that time for a query."


def _in_words(difference: Difference) -> str:
    interval = f"95 % interval {difference.low:+.3f} to {difference.high:+.3f}"
    return f"{difference.estimate:+.3f} ({interval})"


def _json(measured: Sequence[MeasuredCurve], budget_ms: float) -> str:
    """A list with one object a curve; null means not measured."""
    curves = []
    for item in measured:
        curve = asdict(item.curve)
        times = [estimated_ms(item.record, depth) for depth in item.curve.depths]
        budget = None if item.choice is None else {"budget_ms": budget_ms, **asdict(item.choice)}
        curves.append(
            {**flat(item.record, HEAD), **curve, "estimated_ms": times, "within_budget": budget}
        )
    return json.dumps(curves, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
