"""Puts the rooms together for `gate --rev`: both versions run here, then held together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
from rerankbench.gate.remeasure.sides import both
from rerankbench.gate.speed import Remeasurement
from rerankbench.gate.verdict import Gate, compare
from rerankbench.types import Record

_Records = Sequence[Record]


def remade(asked: GateRequest, limits: Limits, known: tuple[_Records, _Records] | None) -> Gate:
    """The gate of two versions; their quality is that of `known` records, or made here."""
    terminal = Terminal()
    with _workplace(asked.keep) as work:
        base, new = both(asked, Path.cwd(), work, terminal)
        before, after = known or (
            quality.records(base, terminal, may_fail=False),
            quality.records(new, terminal, may_fail=True),
        )
        if asked.rounds is None:
            if limits.slowdown is not None:
                terminal.note("speed and memory are left out; --remeasure 10 measures them")
            return compare(before, after, replace(limits, slowdown=None, growth=None))
        again = remeasure(
            base,
            new,
            rounds=asked.rounds,
            budget_s=asked.budget_s or DEFAULT_BUDGET_S,
            progress=terminal,
        )
        write_whole(work / "rounds.json", _raw(again))
    return compare(before, after, limits, remeasured=again)


def _raw(again: Mapping[CellName, Remeasurement]) -> str:
    """Every pass of every cell, for whoever keeps what was run."""
    cells = [{"cell": asdict(name), **asdict(found)} for name, found in again.items()]
    return json.dumps(cells, indent=1) + "\n"


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    """An empty folder; one that nobody named goes again.

    Where an error names a file in it, it stays until the next gate.
    """
    if keep is not None:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise UsageError(f"--keep {keep}: is there already; name a new or an empty folder")
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with folder_beside(cache_home() / "gate" / "work", stays_on=(InputError,)) as place:
        yield place.resolve()
