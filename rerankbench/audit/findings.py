"""The finding of a check, and how findings are printed."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from rerankbench.audit.tables import PrintedRow, PrintedTable, UnreadPlace
from rerankbench.leaderboard.renderers.markdown import escape
from rerankbench.leaderboard.table import printable

Severity: TypeAlias = Literal["error", "warning", "note"]
"""An error contradicts the document itself; a warning is misleading; a note is good to know."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; `printed` and `expected` are empty if they do not apply.

    `check` names the check, as in docs/audit.md.
    """

    file: str
    line: int
    table: str
    row: str = ""
    column: str = ""
    check: str
    severity: Severity
    printed: str = ""
    expected: str = ""
    message: str


def about(
    table: PrintedTable,
    row: PrintedRow | None,
    column: str,
    *,
    check: str,
    severity: Severity,
    message: str,
    printed: str = "",
    expected: str = "",
) -> Finding:
    """A finding about a place in a table; without a row it is about a whole column."""
    return Finding(
        file=table.file,
        line=table.line if row is None else row.line,
        table=table.title,
        row="" if row is None else row.full_name,
        column=column,
        check=check,
        severity=severity,
        printed=printed,
        expected=expected,
        message=message,
    )


def not_read(file: str, place: UnreadPlace) -> Finding:
    """A note about a place without a readable figure; no check looks at it."""
    return Finding(
        file=file,
        line=place.line,
        table=place.table,
        row=place.row,
        column=place.column,
        check="unread",
        severity="note",
        message=f"not read: {place.why}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """All findings, the number of tables and cards, and what could not be read.

    `unread` are notes of the check `unread`.
    """

    findings: tuple[Finding, ...]
    tables: int
    unread: tuple[Finding, ...] = ()

    @property
    def everything(self) -> list[Finding]:
        """Findings and unread places, file by file in the order of lines."""
        entries = (*self.findings, *self.unread)
        files = list(dict.fromkeys(finding.file for finding in entries))
        return sorted(entries, key=lambda finding: (files.index(finding.file), finding.line))

    @property
    def is_clean(self) -> bool:
        """Whether there are neither errors nor warnings."""
        return all(finding.severity == "note" for finding in self.findings)


def as_text(audit: AuditReport) -> str:
    """Place and check on a line, the finding below it; the number of findings at the end."""
    parts = []
    for finding in audit.everything:
        place = f"{printable(finding.file)}:{finding.line}"
        parts.append(f"{place}: {finding.severity} [{finding.check}]")
        where = ", ".join(filter(None, (finding.table, finding.row, finding.column)))
        text = printable(f"{where}: {finding.message}")
        parts.append(textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    return "\n".join([*parts, _count(audit)]) + "\n"


def _count(audit: AuditReport) -> str:
    counts = Counter(finding.severity for finding in audit.findings)
    shown = [
        f"{counts[severity]} {severity}{'s' * (counts[severity] > 1)}"
        for severity in SEVERITIES
        if counts[severity]
    ]
    listed = ", ".join(shown) or "no findings"
    return f"{audit.tables} table{'s' * (audit.tables != 1)} read: {listed}{_unread(audit)}"


def _unread(audit: AuditReport) -> str:
    """`; not read: 1 table, 3 rows`; empty if everything was read."""
    kinds = Counter(
        "row" if place.row else "column" if place.column else "table" for place in audit.unread
    )
    shown = [f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(kinds.items())]
    return f"; not read: {', '.join(reversed(shown))}" if shown else ""


def as_json(audit: AuditReport) -> str:
    """A list with one object a finding or unread place, with all fields."""
    return json.dumps([asdict(finding) for finding in audit.everything], indent=2) + "\n"


def as_markdown(audit: AuditReport) -> str:
    """A table with one row a finding."""
    lines = [("Place", "Severity", "Check", "Row", "Column", "Finding"), ("---",) * 6]
    lines += [
        (
            escape(f"{finding.file}:{finding.line} ({finding.table})"),
            finding.severity,
            finding.check,
            escape(finding.row),
            escape(finding.column),
            escape(finding.message),
        )
        for finding in audit.everything
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
