"""Group by group, cell by cell: what is finished is kept, what fails does not stop the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rerankbench.errors import InputError, RerankbenchError, StorageError
from rerankbench.results import store
from rerankbench.results.tasks import is_whole, make_task, write_task
from rerankbench.run import quality
from rerankbench.run.cells import find_candidates, keep_failure, measure_cell, run_cell
from rerankbench.run.config import RunConfig
from rerankbench.run.plan import Group, PlannedCell, open_group
from rerankbench.run.work import Report, Work
from rerankbench.types import CandidateLists, Record


def run(work: Work) -> Report:
    """Run every cell that has no record yet. A failure is kept and reported, the others go on.

    Raises StorageError at once: what cannot be kept need not be computed.
    """
    records: list[Record] = []
    failures: list[RerankbenchError] = []
    for group_plan in work.plan.groups:
        try:
            group = open_group(work.plan, group_plan)
            there = _records_there(work, group)
            done = _done(work, group, there)
            fresh, problems = _run_pending(work, group, there, done)
        except StorageError:
            raise
        except RerankbenchError as error:
            failures.append(error)
            continue
        found = {**done, **fresh}
        records += [found[cell.key] for cell in group.cells if cell.key in found]
        failures += problems
    return Report(records=tuple(records), failures=tuple(failures))


def _records_there(work: Work, group: Group) -> dict[str, Record]:
    """Records that are there already, completed by metrics that were not asked for then."""
    if work.fresh:
        return {}
    found: dict[str, Record] = {}
    for cell in group.cells:
        record = work.store.find(cell.quality_key, cell.speed_key)
        if record is not None:
            record = _with_metrics(work, record, group)
        if record is not None:
            found[cell.key] = _with_price(work, record, cell)
    return found


def _with_metrics(work: Work, record: Record, group: Group) -> Record | None:
    """The record with all wanted metrics, from its run file; None where that is not at hand.

    The collection's level of relevance becomes the one that was asked for; figures at other levels
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
        work.progress.warn(f"{str(error).partition(';')[0]}; it is made anew")
        return None
    if rankings is None:
        return None
    added = quality.evaluate(group.qrels, rankings, lacking)
    values = {**record.per_query, **added}
    if collection.relevance_level != level:
        # The first is the headline: of those at the level of now, not of before.
        values = {**{metric.name: values[metric.name] for metric in group.metrics}, **values}
    cell = replace(record.cell, collection=replace(collection, relevance_level=level))
    record = replace(record, cell=cell, per_query=values)
    work.store.write_record(record)
    return record


def _with_price(work: Work, record: Record, cell: PlannedCell) -> Record:
    """The record with the price that the config names now; nothing else depends on it."""
    price = cell.cell.reranker.price
    if price is None or price == record.cell.reranker.price:
        return record
    priced = replace(record.cell, reranker=replace(record.cell.reranker, price=price))
    record = replace(record, cell=priced)
    work.store.write_record(record)
    return record


def _done(work: Work, group: Group, there: Mapping[str, Record]) -> dict[str, Record]:
    """The records that lack nothing: not the speed either, where it is wanted."""
    return {
        cell.key: there[cell.key]
        for cell in group.cells
        if cell.key in there and not lacks_speed(work.plan.config, cell, there[cell.key])
    }


def lacks_speed(config: RunConfig, cell: PlannedCell, record: Record) -> bool:
    """Whether a run would add the speed to that record."""
    wanted = config.speed.enabled and cell.model.factory.scores_documents
    return wanted and record.measurements.throughput is None


def _run_pending(
    work: Work, group: Group, there: Mapping[str, Record], done: Mapping[str, Record]
) -> tuple[dict[str, Record], list[RerankbenchError]]:
    pending = [cell for cell in group.cells if cell.key not in done]
    for cell_key in done:
        # A kill between record and clean-up leaves the journal of a cell that is finished.
        store.forget_work(cell_key)
    key = group.cells[0].cell.task.digest
    lacks_task = work.fresh or not _has_task(work, key)
    if not pending:
        where = f"{group.collection_ref.name}/{group.collection_ref.split}"
        work.progress.note(f"{where}: all {len(done)} cells are finished; --fresh runs them again")
    if not pending and not lacks_task:
        return {}, []
    lists = find_candidates(work, group)
    if lacks_task:
        texts = work.plan.config.keep_texts
        task = make_task(key, lists, group.qrels, keep_texts=texts)
        write_task(work.store.task_path(key), task)
    return _run_cells(work, group, pending, there, lists)


def _has_task(work: Work, key: str) -> bool:
    path = work.store.task_path(key)
    if not path.exists():
        return False
    if is_whole(path):
        return True
    work.progress.warn(f"{path}: is damaged and made anew")
    return False


def _run_cells(
    work: Work,
    group: Group,
    pending: Sequence[PlannedCell],
    there: Mapping[str, Record],
    lists: CandidateLists,
) -> tuple[dict[str, Record], list[RerankbenchError]]:
    records: dict[str, Record] = {}
    problems: list[RerankbenchError] = []
    for cell in pending:
        try:
            earlier = there.get(cell.key)
            # Under other packages the scores might be others too: then both are made anew.
            packages = work.plan.environment.packages
            if earlier is not None and earlier.environment.packages == packages:
                records[cell.key] = measure_cell(work, group, cell, lists, earlier)
            else:
                records[cell.key] = run_cell(work, group, cell, lists)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken model must not cost the others
            problems.append(keep_failure(cell, error))
            work.progress.warn(str(problems[-1]))
    return records, problems
