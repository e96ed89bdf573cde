"""Runs groups and cells in turn; finished ones are kept, a failure does not stop the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rerankbench.errors import InputError, RerankbenchError, StorageError
from rerankbench.results.tasks import is_whole, make_task, write_task
from rerankbench.run import cells, finished_scores, quality
from rerankbench.run.config import RunConfig
from rerankbench.run.finished_scores import FinishedScores
from rerankbench.run.plan import Group, PlannedCell, open_group
from rerankbench.run.work import Report, Work
from rerankbench.types import CandidateLists, Record


def run(work: Work) -> Report:
    """Run every cell without a record. Failures are saved and reported, the others go on.

    Raises StorageError at once: results that cannot be saved need not be computed.
    """
    records: list[Record] = []
    failures: list[RerankbenchError] = []
    for group_plan in work.plan.groups:
        try:
            with work.course.group(len(group_plan.models)):
                with work.progress.task(f"reading {group_plan.collection.name}", None, ""):
                    group = open_group(work.plan, group_plan)
                    existing = _existing_records(work, group)
                done = _done(work, group, existing)
                fresh, problems = _run_pending(work, group, existing, done)
        except StorageError:
            raise
        except RerankbenchError as error:
            failures.append(error)
            continue
        records_by_key = {**done, **fresh}
        records += [records_by_key[cell.key] for cell in group.cells if cell.key in records_by_key]
        failures += problems
    return Report(records=tuple(records), failures=tuple(failures))


def _existing_records(work: Work, group: Group) -> dict[str, Record]:
    """Existing records, with metrics added that were not computed then."""
    if work.fresh:
        return {}
    existing: dict[str, Record] = {}
    for cell in group.cells:
        record = work.store.find(cell.quality_key, cell.speed_key)
        if record is not None:
            record = _with_metrics(work, record, group)
        if record is not None:
            existing[cell.key] = _as_named_now(work, record, cell)
    return existing


def _with_metrics(work: Work, record: Record, group: Group) -> Record | None:
    """The record with all requested metrics, from its run file; None if that is missing.

    The collection's level of relevance becomes the requested one; values at other levels
    stay beside them.
    """
    lacking = [metric for metric in group.metrics if metric.name not in record.per_query]
    collection = record.cell.collection
    level = group.collection_ref.relevance_level
    if not lacking and collection.relevance_level == level:
        return record
    try:
        rankings = work.store.rankings(record)
    except InputError as error:
        work.progress.warn(f"{str(error).partition(';')[0]}; it is made again")
        return None
    if rankings is None:
        return None
    added = quality.evaluate(group.qrels, rankings, lacking)
    values = {**record.per_query, **added}
    if collection.relevance_level != level:
        # The first metric is the headline; it must be at the new level.
        values = {**{metric.name: values[metric.name] for metric in group.metrics}, **values}
    cell = replace(record.cell, collection=replace(collection, relevance_level=level))
    record = replace(record, cell=cell, per_query=values)
    work.store.write_record(record)
    return record


def _as_named_now(work: Work, record: Record, cell: PlannedCell) -> Record:
    """The record with the names and the price of now; nothing else depends on them.

    Collections of equal content and models of equal weights share a record, whatever their names.
    A model keeps its name unless another one was given.
    """
    now, was = cell.cell, record.cell
    collection = replace(was.collection, name=now.collection.name)
    if was.collection.name != now.collection.name:
        collection = replace(collection, source=now.collection.source)
    reranker = replace(
        was.reranker,
        name=was.reranker.name if cell.model.spec.name is None else now.reranker.name,
        price=now.reranker.price or was.reranker.price,
    )
    named = replace(was, collection=collection, reranker=reranker)
    if named == was:
        return record
    record = replace(record, cell=named)
    work.store.write_record(record)
    return record


def _done(work: Work, group: Group, existing: Mapping[str, Record]) -> dict[str, Record]:
    """The complete records: with the speed if it is to be measured."""
    return {
        cell.key: existing[cell.key]
        for cell in group.cells
        if cell.key in existing and not lacks_speed(work.plan.config, cell, existing[cell.key])
    }


def lacks_speed(config: RunConfig, cell: PlannedCell, record: Record) -> bool:
    """Whether a run would add the speed to that record."""
    return wants_speed(config, cell) and record.measurements.throughput is None


def wants_speed(config: RunConfig, cell: PlannedCell) -> bool:
    """Whether the cell's record should tell its speed."""
    return config.speed.enabled and cell.model.factory.scores_documents


def _run_pending(
    work: Work, group: Group, existing: Mapping[str, Record], done: Mapping[str, Record]
) -> tuple[dict[str, Record], list[RerankbenchError]]:
    pending = [cell for cell in group.cells if cell.key not in done]
    wanted = {cell.scores_key for cell in pending}
    for cell in group.cells:
        # A kill between record and clean-up leaves the journal of a cell that is finished.
        if cell.key in done and cell.scores_key not in wanted:
            cells.forget(cell)
    key = group.cells[0].cell.task.digest
    lacks_task = work.fresh or not _has_task(work, key)
    if not pending:
        where = f"{group.collection_ref.name}/{group.collection_ref.split}"
        work.progress.note(f"{where}: all {len(done)} cells are finished; --fresh runs them again")
    if not pending and not lacks_task:
        return {}, []
    lists = cells.find_candidates(work, group)
    if lacks_task:
        texts = work.plan.config.keep_texts
        with work.progress.task(f"{group.collection_ref.name}: keeping candidates", None, ""):
            task = make_task(key, lists, group.qrels, keep_texts=texts)
            write_task(work.store.task_path(key), task)
    return _run_cells(work, group, pending, existing, lists)


def _has_task(work: Work, key: str) -> bool:
    path = work.store.task_path(key)
    if not path.exists():
        return False
    if is_whole(path):
        return True
    work.progress.warn(f"{path}: is damaged and made again")
    return False


def _run_cells(
    work: Work,
    group: Group,
    pending: Sequence[PlannedCell],
    existing: Mapping[str, Record],
    lists: CandidateLists,
) -> tuple[dict[str, Record], list[RerankbenchError]]:
    records: dict[str, Record] = {}
    problems: list[RerankbenchError] = []
    work.course.enter(group, pending, lists, scored=existing.keys())
    for together in finished_scores.siblings(pending):
        if work.fresh:
            cells.forget(together[0])
        scores: FinishedScores | None = None
        for cell in together:
            work.course.begin(cell)
            try:
                row = _Row(work=work, group=group, cell=cell, lists=lists)
                records[cell.key], scores = row.finish(existing.get(cell.key), scores)
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - one broken model must not cost the others
                problems.append(cells.keep_failure(cell, error))
                work.progress.warn(str(problems[-1]))
        # What one of them scored is kept for those that failed.
        if all(cell.key in records for cell in together):
            cells.forget(together[0])
    return records, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A cell that lacks its record, or the speed in it."""

    work: Work
    group: Group
    cell: PlannedCell
    lists: CandidateLists

    def finish(
        self, earlier: Record | None, scores: FinishedScores | None
    ) -> tuple[Record, FinishedScores | None]:
        """The record, and the scores for other fusions of the model; `scores` are at hand."""
        work, group, cell, lists = self.work, self.group, self.cell, self.lists
        started_at = cells.now()
        scores = scores or self._of_plain_row()
        if scores is not None:
            plain = cell.model.loadable.ref.name
            name = cell.cell.reranker.name
            work.progress.note(f"{name}: joined from the scores of {plain}; none is made again")
        # Under other packages the scores might be others too: then both are made anew.
        if earlier is not None and earlier.environment.packages == self._packages:
            if scores is None or scores.measurements.throughput is None:
                return cells.measure_cell(work, group, cell, lists, earlier), scores
            told = [each for each in scores.warnings if each not in earlier.warnings]
            return cells.add_speed(work, group, earlier, scores.measurements, told), scores
        if scores is None:
            scores = cells.score_cell(work, group, cell, lists)
        return cells.finish_cell(work, group, cell, lists, scores, started_at), scores

    def _of_plain_row(self) -> FinishedScores | None:
        """The scores of a finished plain row, with the speed where it is wanted."""
        scores = finished_scores.of_plain_row(self.work, self.cell, self.lists)
        speed_is_wanted = wants_speed(self.work.plan.config, self.cell)
        if scores is None or scores.measurements.throughput is not None or not speed_is_wanted:
            return scores
        if scores.environment.packages != self._packages:
            return None
        return cells.measure_scores(self.work, self.cell, self.lists, scores)

    @property
    def _packages(self) -> Mapping[str, str]:
        return self.work.plan.environment.packages
