"""Baselines on disk: `results/baselines/NAME/` with record files and a README.md for reviewers.

A baseline holds records only, no runs or tasks: of a collection it has nothing but query ids.
Its files are named after their cells, so that git shows a change of a cell as a change of one
file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import InputError, StorageError, UsageError, nearest
from rerankbench.files import partials
from rerankbench.files.plain_names import FORM_IN_WORDS, is_plain
from rerankbench.files.swap import recover, swap_in
from rerankbench.files.whole import write_whole
from rerankbench.gate.baselines.summary import readme
from rerankbench.gate.cells import cell_name
from rerankbench.results import derived
from rerankbench.results.grouping import newest
from rerankbench.results.store import BASELINES, dump_record, read_records
from rerankbench.types import Record, slug

FOLDER = Path("results") / BASELINES

_LONGEST_STEM = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """All baselines of one folder."""

    folder: Path = FOLDER

    def names(self) -> list[str]:
        """The names of all baselines, after cleaning up what a killed process left."""
        recover(self.folder)
        partials.clear(self.folder)
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path.name for path in folders if is_plain(path.name) and path.is_dir())

    def find(self, name: str) -> Path:
        """The folder of that baseline. Raises InputError naming the nearest one."""
        known = self.names()
        if name not in known:
            hint = nearest(name, known) if known else "`rerankbench baseline save` makes one"
            raise InputError(self.folder, f"no baseline '{name}'", remedy=hint)
        return self.folder / name

    def read(self, name: str) -> list[Record]:
        return read_records([self.find(name)])

    def resolve(self, path: Path) -> Path:
        """A path that exists, or else the baseline of that name.

        Raises InputError naming the nearest baseline.
        """
        if path.exists():
            return path
        known = self.names()
        if path.exists():
            return path  # It was restored just now.
        if str(path) in known:
            return self.folder / path
        hint = nearest(str(path), known) if known else "`rerankbench baseline save` makes one"
        problem = f"no such file or folder, nor a baseline in {self.folder}"
        raise InputError(path, problem, remedy=hint)

    def save(self, name: str, records: Sequence[Record]) -> Path:
        """Keep the records under a new name. Raises UsageError for one that is taken."""
        path = self._new(name)
        recover(self.folder)
        if path.exists():
            remedy = f"replace it with `rerankbench baseline promote {name}`"
            raise UsageError(f"{path}: there is a baseline of that name; {remedy}")
        with self._staged(name, records) as staged:
            staged.rename(path)
        return path

    def replace(self, name: str, records: Sequence[Record]) -> Path:
        """Replace a baseline's records; at any time the old or the new ones are complete."""
        path = self.find(name)
        with self._staged(name, records) as staged:
            swap_in(staged, path)
        return path

    def _new(self, name: str) -> Path:
        if not is_plain(name):
            raise UsageError(f"'{name}' is not a valid baseline name; expected {FORM_IN_WORDS}")
        return self.folder / name

    @contextmanager
    def _staged(self, name: str, records: Sequence[Record]) -> Iterator[Path]:
        """The whole baseline in a hidden folder beside its place, which is removed at the end."""
        kept = chosen(records)
        try:
            with partials.folder_beside(self.folder / name) as staged:
                for stem, record in file_stems(kept).items():
                    write_whole(staged / "records" / f"{stem}.json", dump_record(record))
                write_whole(staged / "README.md", readme(name, kept))
                yield staged
        except OSError as error:
            problem = f"cannot be written ({error.strerror or error})"
            raise StorageError(
                f"{self.folder / name}: {problem}; free space, or look at its rights"
            ) from error


def is_ignored(path: Path) -> bool:
    """Whether git would leave the path out; False without git or a repository."""
    command = ("git", "-C", str(path), "check-ignore", "--quiet", "README.md")
    try:
        return (
            subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def chosen(records: Sequence[Record]) -> list[Record]:
    """The current state of every cell: its newest record, and those with the same quality key."""
    of_cell = newest(records, cell_name)
    same = (
        record
        for record in records
        if record.quality_key == of_cell[cell_name(record)].quality_key
    )
    kept = newest(same, lambda record: (cell_name(record), derived.setting(record)))
    return sorted(kept.values(), key=lambda record: (cell_name(record), derived.setting(record)))


def file_stems(records: Sequence[Record]) -> dict[str, Record]:
    """A file name for each record: its cell's, with a number if that is taken."""
    named: dict[str, Record] = {}
    for record in records:
        stem = slug(str(cell_name(record)))[:_LONGEST_STEM] or "cell"
        stems = (stem, *(f"{stem}-{number}" for number in range(2, len(records) + 1)))
        named[next(name for name in stems if name not in named)] = record
    return named
