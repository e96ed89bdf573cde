"""What `rerankbench gate --rev` does: runs both versions here and compares their records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from rerankbench.console import Terminal
from rerankbench.errors import InputError, UsageError
from rerankbench.files.partials import folder_beside
from rerankbench.files.whole import cache_home, write_whole
from rerankbench.gate.cells import CellName
from rerankbench.gate.limits import Limits
from rerankbench.gate.remeasure import quality
from rerankbench.gate.remeasure.request import DEFAULT_BUDGET_S, GateRequest
from rerankbench.gate.remeasure.rounds import remeasure
from rerankbench.gate.remeasure.sides import prepare_sides
from rerankbench.gate.sources import Sources
from rerankbench.gate.speed import Remeasurement
from rerankbench.gate.verdict import Gate


def gate_of_versions(request: GateRequest, limits: Limits, sources: Sources | None) -> Gate:
    """The gate of two versions; quality comes from `sources` where given, else it is run here."""
    terminal = Terminal()
    with _workplace(request.keep) as work:
        base, new = prepare_sides(request, Path.cwd(), work, terminal)
        sources = sources or Sources(
            base=quality.records(base, terminal, may_fail=False),
            new=quality.records(new, terminal, may_fail=True),
            places=(base.results, new.results) if request.keep is not None else None,
        )
        if request.rounds is None:
            if limits.slowdown is not None:
                terminal.note("speed and memory are left out; --remeasure 10 measures them")
            return sources.compare(replace(limits, slowdown=None, growth=None), terminal)
        remeasured = remeasure(
            base,
            new,
            rounds=request.rounds,
            budget_s=request.budget_s or DEFAULT_BUDGET_S,
            progress=terminal,
        )
        write_whole(work / "rounds.json", _raw(remeasured))
        return sources.compare(limits, terminal, remeasured=remeasured)


def _raw(remeasured: Mapping[CellName, Remeasurement]) -> str:
    """Every pass of every cell as JSON, kept with `--keep`."""
    cells = [
        {"cell": asdict(name), **asdict(remeasurement)}
        for name, remeasurement in remeasured.items()
    ]
    return json.dumps(cells, indent=1) + "\n"


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    """The folder that was named, which must be empty, or else a temporary one.

    If an error names a file in the temporary folder, the folder stays until the next gate.
    """
    if keep is not None:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise UsageError(f"--keep {keep}: already exists; name a new or an empty folder")
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with folder_beside(cache_home() / "gate" / "work", stays_on=(InputError,)) as place:
        yield place.resolve()
