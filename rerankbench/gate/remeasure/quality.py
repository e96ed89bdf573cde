"""Both versions' own records of a config, made with the command line that any version has."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.gate.remeasure import children
from rerankbench.gate.remeasure.sides import GateSide
from rerankbench.progress import Progress
from rerankbench.results.store import read_records
from rerankbench.types import Record

# `rerankbench run` ends so when some cells failed and the others are recorded.
_SOME_FAILED = 1


def records(side: GateSide, progress: Progress, *, may_fail: bool) -> Sequence[Record]:
    """Run the side's config without measuring speed; its records.

    Where cells `may_fail`, those that do are missing. Raises InputError with the log where the
    run fails.
    """
    results, log = side.own / "results", side.log("run")
    command = side.command(
        "rerankbench", "run", str(side.config), "--no-speed", "--results", str(results)
    )
    with progress.task(f"{side.label}: scoring", None, ""):
        code = children.run(command, folder=side.folder, log=log, environment=side.variables)
    some_failed = code == _SOME_FAILED and may_fail and any(results.rglob("records/*.json"))
    if code and not some_failed:
        raise children.failure(f"{side.label}: `rerankbench run` failed", log)
    if some_failed:
        progress.warn(str(children.failure(f"{side.label}: cells failed", log)))
    return read_records([results])
