"""The two versions that a gate runs: for each a Python, a folder and a config."""

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
    """One version: `python -m rerankbench` in `folder`, whose package precedes an installed one.

    Everything that it writes lies below `own`: logs, results, and a `$RERANKBENCH_HOME` of
    its own, so that one version's cache does not hide what the other does differently.
    """

    label: str
    python: Path
    folder: Path
    config: Path
    own: Path
    variables: Mapping[str, str]

    def command(self, module: str, *arguments: str) -> list[str]:
        """The command that runs a module of this version."""
        return [str(self.python), "-m", module, *arguments]

    @property
    def results(self) -> Path:
        """Where its own records lie."""
        return self.own / "results"

    def log(self, name: str) -> Path:
        """The log of a program of this side."""
        return self.own / f"{name}.log"


def prepare_sides(
    request: GateRequest, folder: Path, work: Path, progress: Progress
) -> tuple[GateSide, GateSide]:
    """Base and new, ready to run from `folder`; what they write lies below `work`.

    Raises UsageError or InputError naming the side.
    """
    return (
        _side("base", request.rev, request.base_python, request, folder, work, progress),
        _side("new", request.new_rev, request.new_python, request, folder, work, progress),
    )


def _side(
    label: str,
    rev: str | None,
    python: Path | None,
    request: GateRequest,
    here: Path,
    work: Path,
    progress: Progress,
) -> GateSide:
    own = work / label
    own.mkdir(parents=True)
    variables = revisions.free_of_git(dict(os.environ))
    variables["RERANKBENCH_HOME"] = str(own / "home")
    # It would take `folder`, whose package is to be run, off the path.
    variables.pop("PYTHONSAFEPATH", None)
    config = configs.demo_path() if request.config is None else (here / request.config).resolve()
    folder, program = here, python or Path(sys.executable)
    if rev is not None:
        revision = revisions.find(here, rev)
        progress.note(f"{label}: {rev} is {revision.commit[:12]}")
        place = cache_home().resolve() / "gate" / revision.commit[:16]
        worktree = PathMap(root=revision.root.resolve(), target=place / "src")
        folder, config = worktree.to(here.resolve()), worktree.to(config)
        variables["PYTHONPATH"] = worktree.paths(variables.get("PYTHONPATH", ""))
        with environments.locked(place, progress):
            revisions.check_out(revision, worktree.target)
            _refuse_absent(label, rev, folder, config)
            program = python or environments.environment(
                f"{label} ({rev})",
                folder,
                worktree.target,
                place,
                request.install,
                variables=variables,
                progress=progress,
            )
    written = own / "config" / config.name
    write_config(config, folder, here, written)
    # Not resolved: an environment's Python is a link, and resolving it leaves the environment.
    program = Path(os.path.abspath(here / program))  # noqa: PTH100
    side = GateSide(
        label=label, python=program, folder=folder, config=written, own=own, variables=variables
    )
    _try_out(side)
    return side


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMap:
    """Maps paths in the repository at `root` to the same paths in a worktree of it."""

    root: Path
    target: Path

    def to(self, path: Path) -> Path:
        """The path in the worktree; a path outside the repository stays as it is."""
        inside = path == self.root or self.root in path.parents
        return self.target / path.relative_to(self.root) if inside else path

    def paths(self, text: str) -> str:
        """The same for a list such as PYTHONPATH; relative paths stay relative."""
        entries = [Path(entry) for entry in text.split(os.pathsep) if entry]
        moved = (self.to(entry.resolve()) if entry.is_absolute() else entry for entry in entries)
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
    """Raise UsageError if the Python cannot be run, InputError if it has no rerankbench."""
    command, log = side.command("rerankbench", "--version"), side.log("version")
    if children.run(command, folder=side.folder, log=log, environment=side.variables):
        raise children.failure(f"{side.label}: {side.python} cannot run rerankbench", log)
