"""Speeds that were not measured for their table, and latencies that are impossible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.findings import Finding, Severity, about
from rerankbench.audit.tables import PrintedTable, with_numbers
from rerankbench.known import models, published

ROWS = 3
"""The fewest rows whose speeds are not equal by coincidence."""
ROUND_ROWS = 5
_DOCS_PER_S = re.compile(r"docs?\s*/\s*s|pairs\s*/\s*s", re.I)
_PERCENTILE = re.compile(r"\bp(50|75|90|95|99)\b", re.I)
_MEAN = re.compile(r"\b(mean|avg|average)\b", re.I)
_STATISTIC = re.compile(r"\(?\b(p\d\d|mean|avg|average|median)\b\)?", re.I)


def copied_speeds(table: PrintedTable, before: Sequence[PrintedTable]) -> Iterator[Finding]:
    """Speeds equal to those of another table or a published page, to the last digit."""
    for at in table.of_kind("speed"):
        speeds = {row.full_name: row.cells[at] for row in with_numbers(table.rows, at)}
        name = table.columns[at].name
        if len(speeds) >= ROWS and len({cell.number for cell in speeds.values()}) == 1:
            value = next(iter(speeds.values())).text
            yield about(
                table,
                None,
                name,
                check="copied-speed",
                severity="warning",
                printed=value,
                message=f"is {value} in all {len(speeds)} rows",
            )
            continue
        yield from _equal_to_earlier(table, at, speeds, before)
        if _DOCS_PER_S.search(name) and not _continues(table, at, before):
            yield from _equal_to_published(table, name, speeds)
            yield from _round(table, name, speeds)


def _equal_to_earlier(
    table: PrintedTable, at: int, speeds: Mapping[str, PrintedCell], before: Sequence[PrintedTable]
) -> Iterator[Finding]:
    """Speeds equal to those of an earlier table with other figures under the same headings.

    A table that was split in two repeats its speeds beside other columns, which is no copy.
    """
    column = table.columns[at]
    for other in before:
        places = [i for i in other.of_kind("speed") if other.columns[i].name == column.name]
        if not places or not _measures_anew(table, other):
            continue
        earlier_speeds = {row.full_name: row.cells[places[0]].number for row in other.rows}
        shared = [name for name in speeds if earlier_speeds.get(name) is not None]
        if len(shared) >= ROWS and all(
            earlier_speeds[name] == speeds[name].number for name in shared
        ):
            yield about(
                table,
                None,
                column.name,
                check="copied-speed",
                severity="warning",
                message=f"all {len(shared)} speeds are those of {other.title} "
                f"({other.file}:{other.line}), whose other figures differ; "
                "measured once or copied?",
            )
            return


def _measures_anew(table: PrintedTable, other: PrintedTable) -> bool:
    """Whether both have a quality column of the same name with different figures."""
    rows = {row.full_name: row for row in other.rows}
    names = {other.columns[at].name: at for at in other.of_kind("quality")}
    return any(
        row.cells[at].number != rows[row.full_name].cells[names[table.columns[at].name]].number
        for at in table.of_kind("quality")
        if table.columns[at].name in names
        for row in table.rows
        if row.full_name in rows
    )


def _continues(table: PrintedTable, at: int, before: Sequence[PrintedTable]) -> bool:
    """Whether an earlier table of the file has the same rows with the same speeds."""
    own = {row.full_name: row.cells[at].number for row in table.rows}
    return any(
        other.file == table.file
        and other.columns[place].name == table.columns[at].name
        and own == {row.full_name: row.cells[place].number for row in other.rows}
        for other in before
        for place in other.of_kind("speed")
    )


def _equal_to_published(
    table: PrintedTable, name: str, speeds: Mapping[str, PrintedCell]
) -> Iterator[Finding]:
    """Speeds of known models that are all equal to those on a published page."""
    by_model = {_model(row): cell.number for row, cell in speeds.items()}
    places: dict[str, str] = {}
    most = 0
    for figures in published.speeds():
        known = {_model(figure.model): figure.value for figure in figures}
        shared = [model for model in by_model if model in known]
        if len(shared) >= ROWS and all(by_model[model] == known[model] for model in shared):
            hardware = figures[0].hardware
            machine = "no machine stated" if hardware == "not stated" else hardware
            places[figures[0].source.title] = machine
            most = max(most, len(shared))
    if places:
        shown = " and ".join(f"'{title}' ({machine})" for title, machine in places.items())
        yield about(
            table,
            None,
            name,
            check="copied-speed",
            severity="warning",
            message=f"{most} of {len(speeds)} speeds are to the digit those of {shown}; "
            "measured there, or copied?",
        )


def _model(name: str) -> str:
    shown = name.rpartition(" / ")[2]
    known = models.find(shown)
    return known.name if known else shown.casefold()


def _round(table: PrintedTable, name: str, speeds: Mapping[str, PrintedCell]) -> Iterator[Finding]:
    values = {cell.number for cell in speeds.values() if cell.number is not None}
    if len(values) >= ROUND_ROWS and all(value % 10 == 0 for value in values):
        yield about(
            table,
            None,
            name,
            check="round-speed",
            severity="note",
            message=f"all {len(speeds)} speeds are multiples of 10; their variation from run "
            "to run is not visible",
        )


def impossible_latencies(table: PrintedTable) -> Iterator[Finding]:
    """Percentiles that decrease, and means above the 90th."""
    for row in table.rows:
        cells = {
            table.columns[at].name: row.cells[at]
            for at in table.of_kind("speed")
            if row.cells[at].number is not None
        }
        for column, severity, message in latency_problems(cells):
            yield about(
                table,
                row,
                column,
                check="latency",
                severity=severity,
                printed=cells[column].text,
                message=message,
            )


def latency_problems(cells: Mapping[str, PrintedCell]) -> Iterator[tuple[str, Severity, str]]:
    """Label, severity and message for each problem of latencies by label."""
    families: dict[str, dict[int, str]] = {}
    means: dict[str, str] = {}
    for label in cells:
        percentile = _PERCENTILE.search(label)
        rest = _STATISTIC.sub("", label).strip().casefold()
        if percentile:
            families.setdefault(rest, {})[int(percentile[1])] = label
        elif _MEAN.search(label):
            means[rest] = label
    for rest, labels in families.items():
        for low, high in pairwise(sorted(labels)):
            below, above = cells[labels[low]], cells[labels[high]]
            if below.value > above.value:
                message = f"P{low} is {below.text}, above P{high} with {above.text}"
                yield labels[low], "error", message
        if rest in means and 90 in labels:
            mean, p90 = cells[means[rest]], cells[labels[90]]
            if mean.value > p90.value:
                message = (
                    f"the mean is {mean.text}, above P90 with {p90.text}: fewer than one call "
                    "in ten causes most of it (cold starts, failed calls, waiting)"
                )
                yield means[rest], "warning", message
