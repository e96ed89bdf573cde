"""Records → slices of their queries as text in one of the formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from rerankbench.compare.ceilings import first_stage_values
from rerankbench.compare.newest import chosen
from rerankbench.compare.slices import SMALL, Bin, SlicePoint, Slices, slices
from rerankbench.errors import UsageError
from rerankbench.known import metric_name
from rerankbench.leaderboard.publish import readable
from rerankbench.leaderboard.renderers import renderer
from rerankbench.leaderboard.table import Entry, Row, Table, headers, table_of
from rerankbench.registry import naming
from rerankbench.report.titles import title
from rerankbench.results import derived
from rerankbench.results.figures import HEAD, flat
from rerankbench.results.record_set import RecordSet
from rerankbench.results.tasks import Task
from rerankbench.types import Record

_HEADS: Mapping[str, str] = {
    "query-length": "Query",
    "document-length": "Documents",
    "relevant": "Relevant",
    "grade": "Highest grade",
    "first-stage": "First relevant",
}
POINT_HEADS = ("Words", "Queries", "Δ", "Polynomial")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedRecord:
    """One model's queries on one task, held `against` another: None is the first stage's order."""

    title: str
    record: Record
    against: str | None
    metric: str
    slices: Slices


def publish(
    archive: RecordSet,
    format_name: str | None,
    *,
    models: Sequence[str],
    against: str | None = None,
    by: str,
    metric: str | None = None,
    degree: int,
) -> tuple[str, tuple[str, ...]]:
    """The slices as text, and a line for each record that has none; no format: for reading.

    Raises UsageError for a name, a fact or a format that is not known, and where no record can be
    sliced.
    """
    records = chosen(archive.records, models)
    held = None if against is None else chosen(archive.records, [against])
    asked = metric or derived.choose_metric(records, None)
    found: list[SlicedRecord] = []
    problems: dict[str, None] = {}
    for record in records:
        try:
            found.append(sliced(archive, record, asked, by, held, degree=degree))
        except UsageError as error:
            problems[str(error)] = None
    if not found:
        raise UsageError("\n".join(problems))
    if format_name == "json":
        return _json(found), tuple(problems)
    tables = [table for each in found for table in _tables(each, points=format_name == "csv")]
    render = readable if format_name is None else renderer(format_name)
    return render(tables), tuple(problems)


def sliced(
    archive: RecordSet,
    record: Record,
    metric: str,
    by: str,
    held: Sequence[Record] | None = None,
    *,
    degree: int = 2,
) -> SlicedRecord:
    """A record's queries, held against those of `held` on the same task.

    None is the first stage's order, computed from the task: no record of it is needed. Raises
    UsageError where the record cannot be sliced.
    """
    name = naming.parse_metric(metric, record.cell.collection.relevance_level).name
    values, task, against = _values(record, name), _task(archive, record), None
    if held is None:
        base = first_stage_values(task, naming.parse_metric(name))
    else:
        against = held[0].cell.reranker.name
        other = next((each for each in held if each.task == record.task), None)
        if other is None:
            raise UsageError(f"{_name(record)}: {against} was not run on the same task")
        base = _values(other, name)
    parted = slices(task, values, base, by, degree=degree, level=metric_name.level(name))
    return SlicedRecord(
        title=title(record, archive.first_stage(record)),
        record=record,
        against=against,
        metric=name,
        slices=parted,
    )


def _task(archive: RecordSet, record: Record) -> Task:
    task = archive.task(record)
    if task is None:
        raise UsageError(f"{_name(record)}: no task lies beside its record; run the cell again")
    return task


def _values(record: Record, metric: str) -> Mapping[str, float]:
    if metric not in record.per_query:
        held = ", ".join(record.per_query)
        raise UsageError(f"{_name(record)}: its record does not hold {metric}, but {held}")
    return record.per_query[metric]


def _name(record: Record) -> str:
    return f"{record.cell.reranker.name} on {record.cell.collection.name}"


def _tables(found: SlicedRecord, *, points: bool) -> Iterator[Table]:
    """The bins; with `points` also a row for each query length."""
    by = found.slices.by
    heads = (_HEADS[by], "Queries", found.metric, "Base", "Δ", "Low", "High")
    yield Table(
        title=f"{found.title} by {by.replace('-', ' ')}",
        columns=headers(heads),
        rows=tuple(_row(each) for each in found.slices.bins),
        notes=tuple(_notes(found)),
    )
    if points and found.slices.points:
        points_title = f"{found.title}, a point a length"
        rows = map(point_entries, found.slices.points)
        yield table_of(headers(POINT_HEADS), rows, title=points_title)


def _row(one: Bin) -> Row:
    low, high = (None, None) if one.interval is None else (one.interval.low, one.interval.high)
    entries = (
        Entry(value=one.label),
        Entry(value=one.queries, form="fixed", mark="*" if one.small else ""),
        *(Entry(value=value, form="fixed", decimals=3) for value in (one.model, one.base)),
        *(Entry(value=value, form="signed", decimals=3) for value in (one.delta, low, high)),
    )
    return Row(entries=entries)


def point_entries(point: SlicePoint) -> tuple[Entry, ...]:
    """What stands below POINT_HEADS."""
    return (
        Entry(value=point.words, form="fixed"),
        Entry(value=point.queries, form="fixed"),
        *(Entry(value=value, form="signed", decimals=3) for value in (point.delta, point.fitted)),
    )


def _notes(found: SlicedRecord) -> Iterator[str]:
    parted = found.slices
    base = found.against or "the first stage's own order"
    yield f"Base: {base}."
    yield "Low, high: the 95 % interval of the difference, by bootstrap over the queries."
    if parted.coefficients:
        points = f"{len(parted.points)} points, one a length of w words"
        yield f"Least squares through {points}: Δ = {_formula(parted)}."
    if any(one.small for one in parted.bins):
        yield f"* Fewer than {SMALL} queries."
    if parted.left_out:
        yield f"Left out: {parted.left_out} queries of which this is not known."


def _formula(parted: Slices) -> str:
    """`+0.104 -0.0105 w -0.000297 w^2`, w the words of the query."""
    powers = ("", " w", *(f" w^{power}" for power in range(2, len(parted.coefficients))))
    return " ".join(
        f"{value:+.3g}{power}" for value, power in zip(parted.coefficients, powers, strict=False)
    )


def _json(found: Sequence[SlicedRecord]) -> str:
    """A list with one object a record; null is what is not known."""
    every = [
        {
            **flat(each.record, HEAD),
            "against": each.against,
            "metric": each.metric,
            **asdict(each.slices),
        }
        for each in found
    ]
    return json.dumps(every, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
