"""The machines, and what was installed on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from markupsafe import Markup

from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.leaderboard.table import Entry, headers, table_of
from rerankbench.report.sections.section import Section, facts
from rerankbench.types import Record, digest

_GIB = 2**30


def environments(records: Sequence[Record]) -> Section:
    """Every distinct environment, with the number of cells that ran in it."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        # Records that differ only in the commit of rerankbench share an environment.
        groups.setdefault(digest(asdict(replace(record.environment, git_sha=None))), []).append(
            record
        )
    blocks = [
        part
        for group_records in sorted(groups.values(), key=lambda group_records: -len(group_records))
        for part in _environment(group_records)
    ]
    return Section(identifier="environment", title="Environment", blocks=tuple(blocks))


def _environment(records: Sequence[Record]) -> list[Markup]:
    shown = records[0].environment
    commits = sorted(
        {record.environment.git_sha for record in records if record.environment.git_sha}
    )
    known = {
        "Processor": f"{shown.cpu}, {shown.cores} cores",
        "Memory": f"{shown.memory_bytes / _GIB:.1f} GiB",
        "GPU": shown.gpu,
        "System": shown.system,
        "Python": shown.python,
        "Commit" if len(commits) == 1 else "Commits": ", ".join(commits),
        "Cells": f"{len(records)}",
    }
    packages = table_of(
        headers(("Package", "Version"), texts=2),
        ((Entry(value=name), Entry(value=version)) for name, version in shown.packages.items()),
        title=f"Packages on machine {shown.machine_id}",
    )
    return [
        Markup("<h3>Machine {}</h3>").format(isolated(shown.machine_id)),
        facts({name: isolated(value) for name, value in known.items() if value}),
        Markup("<details><summary>{} packages</summary>{}</details>").format(
            len(shown.packages), fragment([packages])
        ),
    ]
