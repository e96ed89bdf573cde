"""`make sanitize` must be able to fail: each kind of fault, put into the source, is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "sanitize.py"

# What is changed in native_encoder.cpp, and what must be told.
FAULTS: dict[str, tuple[str, str, str]] = {
    "a block too small": (
        "rows = round_up(rows + kHeight - 1, kRows);",
        "rows = rows;",
        "heap-buffer-overflow",
    ),
    "a bias of another column": (
        "t[c] += layer.qkv_bias[column + c]",
        "t[c] += layer.qkv_bias[column]",
        "differs by",
    ),
    "no number as an integer": (
        "std::nearbyint(x >= -126.0f ? x : -126.0f)",
        "std::nearbyint(x)",
        "nan is outside the range of representable values",
    ),
}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_source_is_noticed(fault: str) -> None:
    before, after, told = FAULTS[fault]
    done = _run("--shapes", "0", "--break", before, after)
    if "sanitize skipped" in done.stdout:
        pytest.skip("g++ has no libasan")
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
