"""Repositories of git with records in them, commit by commit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rerankbench.results.store import dump_record
from rerankbench.types import Record

RECORDS = Path("results/baselines/main/records")
_WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A repository whose n-th commit is of the n-th of December 2026."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self._commits = 0
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        date = f"2026-12-{self._commits + 1:02}T12:00:00+00:00"
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            env={**os.environ, **_WHO, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, records: Sequence[Record], place: Path = RECORDS) -> None:
        """These records and no others, a file for each reranker."""
        folder = self.root / place
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.json"):
            path.unlink()
        for record in records:
            (folder / f"{record.cell.reranker.name}.json").write_bytes(dump_record(record))

    def commit(self, subject: str) -> str:
        """Commit all there is; the commit's hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        self._commits += 1
        return self.git("rev-parse", "HEAD")

    def commit_records(self, *records: Record, subject: str = "records") -> str:
        """Write and commit these records and no others."""
        self.write(records)
        return self.commit(subject)
