"""Programs that are run: what they say is kept, and they end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.gate.remeasure import children

_SLEEPS = "import time, sys; print('up', flush=True); time.sleep(600)"
_STARTS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
child.wait()
"""
_PARENT = """
import sys
from pathlib import Path
from rerankbench.gate.remeasure import children
folder = Path(sys.argv[1])
program = [sys.executable, "-c", sys.argv[2]]
with children.started(program, folder=folder, log=folder / "log", environment={}) as process:
    print(process.pid, flush=True)
    process.wait()
"""


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _until_dead(pid: int) -> None:
    for _ in range(600):
        if not _is_alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("it outlived its parent")


def test_the_log_has_what_a_program_says_and_only_its_last_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("one", "two"):
        code = f"import sys, os; print('{word}', os.getcwd()); sys.exit('fatal {word}')"
        program = [sys.executable, "-c", code]
        assert children.run(program, folder=tmp_path, log=log, environment={}) == 1
    assert sorted(log.read_text().splitlines()) == ["fatal two", f"two {tmp_path}"]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("", "it printed nothing"),
        ("one\ntwo\n\n", "two"),
        ("ERROR: no such package\n[notice] upgrade\n", "ERROR: no such package"),
        ("x" * 400, "x" * 300),
    ],
)
def test_a_failure_is_one_line_with_the_last_words(tmp_path: Path, text: str, last: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert str(children.failure("it failed", log)) == (
        f"{log}: it failed: {last}; the file has its whole output"
    )


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "python")
    command = [missing, "-m", "rerankbench"]
    if sys.platform.startswith("linux"):
        assert children.run(command, folder=tmp_path, log=tmp_path / "log", environment={}) == 1
        assert "No such file" in str(children.failure("x", tmp_path / "log"))
        command_folder = tmp_path / "nowhere"
        with pytest.raises(UsageError, match="cannot be run in"):
            children.run(command, folder=command_folder, log=tmp_path / "log", environment={})


def test_it_ends_when_the_block_is_left_by_an_error(tmp_path: Path) -> None:
    program = [sys.executable, "-c", _SLEEPS]
    with (
        pytest.raises(KeyboardInterrupt),
        children.started(
            program, folder=tmp_path, log=tmp_path / "log", environment={}, talks=True
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL


def test_one_that_does_not_end_by_itself_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "PATIENCE_S", 0.2)
    program = [sys.executable, "-c", _STARTS, _SLEEPS]
    with children.started(
        program, folder=tmp_path, log=tmp_path / "log", environment={}, talks=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
    assert process.returncode == -signal.SIGKILL
    _until_dead(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")
def test_it_dies_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    program = [sys.executable, "-c", _PARENT, str(tmp_path), _SLEEPS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        while (tmp_path / "log").read_text() != "up\n":
            time.sleep(0.05)
        assert _is_alive(pid)
        parent.kill()
    _until_dead(pid)
