"""Environments for revisions, with a stand-in for the Python that makes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rerankbench.errors import InputError, UsageError
from rerankbench.gate.remeasure import children, environments
from rerankbench.progress import Silent

# Makes an "environment" by a copy of itself, and writes down what it is asked for.
_PYTHON = """#!/bin/sh
echo "$0 $*" >> {journal}
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit; fi
if [ -e {journal}.fail ]; then echo "ERROR: no such package"; exit 1; fi
"""
Made = Callable[..., Path]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def made(tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes an environment for sources with these files."""
    python = tmp_path / "python"
    python.write_text(_PYTHON.format(journal=journal))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    # The stand-in would not know how to tie a child to us.
    monkeypatch.setattr(children, "_tied", list)

    def make(files: Mapping[str, str], install: str | None = None, below: str = ".") -> Path:
        for name, text in files.items():
            path = tmp_path / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return environments.environment(
            "base (main)",
            tmp_path / "src" / below,
            tmp_path / "src",
            tmp_path / "place",
            install,
            variables=dict(os.environ),
            progress=Silent(),
        )

    (tmp_path / "place").mkdir()
    return make


def _asked(journal: Path) -> list[str]:
    """What the Pythons were asked for, without their paths."""
    return [line.partition(" ")[2] for line in journal.read_text().splitlines()]


_PIP = "-m pip --disable-pip-version-check install"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, f"{_PIP} ."),
        ({"setup.py": ""}, f"{_PIP} ."),
        (
            {"pyproject.toml": "[build-system]\n", "constraints.txt": "a==1\n"},
            f"{_PIP} -c constraints.txt .",
        ),
        ({"requirements.txt": "rerankbench\n"}, f"{_PIP} -r requirements.txt"),
        (
            {"pyproject.toml": "[tool.ruff]\n", "requirements.txt": "rerankbench\n"},
            f"{_PIP} -r requirements.txt",
        ),
    ],
)
def test_sources_are_installed_as_is_usual(
    made: Made, journal: Path, files: Mapping[str, str], expected: str
) -> None:
    python = made(files)
    assert python.is_file()
    assert _asked(journal) == [f"-m venv {python.parent.parent}", expected]
    assert journal.read_text().splitlines()[1].startswith(str(python))


def test_the_requirements_of_the_nearest_folder_count(made: Made, journal: Path) -> None:
    made({"requirements.txt": "a\n", "one/pyproject.toml": "[project]\n", "one/two/x": ""})
    made({}, below="one/two")
    assert [each.partition("install ")[2] for each in _asked(journal)[1::2]] == [
        "-r requirements.txt",
        ".",
    ]


def test_a_command_of_the_user_stands_in_for_pip(made: Made, journal: Path) -> None:
    python = made({"code.py": ""}, install="{python} -m uv 'pip install' --python={python}")
    assert _asked(journal)[1] == f"-m uv pip install --python={python}"


def test_an_environment_is_made_once_for_the_same_requirements(made: Made, journal: Path) -> None:
    one = made({"requirements.txt": "a==1\n"})
    assert made({"code.py": "changed"}) == one
    assert len(_asked(journal)) == 2
    other = made({"requirements.txt": "a==2\n"})
    assert other != one
    assert made({}, install="{python} -m other") not in (one, other)
    assert made({"requirements.txt": "a==1\n"}) == one
    assert len(_asked(journal)) == 6


def test_one_that_failed_is_told_and_made_again(made: Made, journal: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.fail").touch()
    files = {"requirements.txt": "nonsense\n"}
    with pytest.raises(InputError) as error:
        made(files)
    log = tmp_path / "place" / "install.log"
    assert str(error.value) == (
        f"{log}: base (main): `python {_PIP} -r requirements.txt` failed: "
        "ERROR: no such package; the file has its whole output"
    )
    (tmp_path / "journal.fail").unlink()
    assert made(files).is_file()
    assert len(_asked(journal)) == 4


@pytest.mark.parametrize("files", [{}, {"pyproject.toml": "[tool.x]\n"}, {"pyproject.toml": "]"}])
def test_without_anything_to_install_the_remedies_are_named(
    made: Made, files: Mapping[str, str]
) -> None:
    with pytest.raises(UsageError, match="--install, or name a Python that has everything, with"):
        made({"code.py": "", **files})


def test_a_folder_is_locked_once(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (
        environments.locked(tmp_path / "new" / "place", Silent()),
        (tmp_path / "new" / "place" / "lock").open() as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with environments.locked(tmp_path / "new" / "place", Silent()):
        pass
