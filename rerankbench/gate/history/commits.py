"""What a path of a repository held at each commit, read from git alone.

Three calls of git, however long the history is; the work tree is neither read nor touched. The
line of first parents is walked: what came by a merge came with the merge.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rerankbench.errors import UsageError
from rerankbench.gate.remeasure.revisions import free_of_git

_FILES = (b"100644", b"100755")
_FORMAT = "--format=%x01%H%x00%cI%x00%s"
_SETTINGS = ("-c", "log.showSignature=false", "-c", "log.follow=false")
_WALK = ("log", "--first-parent", "-m", "--reverse", "-z", "--raw", "--no-abbrev", "--no-renames")
_PLAIN = ("--no-color", "--no-relative", _FORMAT)
_SHOWN = 7
"""Digits of a commit's hash that people read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit: its whole hash, when it was committed (ISO 8601), its first line."""

    sha: str
    committed_at: str
    subject: str

    @property
    def short(self) -> str:
        """The hash as people read it."""
        return self.sha[:_SHOWN]

    @property
    def date(self) -> str:
        """The day, where it was committed."""
        return self.committed_at[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A commit that changed the path, and what lay there then: path below it → id of the blob."""

    commit: Commit
    blobs: Mapping[PurePosixPath, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """All commits of a path, the oldest first; `is_shallow` where older ones were not fetched."""

    root: Path
    snapshots: tuple[Snapshot, ...]
    is_shallow: bool


def read_log(path: Path) -> Log:
    """Walk the commits that changed a path. It need not lie in the work tree any more.

    Raises UsageError where there is no git, no repository, or no commit of that path.
    """
    above, below = _split(path)
    asked = _git(above, "rev-parse", "--is-shallow-repository", "--show-prefix")
    if asked.returncode:
        said = _last_line(asked.stderr)
        if "not a git repository" in said:
            said = "is in no git repository"
        raise UsageError(f"{path}: {said}; history reads what git holds")
    # The prefix may hold line ends itself.
    shallow, _, prefix = os.fsdecode(asked.stdout).removesuffix("\n").partition("\n")
    pathspec = f":(literal){below}"
    done = _git(above, *_SETTINGS, *_WALK, *_PLAIN, "--", pathspec)
    snapshots = tuple(_snapshots(done.stdout, PurePosixPath(prefix) / below))
    if not snapshots:
        unborn = "does not have any commits" in _last_line(done.stderr)
        if done.returncode and not unborn:
            raise UsageError(f"{path}: git log: {_last_line(done.stderr)}; look at the repository")
        raise UsageError(f"{path}: was never committed here; commit it, and its history begins")
    return Log(root=above, snapshots=snapshots, is_shallow=shallow == "true")


def read_blobs(root: Path, ids: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Each blob's id and content, as asked for; None for what this clone has not.

    Raises UsageError where git ends before its time.
    """
    with tempfile.TemporaryFile() as asked:
        # A file, not a pipe: neither of the two then waits for the other.
        asked.write("".join(f"{each}\n" for each in ids).encode())
        asked.seek(0)
        command = ["git", "-C", str(root), "cat-file", "--batch"]
        with subprocess.Popen(
            command,
            env=free_of_git(dict(os.environ)),
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            for blob_id in ids:
                head = process.stdout.readline().split()
                if len(head) == 2:
                    yield blob_id, None
                    continue
                if len(head) != 3:
                    raise UsageError(f"git cat-file ended at {blob_id}; try `git fsck`")
                body = process.stdout.read(int(head[2]))
                process.stdout.read(1)
                yield blob_id, body


def _split(path: Path) -> tuple[Path, str]:
    """The nearest folder that exists, and the rest of the path below it."""
    above, rest = path.resolve(), PurePosixPath()
    while not above.is_dir():
        rest, above = PurePosixPath(above.name) / rest, above.parent
    return above, str(rest)


def _snapshots(output: bytes, place: PurePosixPath) -> Iterator[Snapshot]:
    """The log's fields: a commit's three, then two for each file that it changed."""
    fields = iter(output.split(b"\0"))
    held: dict[PurePosixPath, str] = {}
    commit: Commit | None = None
    for field in fields:
        told = field.lstrip(b"\n")
        if told.startswith(b"\x01"):
            if commit is not None:
                yield Snapshot(commit=commit, blobs=dict(held))
            when, subject = next(fields), next(fields)
            commit = Commit(
                sha=told[1:].decode(),
                committed_at=when.decode(),
                subject=subject.decode(errors="replace"),
            )
        elif told.startswith(b":"):
            _, mode, _, blob_id, _ = told[1:].split()
            whole = PurePosixPath(os.fsdecode(next(fields)))
            path = whole.relative_to(place) if whole != place else PurePosixPath(whole.name)
            held.pop(path, None)
            if mode in _FILES:
                held[path] = blob_id.decode()
    if commit is not None:
        yield Snapshot(commit=commit, blobs=dict(held))


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ") if lines else "git said nothing"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=free_of_git({**os.environ, "LC_ALL": "C"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        raise UsageError("git is not installed, which history needs; install it") from None
