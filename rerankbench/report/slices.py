"""Makes slices of queries from records, as text in one of the formats."""

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
    """One model's queries on one task, against another; None is the first stage's order."""

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
    """The slices as text, and a line for each record without; format None is for a terminal.

    Raises UsageError for an unknown name, fact or format, and if no record can be
    sliced.
    """
    records = chosen(archive.records, models)
    references = None if against is None else chosen(archive.records, [against])
    requested = metric or derived.choose_metric(records, None)
    sliced_records: list[SlicedRecord] = []
    problems: dict[str, None] = {}
    for record in records:
        try:
            sliced_records.append(
                sliced(archive, record, requested, by, references, degree=degree)
            )
        except UsageError as error:
            problems[str(error)] = None
    if not sliced_records:
        raise UsageError("\n".join(problems))
    if format_name == "json":
        return _json(sliced_records), tuple(problems)
    tables = [
        table for item in sliced_records for table in _tables(item, points=format_name == "csv")
    ]
    render = readable if format_name is None else renderer(format_name)
    return render(tables), tuple(problems)


def sliced(
    archive: RecordSet,
    record: Record,
    metric: str,
    by: str,
    references: Sequence[Record] | None = None,
    *,
    degree: int = 2,
) -> SlicedRecord:
    """A record's queries, compared with those of `references` on the same task.

    None means the first stage's order, computed from the task without its record. Raises
    UsageError if the record cannot be sliced.
    """
    name = naming.parse_metric(metric, record.cell.collection.relevance_level).name
    values, task, against = _values(record, name), _task(archive, record), None
    if references is None:
        base = first_stage_values(task, naming.parse_metric(name))
    else:
        against = references[0].cell.reranker.name
        other = next(
            (reference for reference in references if reference.task == record.task), None
        )
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
        raise UsageError(f"{_name(record)}: its task file is missing; run the cell again")
    return task


def _values(record: Record, metric: str) -> Mapping[str, float]:
    if metric not in record.per_query:
        available = ", ".join(record.per_query)
        raise UsageError(f"{_name(record)}: its record has no {metric}, only {available}")
    return record.per_query[metric]


def _name(record: Record) -> str:
    return f"{record.cell.reranker.name} on {record.cell.collection.name}"


def _tables(record_slices: SlicedRecord, *, points: bool) -> Iterator[Table]:
    """The bins; with `points` also a row for each query length."""
    by = record_slices.slices.by
    heads = (_HEADS[by], "Queries", record_slices.metric, "Base", "Δ", "Low", "High")
    yield Table(
        title=f"{record_slices.title} by {by.replace('-', ' ')}",
        columns=headers(heads),
        rows=tuple(_row(item) for item in record_slices.slices.bins),
        notes=tuple(_notes(record_slices)),
    )
    if points and record_slices.slices.points:
        points_title = f"{record_slices.title}, a point a length"
        rows = map(point_entries, record_slices.slices.points)
        yield table_of(headers(POINT_HEADS), rows, title=points_title)


def _row(bin_: Bin) -> Row:
    low, high = (None, None) if bin_.interval is None else (bin_.interval.low, bin_.interval.high)
    entries = (
        Entry(value=bin_.label),
        Entry(value=bin_.queries, form="fixed", mark="*" if bin_.small else ""),
        *(Entry(value=value, form="fixed", decimals=3) for value in (bin_.model, bin_.base)),
        *(Entry(value=value, form="signed", decimals=3) for value in (bin_.delta, low, high)),
    )
    return Row(entries=entries)


def point_entries(point: SlicePoint) -> tuple[Entry, ...]:
    """The entries for POINT_HEADS."""
    return (
        Entry(value=point.words, form="fixed"),
        Entry(value=point.queries, form="fixed"),
        *(Entry(value=value, form="signed", decimals=3) for value in (point.delta, point.fitted)),
    )


def _notes(record_slices: SlicedRecord) -> Iterator[str]:
    fact_slices = record_slices.slices
    base = record_slices.against or "the first stage's own order"
    yield f"Base: {base}."
    yield "Low, high: the 95 % interval of the difference, by bootstrap over the queries."
    if fact_slices.coefficients:
        points = f"{len(fact_slices.points)} points, one a length of w words"
        yield f"Least squares through {points}: Δ = {_formula(fact_slices)}."
    if any(item.small for item in fact_slices.bins):
        yield f"* Fewer than {SMALL} queries."
    if fact_slices.left_out:
        yield f"Left out: {fact_slices.left_out} queries without this fact."


def _formula(fact_slices: Slices) -> str:
    """`+0.104 -0.0105 w -0.000297 w^2`, w the words of the query."""
    powers = ("", " w", *(f" w^{power}" for power in range(2, len(fact_slices.coefficients))))
    return " ".join(
        f"{value:+.3g}{power}"
        for value, power in zip(fact_slices.coefficients, powers, strict=False)
    )


def _json(records: Sequence[SlicedRecord]) -> str:
    """A list with one object a record; null means unknown."""
    every = [
        {
            **flat(item.record, HEAD),
            "against": item.against,
            "metric": item.metric,
            **asdict(item.slices),
        }
        for item in records
    ]
    return json.dumps(every, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
