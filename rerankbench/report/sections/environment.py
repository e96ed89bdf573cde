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
    """Every distinct environment with how many cells ran in it."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        # Another commit of this program is no other environment.
        groups.setdefault(digest(asdict(replace(record.environment, git_sha=None))), []).append(
            record
        )
    blocks = [
        part
        for found in sorted(groups.values(), key=lambda found: -len(found))
        for part in _environment(found)
    ]
    return Section(identifier="environment", title="Environment", blocks=tuple(blocks))


def _environment(records: Sequence[Record]) -> list[Markup]:
    found = records[0].environment
    commits = sorted({one.environment.git_sha for one in records if one.environment.git_sha})
    known = {
        "Processor": f"{found.cpu}, {found.cores} cores",
        "Memory": f"{found.memory_bytes / _GIB:.1f} GiB",
        "GPU": found.gpu,
        "System": found.system,
        "Python": found.python,
        "Commit" if len(commits) == 1 else "Commits": ", ".join(commits),
        "Cells": f"{len(records)}",
    }
    packages = table_of(
        headers(("Package", "Version"), texts=2),
        ((Entry(value=name), Entry(value=version)) for name, version in found.packages.items()),
        title=f"Packages on machine {found.machine_id}",
    )
    return [
        Markup("<h3>Machine {}</h3>").format(isolated(found.machine_id)),
        facts({name: isolated(value) for name, value in known.items() if value}),
        Markup("<details><summary>{} packages</summary>{}</details>").format(
            len(found.packages), fragment([packages])
        ),
    ]
