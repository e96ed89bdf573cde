"""The two sets of records that a gate holds against each other, with what lies beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import RerankbenchError
from rerankbench.gate import verdict
from rerankbench.gate.cells import CellName
from rerankbench.gate.limits import Limits
from rerankbench.gate.speed import Remeasurement
from rerankbench.progress import Progress
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Base and new, and where they lie; `places` is None where they will be gone."""

    base: RecordSet
    new: RecordSet
    places: tuple[Path, Path] | None

    @classmethod
    def at(cls, base: Path, new: Path) -> Sources:
        """Both of these places. Raises InputError."""
        # What is compared is the same reranker, also where its settings are what changed.
        return cls(
            base=open_archive([base], with_settings=False),
            new=open_archive([new], with_settings=False),
            places=(base, new),
        )

    def compare(
        self,
        limits: Limits,
        progress: Progress,
        *,
        remeasured: Mapping[CellName, Remeasurement] | None = None,
    ) -> verdict.Gate:
        """The gate between both. Raises UsageError where no cell is in both."""

        def texts_of(record: Record) -> Mapping[str, str]:
            # A baseline has no texts, but what is compared answered the same queries.
            try:
                task = self.new.task(record) or self.base.task(record)
            except RerankbenchError as error:
                progress.warn(f"worst queries have no texts: {error}")
                return {}
            topics = task.topics if task is not None else ()
            return {topic.query_id: topic.text for topic in topics if topic.text is not None}

        return verdict.compare(
            self.base.records,
            self.new.records,
            limits,
            remeasured=remeasured,
            texts_of=texts_of,
            places=self.places,
        )
