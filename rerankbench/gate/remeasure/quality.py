"""The records of both versions for a config, made with the command line of each."""

from __future__ import annotations

from rerankbench.gate.remeasure import children
from rerankbench.gate.remeasure.sides import GateSide
from rerankbench.progress import Progress
from rerankbench.results.record_set import RecordSet, open_archive

# The exit code of `rerankbench run` when some cells failed and the others were recorded.
_SOME_FAILED = 1


def records(side: GateSide, progress: Progress, *, may_fail: bool) -> RecordSet:
    """Run the side's config without measuring speed; its records with what lies beside them.

    If cells `may_fail`, those that fail are missing. Raises InputError with the log if the
    run fails.
    """
    results, log = side.results, side.log("run")
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
    return open_archive([results], with_settings=False)
