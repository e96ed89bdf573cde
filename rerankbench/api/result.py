"""What a run from Python measured: frames, and a table for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rerankbench.api.temporary import TemporaryFolder
from rerankbench.results.record_set import RecordSet
from rerankbench.results.store import Store
from rerankbench.types import Record

if TYPE_CHECKING:
    import pandas as pd

    from rerankbench.leaderboard.table import Table


class RunResult:
    """What one run measured, each part as a pandas DataFrame.

    A notebook shows the leaderboard with its notes; `print(result)` writes it as Markdown.
    """

    def __init__(
        self,
        *,
        records: Sequence[Record],
        store: Store,
        metrics: Sequence[str],
        temporary: TemporaryFolder,
    ) -> None:
        """Keep the records of one run, its metrics as they were asked for, and where files lie.

        The `temporary` folder lives as long as the result: files lie there unless kept elsewhere.
        """
        self._records = tuple(records)
        self._store = store
        self._metrics = tuple(metrics)
        self._temporary = temporary
        self._archive = RecordSet(self._records, [store])

    @property
    def folder(self) -> Path:
        """The results folder, which every command that reads results takes.

        Without an `output` it is temporary, and goes with the result.
        """
        return self._store.results

    def leaderboard(self) -> pd.DataFrame:
        """One row per collection and reranker, the best first: metrics, speed, size, queries."""
        from rerankbench.api import frames

        return frames.leaderboard(self._records, self._metrics)

    def per_query(self) -> pd.DataFrame:
        """One row per reranker, metric and judged query, as `load_per_query`, with the texts."""
        from rerankbench.api import frames

        return frames.per_query(self._archive)

    def rankings(self) -> pd.DataFrame:
        """One row per reranker, query and document: rank, score, first stage's rank, grade."""
        from rerankbench.api import frames

        return frames.rankings(self._archive)

    def compare(self, a: str, b: str, metric: str | None = None) -> pd.DataFrame:
        """One row per collection: how reranker `b` differs from `a`, and whether by chance.

        Raises UsageError for a name or a metric that there is not.
        """
        from rerankbench.api import frames

        return frames.compare(self._archive, a, b, metric or self._metrics[0])

    def _tables(self) -> list[Table]:
        from rerankbench.leaderboard.publish import tables_of_run

        return tables_of_run(self._records, self._store, self._metrics)

    def _repr_html_(self) -> str:
        from rerankbench.leaderboard.renderers.html import fragment

        return str(fragment(self._tables()))

    def _repr_markdown_(self) -> str:
        from rerankbench.leaderboard.renderers import renderer

        return renderer("markdown")(self._tables())

    def __str__(self) -> str:
        return self._repr_markdown_()

    def __repr__(self) -> str:
        collections = dict.fromkeys(each.cell.collection.name for each in self._records)
        rerankers = dict.fromkeys(each.cell.reranker.name for each in self._records)
        return f"<RunResult of {', '.join(rerankers)} on {', '.join(collections)}>"
