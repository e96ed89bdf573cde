"""Times a pass on request: `python -m rerankbench.cli.stopwatch CONFIG`.

`rerankbench gate --remeasure` talks to it, one process a side, so that passes of two versions
alternate. Questions are JSON objects, one a line on stdin; so are the answers on stdout; the end
of the input ends it. Between questions nothing runs.

    {"do": "cells"}               → {"machine": {…}, "cells": [{"key", "name": {…}, "device"}, …]}
    {"do": "open", "key": KEY}    → {"queries": how many there are}; loads the cell's model
    {"do": "pass", "queries": N}  → {"seconds", "pairs", "host_bytes", "device_bytes"} of a pass
                                    over the first N queries of the cell's seeded sample
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rerankbench.console import Terminal, showing_log
from rerankbench.errors import RerankbenchError, UsageError
from rerankbench.gate.cells import name_of
from rerankbench.protocols import Job, Reranker
from rerankbench.run import config as configs
from rerankbench.run import speed
from rerankbench.run.cells import find_candidates
from rerankbench.run.command import prepare
from rerankbench.run.plan import Group, PlannedCell, open_group
from rerankbench.run.work import Work
from rerankbench.types import Candidates

Answer = Mapping[str, Any]


class Stopwatch:
    """The cells of a config; at most one of them is open."""

    def __init__(self, work: Work) -> None:
        """Read the collections; models are loaded when their cell is opened."""
        self._work = work
        self._groups: list[Group] = [open_group(work.plan, group) for group in work.plan.groups]
        self._found: tuple[Group, Sequence[Candidates]] | None = None
        self._reranker: Reranker[Any] | None = None
        self._sample: Sequence[Candidates] = ()

    def answer(self, question: Mapping[str, Any]) -> Answer:
        """Raises UsageError for an unknown question, RerankbenchError if it cannot be done."""
        match question:
            case {"do": "cells"}:
                return self._cells()
            case {"do": "open", "key": str(key)}:
                return self._open(key)
            case {"do": "pass", "queries": int(queries)} if queries > 0:
                return self._pass(queries)
        raise UsageError(f"no question: {json.dumps(question)}; ask for cells, open or pass")

    def _cells(self) -> Answer:
        machine = self._work.plan.environment
        facts = {"cpu": machine.cpu, "cores": machine.cores, "gpu": machine.gpu}
        cells = [
            {
                "key": cell.key,
                "name": asdict(name_of(cell.cell)),
                "device": cell.cell.engine.device,
            }
            for group in self._groups
            for cell in group.cells
            if cell.model.factory.scores_documents
        ]
        return {"machine": facts, "cells": cells}

    def _open(self, key: str) -> Answer:
        self._reranker = None  # Frees its memory before the next one is loaded.
        group, cell = self._find(key)
        if self._found is None or self._found[0] is not group:
            self._found = group, find_candidates(self._work, group).candidates
        self._sample = speed.seeded_order([each for each in self._found[1] if each.documents])
        self._reranker = cell.model.loadable.load(cell.choice.engine)
        return {"queries": len(self._sample)}

    def _find(self, key: str) -> tuple[Group, PlannedCell]:
        for group in self._groups:
            for cell in group.cells:
                if cell.key == key:
                    return group, cell
        raise UsageError(f"no cell has the key {key}; ask for the cells")

    def _pass(self, queries: int) -> Answer:
        if self._reranker is None:
            raise UsageError("no cell is open; open one")
        chosen = self._sample[:queries]
        instruments = self._work.instruments
        memory_is_fresh = instruments.reset_peak_memory()
        result = speed.one_pass(self._reranker, Job(candidates=chosen), instruments)
        return {
            "seconds": result.whole_s,
            "pairs": sum(len(candidates.documents) for candidates in chosen),
            "host_bytes": instruments.peak_memory_bytes() if memory_is_fresh else None,
            "device_bytes": self._reranker.peak_device_bytes(),
        }


def main(arguments: Sequence[str]) -> int:
    """Answer until the input ends; an error is the last answer."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # Output of libraries is not an answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        config = configs.load(Path(arguments[0]), {})
        terminal = Terminal(verbosity=-1)
        with showing_log(terminal):
            stopwatch = Stopwatch(prepare(config, terminal, fresh=False))
            for line in sys.stdin:
                print(json.dumps(stopwatch.answer(json.loads(line))), file=answers, flush=True)
    except RerankbenchError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
