"""The machines, and what was installed on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rerankbench.identity import digest
from rerankbench.leaderboard.table import Entry
from rerankbench.report.page import Html, tag, text
from rerankbench.report.sections.section import Section, data_table, facts
from rerankbench.report.tables import table_html
from rerankbench.types import Environment, Record

_GIB = 2**30


def environments(records: Sequence[Record]) -> Section:
    """Every distinct environment with how many cells ran in it."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(digest(asdict(record.environment)), []).append(record)
    blocks = [
        part
        for found in sorted(groups.values(), key=lambda found: -len(found))
        for part in _environment(found[0].environment, len(found))
    ]
    return Section(identifier="environment", title="Environment", blocks=tuple(blocks))


def _environment(found: Environment, cells: int) -> list[Html]:
    known = {
        "Processor": f"{found.cpu}, {found.cores} cores",
        "Memory": f"{found.memory_bytes / _GIB:.1f} GiB",
        "GPU": found.gpu,
        "System": found.system,
        "Python": found.python,
        "Commit": found.git_sha,
        "Cells": f"{cells}",
    }
    packages = data_table(
        f"Packages on machine {found.machine_id}",
        (("Package", "left"), ("Version", "left")),
        ((Entry(value=name), Entry(value=version)) for name, version in found.packages.items()),
    )
    return [
        tag("h3", "Machine ", text(found.machine_id)),
        facts({name: text(value) for name, value in known.items() if value}),
        tag("details", tag("summary", f"{len(found.packages)} packages"), table_html(packages)),
    ]
