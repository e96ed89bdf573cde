"""`rerankbench gate --remeasure` itself, on two versions of its own code: equal, and one slower.

A repository made for it holds the package in two commits; in the later one the engine computes
part of its pairs twice. What `benchmarks.gate_speed` does within one process happens here as it
does for a user: worktree, processes of their own in each round, records, verdicts, exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks import common
from benchmarks.gate_speed import CONDITIONS, beside, shown
from benchmarks.turns import SLOWDOWN, Bench
from rerankbench.gate.limits import DEFAULT_SLOWDOWN

ROOT = Path(__file__).parent.parent
ROUNDS = 10
FAILED = 3
EQUAL, SLOWER = "equal", "slower"
_ENGINE = Path("rerankbench/rerankers/batch_run.py")
_UNHARMED = "self.engine = engine\n"
_AS = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
# Of the calibration: as many documents as a query of the config has, a few queries.
_DOCUMENTS, _PASSES, _LOADS = 100, 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one gate said, and `times` as long as the base the new one took."""

    exit_code: int
    outcome: str
    memory: str
    times: float
    low: float
    high: float
    took_s: float


class Repository:
    """Two commits of this package, and a config over SciFact beside them."""

    def __init__(self, folder: Path, shared: Path, model: str, share: float) -> None:
        """Branches `base`, `equal` (the same files) and `slower`."""
        self.folder, self._results = folder / "repository", folder / "results"
        self._config = folder / "speed.yaml"
        self._home = folder / "home"
        values = {
            "suite": "speed",
            "datasets": [str(shared / "collections" / "scifact")],
            "first_stages": [f"run:{shared / 'reference' / 'scifact.bm25.top100.trec'}"],
            "models": [str(shared / "models" / model)],
            "top_k": _DOCUMENTS,
            "limit_queries": 20,
            "device": "cpu",
        }
        self._config.write_text(yaml.safe_dump(values))
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "rerankbench", self.folder / "rerankbench", ignore=unwanted)
        self._git("init", "--quiet", "--initial-branch", "base")
        self._commit("base")
        self._git("branch", EQUAL)
        self._git("checkout", "--quiet", "-b", SLOWER)
        source = (self.folder / _ENGINE).read_text()
        if source.count(_UNHARMED) != 1:
            raise RuntimeError(f"{_ENGINE} has no single `{_UNHARMED.strip()}` to change")
        harmed = f"self.engine = __import__('benchmarks.faults').faults.Slowed(engine, {share})\n"
        (self.folder / _ENGINE).write_text(source.replace(_UNHARMED, harmed))
        self._commit("slower")
        self._run("run", str(self._config), "--no-speed", "-q", "-o", str(self._results))

    def gate(self, branch: str, budget_s: float) -> Found:
        """Hold that branch against the base, measured in turn."""
        self._git("checkout", "--quiet", branch)
        results = str(self._results)
        options = ("--remeasure", str(ROUNDS), "--speed-budget", str(budget_s), "--format", "json")
        versions = ("--rev", "base", "--base-python", sys.executable, "-c", str(self._config))
        began_s = time.monotonic()
        done = self._run("gate", results, results, *versions, *options, codes=(0, FAILED))
        took_s = time.monotonic() - began_s
        verdicts = {each["kind"]: each for each in json.loads(done.stdout)["speed"]}
        speed = verdicts["docs/s"]
        times = speed["times"]
        return Found(
            exit_code=done.returncode,
            outcome=speed["outcome"],
            memory=verdicts["memory"]["outcome"] if "memory" in verdicts else "",
            times=times["median"],
            low=times["low"],
            high=times["high"],
            took_s=took_s,
        )

    def _run(
        self, *arguments: str, codes: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        # The folder's own package comes first; `benchmarks` is found behind it.
        variables = {"PYTHONPATH": str(ROOT), "RERANKBENCH_HOME": str(self._home)}
        done = subprocess.run(
            (sys.executable, "-m", "rerankbench", *arguments),
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in codes:
            raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{done.stderr}")
        return done

    def _commit(self, message: str) -> None:
        self._git("add", "--all")
        self._git(*_AS, "commit", "--quiet", "-m", message)

    def _git(self, *arguments: str) -> None:
        subprocess.run(("git", *arguments), cwd=self.folder, check=True)


def main() -> None:
    """Gate both versions in turn under each load, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tiny-l2-h128-ce", help="below the shared models")
    parser.add_argument("--gates", type=int, default=10, help="of each version, machine idle")
    parser.add_argument("--loaded-gates", type=int, default=5, help="the same under each load")
    parser.add_argument("--loads", nargs="*", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--budget", type=float, default=2, metavar="S", help="--speed-budget")
    parser.add_argument("--wait", type=float, default=600, metavar="S", help="for an idle machine")
    options = parser.parse_args()
    shared = common.shared()
    if shared is None:
        parser.exit(2, "needs SciFact and a model below $RERANKBENCH_SHARED\n")
    bench = Bench(shared, options.model, _DOCUMENTS, _PASSES, _LOADS)
    calm = bench.calibrate(options.wait)
    share = median(bench.shares)
    found: dict[str, dict[str, list[Found]]] = {}
    with common.scratch() as folder:
        repository = Repository(folder, shared, options.model, share)
        for name in options.loads:
            found[name] = {EQUAL: [], SLOWER: []}
            with beside(CONDITIONS[name]):
                for number in range(options.loaded_gates if CONDITIONS[name] else options.gates):
                    for branch, gates in found[name].items():
                        gates.append(repository.gate(branch, options.budget))
                        common.terminal.note(f"{name}, {number + 1}, {branch}: {gates[-1]}")
    report(options.model, options.budget, found, calm=calm)


def report(
    model: str, budget_s: float, found: Mapping[str, Mapping[str, Sequence[Found]]], *, calm: bool
) -> None:
    """Write what was found, and whether the targets hold."""
    rows = [_row(name, each[EQUAL], each[SLOWER]) for name, each in found.items()]
    equal = [gate for each in found.values() for gate in each[EQUAL]]
    slower = [gate for each in found.values() for gate in each[SLOWER]]
    quiet = all(gate.exit_code != FAILED for gate in equal)
    caught = all(gate.outcome == "failed" for gate in slower)
    took_s = median(gate.took_s for gate in (*equal, *slower))
    heads = ("load", "equal one takes", "equal", "slower one takes", "slower")
    text = f"""# The whole command on speed, on this machine

`rerankbench gate --rev base --remeasure {ROUNDS} --speed-budget {budget_s:g}` on two commits of
rerankbench itself, `{model}` on SciFact, 100 documents a query; {took_s:.0f} s a gate. The slower
one's engine does part of its pairs twice, as many as make a pass {SLOWDOWN:.0%} longer.

{common.table(heads, rows)}

Verdicts on speed are failed / unclear / passed. Ratios: the median of the gates, between the
lowest and the highest. No equal one ended with exit code {FAILED}, for speed or for memory:
{common.verdict(quiet)}. All slower ones caught: {common.verdict(caught)}. The idle machine was
idle: {common.verdict(calm)}."""
    raw: dict[str, Any] = {
        "model": model,
        "rounds": ROUNDS,
        "budget_s": budget_s,
        "limit": DEFAULT_SLOWDOWN,
        "slowdown": SLOWDOWN,
        "gates": found,
        "verdicts": {"false alarms": common.verdict(quiet), "caught": common.verdict(caught)},
    }
    common.save("gate-remeasured", raw, text, page=common.GATE_PAGE)


def _row(name: str, *versions: Sequence[Found]) -> list[str]:
    row = [name]
    for gates in versions:
        row.append(common.Spread.of([gate.times for gate in gates]).show())
        row.append(shown(Counter(gate.outcome for gate in gates)))
    return row


if __name__ == "__main__":
    main()
