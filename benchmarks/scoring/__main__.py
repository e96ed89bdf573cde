"""`python -m benchmarks.scoring --model FOLDER`: see benchmarks/README.md."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import RESULTS, terminal
from benchmarks.scoring import contenders, pairs, parent, report
from benchmarks.scoring.outcome import Outcome
from rerankbench.errors import RerankbenchError, UsageError
from rerankbench.run.environment import usable_cores


def main() -> int:
    """Run the benchmark; returns the exit code."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except RerankbenchError as error:
        terminal.error(str(error))
        return error.exit_code
    return 0


def _run(arguments: argparse.Namespace) -> None:
    contenders.check(arguments.contenders)
    if not (arguments.model / "config.json").is_file():
        raise UsageError(f"{arguments.model}: no checkpoint; name a folder with a config.json")
    shared = _shared()
    workload = pairs.load(
        shared, queries=arguments.queries, depth=arguments.depth, seed=arguments.seed
    )
    said = {name: value for name, value in vars(arguments).items() if name not in _PLACES}

    def keep(outcome: Outcome) -> None:
        report.write(arguments.output, outcome, said)

    with TemporaryDirectory(prefix="rerankbench-scoring-") as scratch:
        plan = parent.Plan(
            model=arguments.model.resolve(),
            names=arguments.contenders,
            passes=arguments.passes,
            threads=arguments.threads,
            workload=workload,
            calibration=pairs.calibration(shared),
            scratch=Path(scratch),
        )
        outcome = parent.run(plan, keep=keep)
    sys.stdout.write(report.plain(outcome) + "\n")


# Places on this machine: nothing that a result should say.
_PLACES = ("model", "output")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a cross-encoder")
    parser.add_argument("--queries", type=_positive, help="a seeded share of the 300 queries")
    parser.add_argument("--passes", type=_positive, default=5, help="rounds (default 5)")
    parser.add_argument("--depth", type=_positive, default=100, help="documents a query (100)")
    parser.add_argument("--seed", type=int, default=0, help="which queries (default 0)")
    parser.add_argument("--threads", type=_positive, default=usable_cores(), help="default: all")
    parser.add_argument(
        "--contenders",
        type=lambda text: text.split(","),
        default=list(contenders.DEFAULT),
        help=f"comma-separated, of {', '.join(contenders.DEFAULT)} and ours:ENGINE[:DTYPE]",
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder for JSON and Markdown"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _shared() -> Path:
    """`$RERANKBENCH_SHARED`, or ../shared, with SciFact and the reference run in it."""
    folder = Path(os.environ.get("RERANKBENCH_SHARED", "../shared")).absolute()
    for part in ("collections/scifact", "reference/scifact.bm25.top100.trec"):
        if not (folder / part).exists():
            raise UsageError(f"{folder}: holds no {part}; set RERANKBENCH_SHARED to where it lies")
    return folder


if __name__ == "__main__":
    sys.exit(main())
