"""The two versions that a gate runs: a Python and a folder each, and the config they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import UsageError
from rerankbench.files.whole import cache_home
from rerankbench.gate.remeasure import children, environments, revisions
from rerankbench.gate.remeasure.request import GateRequest
from rerankbench.gate.remeasure.side_config import write_config
from rerankbench.progress import Progress
from rerankbench.run import config as configs


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSide:
    """One version: `python -m rerankbench` in `folder`, whose package wins over an installed one.

    Everything that it leaves lies below `own`: its logs, its results, and a `$RERANKBENCH_HOME` of
    its own, so that what one version cached does not hide what the other does differently.
    """

    label: str
    python: Path
    folder: Path
    config: Path
    own: Path
    variables: Mapping[str, str]

    def command(self, module: str, *arguments: str) -> list[str]:
        """How a module of this version is run."""
        return [str(self.python), "-m", module, *arguments]

    def log(self, name: str) -> Path:
        """Where a program of this side says what it does."""
        return self.own / f"{name}.log"


def both(
    asked: GateRequest, here: Path, work: Path, progress: Progress
) -> tuple[GateSide, GateSide]:
    """Base and new, ready to run from the folder `here`; what they write lies below `work`.

    Raises UsageError and InputError, which name the side.
    """
    return (
        _side("base", asked.rev, asked.base_python, asked, here, work, progress),
        _side("new", asked.new_rev, asked.new_python, asked, here, work, progress),
    )


def _side(
    label: str,
    rev: str | None,
    python: Path | None,
    asked: GateRequest,
    here: Path,
    work: Path,
    progress: Progress,
) -> GateSide:
    own = work / label
    own.mkdir(parents=True)
    variables = revisions.free_of_git(dict(os.environ))
    variables["RERANKBENCH_HOME"] = str(own / "home")
    # It would take the folder off the path, whose package is to be run.
    variables.pop("PYTHONSAFEPATH", None)
    config = configs.demo_path() if asked.config is None else (here / asked.config).resolve()
    folder, program = here, python or Path(sys.executable)
    if rev is not None:
        found = revisions.find(here, rev)
        progress.note(f"{label}: {rev} is {found.commit[:12]}")
        place = cache_home().resolve() / "gate" / found.commit[:16]
        moved = PathMap(root=found.root.resolve(), target=place / "src")
        folder, config = moved.to(here.resolve()), moved.to(config)
        variables["PYTHONPATH"] = moved.paths(variables.get("PYTHONPATH", ""))
        with environments.locked(place, progress):
            revisions.check_out(found, moved.target)
            _refuse_absent(label, rev, folder, config)
            program = python or environments.environment(
                f"{label} ({rev})",
                folder,
                moved.target,
                place,
                asked.install,
                variables=variables,
                progress=progress,
            )
    written = own / "config" / config.name
    write_config(config, folder, here, written)
    # Not resolved: that its Python is a link is what makes an environment one.
    program = Path(os.path.abspath(here / program))  # noqa: PTH100
    side = GateSide(
        label=label, python=program, folder=folder, config=written, own=own, variables=variables
    )
    _try_out(side)
    return side


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMap:
    """From places in the repository at `root` to the same places in a worktree of it."""

    root: Path
    target: Path

    def to(self, path: Path) -> Path:
        """Where a path's counterpart is; a path outside of the repository is its own."""
        inside = path == self.root or self.root in path.parents
        return self.target / path.relative_to(self.root) if inside else path

    def paths(self, text: str) -> str:
        """The same for a list such as PYTHONPATH, in which relative paths stay relative."""
        given = [Path(each) for each in text.split(os.pathsep) if each]
        moved = (self.to(each.resolve()) if each.is_absolute() else each for each in given)
        return os.pathsep.join(map(str, moved))


def _refuse_absent(label: str, rev: str, folder: Path, config: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"{label}: {rev} has no folder {folder.name}; run it from another one")
    if not config.is_file():
        raise UsageError(
            f"{label}: {rev} has no {config.name}; name a config that both versions have, "
            "or a copy of yours outside of the repository"
        )


def _try_out(side: GateSide) -> None:
    """Raises UsageError where the Python is none, InputError where it has no rerankbench."""
    command, log = side.command("rerankbench", "--version"), side.log("version")
    if children.run(command, folder=side.folder, log=log, environment=side.variables):
        raise children.failure(f"{side.label}: {side.python} cannot run rerankbench", log)
