"""Virtual environments for revisions: made once, kept beside the worktree, used again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rerankbench.errors import UsageError
from rerankbench.gate.remeasure import children
from rerankbench.progress import Progress
from rerankbench.types import digest

_REQUIREMENTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "constraints.txt")
_FINISHED = "rerankbench-finished"
_PYTHON = "{python}"


@contextmanager
def locked(place: Path, progress: Progress) -> Iterator[None]:
    """Keep other gates on this machine out of a folder, where files can be locked."""
    place.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (place / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress.note(f"waiting for another gate to prepare {place}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment(
    name: str,
    folder: Path,
    top: Path,
    place: Path,
    install: str | None,
    *,
    variables: Mapping[str, str],
    progress: Progress,
) -> Path:
    """The Python of an environment with the packages that the sources in `folder` need.

    It lies below `place`, one for each content of the requirement files and install command; half
    made ones are made again. The requirement files are those of `folder` or the nearest folder
    above it, up to `top`. `install` is a command, in which `{python}` stands for the new Python.
    Raises UsageError where there is no way to install, InputError where it fails.
    """
    sources = _with_requirements(folder, top)
    steps = [shlex.split(install)] if install else _usual(name, sources)
    contents = {
        file: (sources / file).read_text(errors="replace")
        for file in _REQUIREMENTS
        if (sources / file).is_file()
    }
    key = digest({"python": [sys.version, sys.base_prefix], "steps": steps, "files": contents})
    environment_folder = place / f"env-{key}"
    python = environment_folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (environment_folder / _FINISHED).exists():
        return python
    shutil.rmtree(environment_folder, ignore_errors=True)
    log = place / "install.log"
    steps = [
        [sys.executable, "-m", "venv", str(environment_folder)],
        *([part.replace(_PYTHON, str(python)) for part in step] for step in steps),
    ]
    with progress.task(f"{name}: making its environment", None, "steps") as advance:
        progress.note(f"{name}: making its environment, which may take minutes; see {log}")
        for step in steps:
            if children.run(step, folder=sources, log=log, environment=variables):
                raise children.failure(f"{name}: `{_shown(step)}` failed", log)
            advance(1)
    (environment_folder / _FINISHED).touch()
    return python


def _with_requirements(folder: Path, top: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if candidate == top or any((candidate / name).is_file() for name in _REQUIREMENTS):
            return candidate
    return top


def _usual(name: str, sources: Path) -> list[list[str]]:
    """The usual commands to install such sources."""
    pip = [_PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    pins = ["-c", "constraints.txt"] if (sources / "constraints.txt").is_file() else []
    if _is_project(sources):
        return [[*pip, *pins, "."]]
    if (sources / "requirements.txt").is_file():
        return [[*pip, *pins, "-r", "requirements.txt"]]
    raise UsageError(
        f"{name}: neither a project in pyproject.toml nor a requirements.txt to install; say how "
        "with --install, or name a Python that has everything, with --base-python (--new-python)"
    )


def _is_project(sources: Path) -> bool:
    """Whether pip can install the folder; a pyproject.toml may hold settings of tools alone."""
    if (sources / "setup.py").is_file():
        return True
    try:
        project_file = tomllib.loads((sources / "pyproject.toml").read_text())
    except (OSError, ValueError):
        return False
    return "project" in project_file or "build-system" in project_file


def _shown(step: Sequence[str]) -> str:
    return shlex.join([Path(step[0]).name, *step[1:]])
