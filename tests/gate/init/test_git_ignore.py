"""What runs leave behind stays out of git, as git itself says, and no other line is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rerankbench.errors import InputError
from rerankbench.gate.init import git_ignore
from rerankbench.gate.init.scaffold import CI, template

LEFT = ("results/rerankbench/records/a.json", "rerankbench-new/gate.xml")
KEPT = ("results/baselines/main/README.md", "configs/rerankbench.yaml", "results/other/a.json")


def _ignored(folder: Path, paths: tuple[str, ...]) -> list[str]:
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    command = ["git", "-C", str(folder), "-c", "core.excludesFile=", "check-ignore", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return str(done.stdout).split()


def test_git_leaves_out_what_runs_leave_behind_and_nothing_else(tmp_path: Path) -> None:
    assert git_ignore.extend(tmp_path)
    assert _ignored(tmp_path, LEFT + KEPT) == list(LEFT)


def test_everything_that_a_workflow_writes_is_named() -> None:
    texts = [template(target.template) for targets in CI.values() for target in targets]
    folders = {"rerankbench-new", ".cache/rerankbench"}
    assert all(any(folder in text for text in texts) for folder in folders)
    assert {f"/{folder}/" for folder in folders} < set(git_ignore.LINES)


@pytest.mark.parametrize(
    "before", [b"*.log\n", b"*.log", b"*.log\r\n\r\n", b"caf\xe9\n", b"", b"\n\n"]
)
def test_what_is_there_stays_byte_by_byte(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / ".gitignore"
    path.write_bytes(before)
    assert git_ignore.extend(tmp_path)
    after = path.read_bytes()
    assert after.startswith(before)
    assert (b"\r\n" in before) == (b"\r\n" in after)
    assert after.count(b"\n") == after.count(b"\r\n") or b"\r" not in after
    assert _ignored(tmp_path, LEFT + KEPT) == list(LEFT)
    assert not git_ignore.extend(tmp_path)
    assert path.read_bytes() == after


@pytest.mark.parametrize("line", ["results/rerankbench", "/results/*", "results/", "/results"])
def test_a_line_that_covers_it_is_not_repeated(tmp_path: Path, line: str) -> None:
    (tmp_path / ".gitignore").write_text(f"{line}\n!/results/baselines/\n")
    assert git_ignore.missing(tmp_path) == ["/rerankbench-new/", "/.cache/rerankbench/"]
    assert git_ignore.extend(tmp_path)
    assert LEFT[0] in _ignored(tmp_path, LEFT)


def test_a_remark_or_an_exception_covers_nothing(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("# results/\n!/results/\nresults.txt\n")
    assert git_ignore.missing(tmp_path) == list(git_ignore.LINES)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").mkdir()
    with pytest.raises(InputError, match=r"\.gitignore: cannot be read"):
        git_ignore.extend(tmp_path)
