"""Records → depth curves as text in one of the formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rerankbench.compare.budget import BudgetChoice, best_within, estimated_ms
from rerankbench.compare.depth import MARGIN, DepthCurve, depth_curve
from rerankbench.compare.newest import chosen
from rerankbench.errors import UsageError
from rerankbench.leaderboard.publish import readable
from rerankbench.leaderboard.renderers import renderer
from rerankbench.leaderboard.table import Entry, Header, Row, Table, headers
from rerankbench.report.titles import title
from rerankbench.results import derived
from rerankbench.results.figures import HEAD, flat
from rerankbench.results.record_set import RecordSet
from rerankbench.stats.paired import Interval
from rerankbench.types import Record

_SHOWN = (0, 10, 20, 30, 50, 100, 200, 300, 500, 700, 1000)
_FEW = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCurve:
    """One model's curve on one task, and the depth that the latency budget allows."""

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
    """The curves as text, and a line for each record that has none; no format: for reading.

    Raises UsageError for a name or a format that is not known, and where no record has a curve.
    """
    records = chosen(archive.records, models)
    name = metric or derived.choose_metric(records, None)
    found: list[MeasuredCurve] = []
    problems: dict[str, None] = {}
    for record in records:
        try:
            curve = curve_of(archive, record, name)
            choice = best_within(curve, record, budget_ms)
            found.append(
                MeasuredCurve(
                    title=title(record, archive.first_stage(record)),
                    record=record,
                    curve=curve,
                    choice=choice,
                )
            )
        except UsageError as error:
            problems[str(error)] = None
    if not found:
        raise UsageError("\n".join(problems))
    if format_name == "json":
        return _json(found, budget_ms), tuple(problems)
    every_depth = format_name == "csv"
    tables = [_table(each, budget_ms, every_depth=every_depth) for each in found]
    render = readable if format_name is None else renderer(format_name)
    return render(tables), tuple(problems)


def curve_of(archive: RecordSet, record: Record, metric: str) -> DepthCurve:
    """A record's curve. Raises UsageError where it has none."""
    task, rankings = archive.task(record), archive.rankings(record)
    if task is None or rankings is None:
        missing = "task" if task is None else "run of its own"
        name = f"{record.cell.reranker.name} on {record.cell.collection.name}"
        raise UsageError(f"{name}: no {missing} lies beside its record; run the cell again")
    return depth_curve(record, task, rankings, metric)


def _table(found: MeasuredCurve, budget_ms: float, *, every_depth: bool) -> Table:
    curve, record = found.curve, found.record
    choices = _choices(found, budget_ms)
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
        numbers = _numbers(found, depth)
        entries = [*(numbers if timed else numbers[:-1]), Entry(value=choices.get(depth))]
        rows.append(Row(entries=tuple(entries)))
    return Table(
        title=found.title,
        columns=(*headers(heads, texts=0), Header(text="Choice")),
        rows=tuple(rows),
        notes=tuple(_notes(found, budget_ms)),
    )


def _numbers(found: MeasuredCurve, depth: int) -> list[Entry]:
    """Depth, mean, difference to the first stage, ceiling, estimated time."""
    curve, mean = found.curve, found.curve.at(depth)
    return [
        Entry(value=str(depth)),
        Entry(value=mean, form="fixed", decimals=3, strong=depth == curve.peak),
        Entry(value=mean - curve.at(0) if depth else None, form="signed", decimals=3),
        Entry(value=curve.ceilings[curve.depths.index(depth)], form="fixed", decimals=3),
        Entry(value=estimated_ms(found.record, depth), form="rate"),
    ]


def _choices(found: MeasuredCurve, budget_ms: float) -> dict[int, str]:
    """What single depths are chosen for."""
    choices = {found.curve.peak: ["best"]}
    choices.setdefault(found.curve.enough, []).append("enough")
    if found.choice is not None:
        choices.setdefault(found.choice.depth, []).append(f"{budget_ms:g} ms")
    return {depth: ", ".join(names) for depth, names in choices.items()}


def _notes(found: MeasuredCurve, budget_ms: float) -> Iterator[str]:
    curve = found.curve
    last, gain = curve.depths[-1], curve.means[-1] - curve.at(0)
    if curve.gain is None:
        yield f"Shape: {curve.shape}; {curve.queries} queries are too few to tell."
    else:
        yield f"Shape: {curve.shape}, by {curve.queries} queries."
        yield f"Depth {last} less first stage: {gain:+.3f} ({_interval(curve.gain)})."
    if curve.decay is not None and curve.peak != last:
        drop = curve.at(curve.peak) - curve.means[-1]
        yield f"Best depth less depth {last}: {drop:+.3f} ({_interval(curve.decay)})."
    yield "Depth 0 is the first stage's own order, the ceiling the best order of the reranked."
    yield f"Enough: the first depth that is at most {MARGIN:g} below the best."
    if found.choice is not None:
        yield (
            f"{budget_ms:g} ms: the best depth in that time for one query; times are estimated "
            "from the median request, by its documents."
        )


def _interval(interval: Interval) -> str:
    return f"95 % interval {interval.low:+.3f} to {interval.high:+.3f}"


def _json(found: Sequence[MeasuredCurve], budget_ms: float) -> str:
    """A list with one object a curve; null is what was not measured."""
    curves = []
    for each in found:
        curve = asdict(each.curve)
        times = [estimated_ms(each.record, depth) for depth in each.curve.depths]
        budget = None if each.choice is None else {"budget_ms": budget_ms, **asdict(each.choice)}
        curves.append(
            {**flat(each.record, HEAD), **curve, "estimated_ms": times, "within_budget": budget}
        )
    return json.dumps(curves, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
