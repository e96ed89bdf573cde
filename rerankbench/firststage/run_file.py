"""A run file as first stage: its rankings are reranked, whatever retriever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from rerankbench.errors import InputError
from rerankbench.files.trec import read_run
from rerankbench.files.whole import open_bytes, sha256_file
from rerankbench.firststage.arguments import Arguments, Text, read
from rerankbench.progress import Progress
from rerankbench.protocols import Collection
from rerankbench.types import Json, Query, Ranking


class RunFileArguments(Arguments):
    """The path of the run."""

    path: Text = Field(description="a TREC run, plain or gzipped")


def create(arguments: Mapping[str, Json], cache: Path) -> RunFile:
    """First stage `run`.

    Raises UsageError for other arguments, InputError if the file cannot be opened.
    """
    path = Path(read("run", arguments, RunFileArguments).path)
    open_bytes(path).close()
    return RunFile(path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """A first stage that takes its rankings from a file."""

    path: Path
    _noted: dict[Path, list[str]] = field(default_factory=dict, compare=False, repr=False)

    def describe(self) -> Mapping[str, Json]:
        """The file's name, for people, and the hash of its bytes."""
        return {"file": self.path.name, "sha256": sha256_file(self.path)}

    def retrieve(
        self, collection: Collection, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        """The run's rankings in the order of `queries`, cut at depth; empty for absent queries.

        Documents that the collection does not hold stay. Raises InputError for a broken run and
        for one that has none of the queries.
        """
        by_query = {ranking.query_id: ranking for ranking in self._read()}
        missing = sum(query.query_id not in by_query for query in queries)
        if queries and missing == len(queries):
            raise InputError(
                self.path,
                f"has none of the {missing} queries of {collection.name}",
                remedy="choose the run of this collection and split",
            )
        if missing:
            progress.warn(
                f"{self.path}: {missing} of {len(queries)} queries are not in the run and score 0"
            )
        return [
            Ranking(
                query_id=query.query_id,
                hits=by_query[query.query_id].hits[:depth] if query.query_id in by_query else (),
            )
            for query in queries
        ]

    def _read(self) -> list[Ranking]:
        noted: list[str] = []
        rankings = read_run(self.path, warn=noted.append)
        self._noted[self.path] = noted
        return rankings

    def warnings(self) -> Sequence[str]:
        """A warning if the file's ranks contradict its scores, which are what counts."""
        if self.path not in self._noted:  # Its candidates came from the cache.
            self._read()
        return tuple(self._noted[self.path])
