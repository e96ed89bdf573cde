"""Revisions of the user's repository, checked out as git worktrees below the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import UsageError

# Git sets these for its hooks; they would redirect every call to the hook's repository.
_HOOKS_ALONE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit of the repository at `root`, and the name that the user gave for it."""

    root: Path
    name: str
    commit: str


def free_of_git(environment: dict[str, str]) -> dict[str, str]:
    """The environment without the variables that git sets for its hooks."""
    return {name: value for name, value in environment.items() if name not in _HOOKS_ALONE}


def find(folder: Path, name: str) -> Revision:
    """The commit that a name means in the repository around a folder. Raises UsageError."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top.returncode:
        raise UsageError(
            f"revision {name}: {folder} is not in a git repository; run this inside one"
        )
    root = Path(top.stdout.rstrip("\n"))
    parsed = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    if parsed.returncode:
        raise UsageError(
            f"revision {name}: not found in this repository; fetch it (in CI, with its history)"
        )
    return Revision(root=root, name=name, commit=parsed.stdout.strip())


def check_out(revision: Revision, place: Path) -> None:
    """Make `place` a worktree of the commit, unless it is one already and unchanged.

    Anything else there is deleted. Raises UsageError with git's own message.
    """
    if _stands_at(place, revision.commit):
        return
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    # --force: git may still list a worktree here whose folder was deleted. Not `git worktree
    # prune`: it would forget the user's own on disks that are not mounted.
    hooks = f"core.hooksPath={os.devnull}"
    options = ("worktree", "add", "--force", "--detach")
    added = _git(revision.root, "-c", hooks, *options, str(place), revision.commit)
    if added.returncode:
        message = (added.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UsageError(
            f"revision {revision.name}: git made no worktree at {place} ({message}); "
            "run `git worktree list`"
        )


def _stands_at(place: Path, commit: str) -> bool:
    # Without a .git folder here, git would answer for a repository around it.
    if not (place / ".git").exists():
        return False
    head = _git(place, "rev-parse", "HEAD")
    changed = _git(place, "status", "--porcelain", "--untracked-files=no")
    clean = changed.returncode == 0 and not changed.stdout
    return head.returncode == 0 and head.stdout.strip() == commit and clean


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=free_of_git(dict(os.environ)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        raise UsageError("git is not installed, which --rev needs; install it") from None
