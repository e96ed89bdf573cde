"""Runs all checks over some files, in the order of the files' lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rerankbench.audit.agreement import disagreements
from rerankbench.audit.averages import averages
from rerankbench.audit.bold import not_the_best
from rerankbench.audit.card_checks import card_findings
from rerankbench.audit.dominant_columns import carried
from rerankbench.audit.findings import AuditReport, Finding, not_read
from rerankbench.audit.order import out_of_order
from rerankbench.audit.reading import AuditedFile, read_document
from rerankbench.audit.speeds import copied_speeds, impossible_latencies
from rerankbench.audit.tables import PrintedTable
from rerankbench.audit.zeros import zeros

_TABLE_CHECKS = (averages, zeros, carried, out_of_order, not_the_best, impossible_latencies)


def review(paths: Sequence[Path]) -> AuditReport:
    """All findings about tables and cards in files; speeds are compared across all of them.

    Raises InputError for a file that cannot be read or holds neither.
    """
    documents = [read_document(path) for path in paths]
    before: list[PrintedTable] = []
    findings: list[Finding] = []
    for document in documents:
        findings += sorted(_of(document, before), key=lambda finding: finding.line)
        before += document.tables
    cards = sum(document.card is not None for document in documents)
    unread = tuple(
        not_read(document.file, place) for document in documents for place in document.unread
    )
    return AuditReport(findings=tuple(findings), tables=len(before) + cards, unread=unread)


def _of(document: AuditedFile, before: Sequence[PrintedTable]) -> list[Finding]:
    findings = [
        finding for table in document.tables for check in _TABLE_CHECKS for finding in check(table)
    ]
    for at, table in enumerate(document.tables):
        findings += copied_speeds(table, [*before, *document.tables[:at]])
    findings += disagreements(document.tables)
    return findings + (list(card_findings(document.card)) if document.card else [])
