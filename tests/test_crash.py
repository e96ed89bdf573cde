"""`make crash` in small: few kills show nothing amiss, and careless writing is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# In place, in two pieces, with nothing cleared: what the product must not do.
CARELESS = """
import os, runpy, sys
from pathlib import Path
from rerankbench.files import partials, whole

def write_in_place(path, body):
    data = body.encode() if isinstance(body, str) else body
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        handle.write(data[: len(data) // 2])
        handle.flush()
        path.chmod(0o644)
        handle.write(data[len(data) // 2 :])

whole.write_whole = write_in_place
partials.clear = lambda folder: None
sys.argv = ["crash", *sys.argv[1:]]
runpy.run_module("benchmarks.crash", run_name="__main__")
"""


def _crash(*before: str) -> subprocess.CompletedProcess[str]:
    few = ("--kills", "6", "--only", "inject", "--only", "baseline promote", "--no-report")
    return subprocess.run(
        [sys.executable, *before, *few],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_few_kills_show_nothing_amiss() -> None:
    done = _crash("-m", "benchmarks.crash")
    assert done.returncode == 0, done.stderr
    assert "6 kills, 0 faults" in done.stderr


@pytest.mark.slow
def test_what_is_written_in_place_and_never_cleared_is_found() -> None:
    done = _crash("-c", CARELESS)
    assert done.returncode == 1, done.stderr
    assert "results/baselines/.main" in done.stderr, done.stderr


def test_the_page_holds_the_table_of_the_last_run() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    table = (ROOT / "benchmarks" / "results" / "crash.md").read_text()
    assert table.partition("\n")[2].strip() in page
    (total,) = (line for line in table.splitlines() if line.startswith("| all |"))
    by_clock, before_change, _, *faults = map(int, total.strip("| ").split(" | ")[1:])
    assert by_clock + before_change == 200
    assert faults == [0, 0, 0, 0]
