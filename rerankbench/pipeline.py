"""The order of work of `run`: group by group, cell by cell, each on disk before the next begins.

Prints nothing; what it does is reported to a `Progress`.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rerankbench import candidates as candidate_lists
from rerankbench import measure, quality, scoring, store
from rerankbench.config import SpeedConfig
from rerankbench.errors import CellsFailedError, RerankbenchError, StorageError
from rerankbench.identity import digest
from rerankbench.measure import Instruments
from rerankbench.plan import Group, Plan, PlannedCell
from rerankbench.progress import Progress
from rerankbench.protocols import Metric, Reranker
from rerankbench.scoring import Scored
from rerankbench.store import Store
from rerankbench.types import CandidateLists, Environment, Measurements, Qrels, Ranking, Record

# A library that changes may change scores: cells half finished with another version start anew.
_SCORING_PACKAGES = ("rerankbench", "torch", "transformers", "tokenizers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all cells of one run share. `fresh` ignores finished cells."""

    plan: Plan
    store: Store
    environment: Environment
    instruments: Instruments
    progress: Progress
    cache: Path
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run left: records in the plan's order, how many were there before, and failures."""

    records: tuple[Record, ...]
    reused: int
    failures: tuple[RerankbenchError, ...]

    def raise_for_failures(self) -> None:
        """Raise CellsFailedError where cells failed, or the one error that stopped everything."""
        if not self.failures:
            return
        if not self.records and len(self.failures) == 1:
            raise self.failures[0]
        count = len(self.failures)
        lines = [*map(str, self.failures), f"{count} failed; all others are recorded"]
        raise CellsFailedError("\n".join(lines))


def run(work: Work) -> Report:
    """Run every cell that has no record yet. A failure is kept and reported, the others go on.

    Raises StorageError at once: what cannot be kept need not be computed.
    """
    records: list[Record] = []
    failures: list[RerankbenchError] = []
    reused = 0
    for open_group in work.plan.groups:
        try:
            group = open_group()
            done = _finished(work, group)
            fresh, problems = _run_pending(work, group, done)
        except StorageError:
            raise
        except RerankbenchError as error:
            failures.append(error)
            continue
        found = {**done, **fresh}
        records += [found[cell.key] for cell in group.cells if cell.key in found]
        reused += len(done)
        failures += problems
    return Report(records=tuple(records), reused=reused, failures=tuple(failures))


def _finished(work: Work, group: Group) -> dict[str, Record]:
    """Records that are there already, completed by metrics that were not asked for then."""
    if work.fresh:
        return {}
    found: dict[str, Record] = {}
    for cell in group.cells:
        record = work.store.find(cell.quality_key, cell.speed_key)
        if record is not None:
            record = _with_metrics(work, record, group.qrels)
        if record is not None:
            found[cell.key] = record
    return found


def _with_metrics(work: Work, record: Record, qrels: Qrels) -> Record | None:
    """The record with all wanted metrics, from its run file; None where that is not at hand."""
    lacking = [metric for metric in work.plan.metrics if metric.name not in record.per_query]
    if not lacking:
        return record
    rankings = work.store.rankings(record)
    if rankings is None:
        return None
    added = quality.evaluate(qrels, rankings, lacking)
    record = replace(record, per_query={**record.per_query, **added})
    work.store.write(record, rankings)
    return record


def _run_pending(
    work: Work, group: Group, done: Mapping[str, Record]
) -> tuple[dict[str, Record], list[RerankbenchError]]:
    pending = [cell for cell in group.cells if cell.key not in done]
    where = f"{group.collection_ref.name}/{group.collection_ref.split}"
    if not pending:
        work.progress.note(f"{where}: all {len(done)} cells are finished; --fresh runs them again")
        return {}, []
    lists = _candidates(work, group)
    records: dict[str, Record] = {}
    problems: list[RerankbenchError] = []
    for cell in pending:
        try:
            records[cell.key] = _run_cell(work, group, cell, lists)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken model must not cost the others
            problems.append(_keep_failure(cell, error))
            work.progress.warn(str(problems[-1]))
    return records, problems


def retrieve(work: Work, group: Group) -> list[Ranking]:
    """The first stage's rankings, one per query of the group."""
    return candidate_lists.retrieve(
        group.collection,
        group.queries,
        group.first_stage,
        group.first_stage_ref.name,
        group.depth,
        cache=work.cache,
        progress=work.progress,
    )


def _candidates(work: Work, group: Group) -> CandidateLists:
    lists = candidate_lists.with_texts(group.collection, group.queries, retrieve(work, group))
    for warning in (*group.collection.warnings(), *lists.warnings):
        work.progress.warn(f"{group.collection_ref.name}: {warning}")
    return lists


def rerank(work: Work, group: Group, cell: PlannedCell) -> tuple[Ranking, ...]:
    """One reranker's rankings, with no measurement and no record; resumable until forgotten."""
    reranker = cell.factory.load(cell.spec)
    scored = _score(work, group, cell, reranker, _candidates(work, group))
    for warning in reranker.warnings():
        work.progress.warn(f"{reranker.ref.name}: {warning}")
    return scored.rankings


def forget(cell: PlannedCell) -> None:
    """Drop what is kept for resuming a cell."""
    store.forget_work(cell.key)


def _keep_failure(cell: PlannedCell, error: Exception) -> RerankbenchError:
    """Leave the traceback under `work/` and say in one line what failed."""
    path = store.keep_error(cell.key, "".join(traceback.format_exception(error)))
    if isinstance(error, RerankbenchError):
        return error
    reason = (str(error).strip().splitlines() or [""])[0]
    name = cell.cell.reranker.name
    return CellsFailedError(f"{name}: {type(error).__name__}: {reason}; see {path}")


def _run_cell(work: Work, group: Group, cell: PlannedCell, lists: CandidateLists) -> Record:
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    if work.fresh:
        store.forget_work(cell.key)
    reranker = cell.factory.load(cell.spec)
    scored = _score(work, group, cell, reranker, lists)
    if scored.resumed_pairs:
        work.progress.note(
            f"{reranker.ref.name}: {scored.resumed_pairs:,} of {scored.pairs:,} pairs were scored "
            "before an interruption"
        )
    measurements, speed_warnings = _measure(work, cell, reranker, lists)
    record = _record(work, group, cell, scored, measurements, started_at)
    found = (*group.collection.warnings(), *lists.warnings, *reranker.warnings(), *speed_warnings)
    record = replace(record, warnings=(*found, *record.warnings))
    work.store.write(record, scored.rankings, fresh=work.fresh)
    store.forget_work(cell.key)
    _report(work, record, speed_warnings)
    return record


def _score(
    work: Work, group: Group, cell: PlannedCell, reranker: Reranker, lists: CandidateLists
) -> Scored:
    return scoring.score(
        reranker,
        lists,
        group.qrels,
        journal_path=store.work_folder(cell.key) / "scores.jsonl",
        header=_journal_header(work, cell, lists),
        progress=work.progress,
    )


def _journal_header(
    work: Work, cell: PlannedCell, lists: CandidateLists
) -> dict[str, str | list[str | None]]:
    documents = [
        [each.query.query_id, *(document.doc_id for document in each.documents)]
        for each in lists.candidates
    ]
    packages = [work.environment.packages.get(name) for name in _SCORING_PACKAGES]
    return {"cell": cell.key, "candidates": digest(documents), "packages": packages}


def _measure(
    work: Work, cell: PlannedCell, reranker: Reranker, lists: CandidateLists
) -> tuple[Measurements, Sequence[str]]:
    speed: SpeedConfig = work.plan.config.speed
    if not (speed.enabled and cell.factory.scores_documents):
        return Measurements(), ()
    with work.progress.task(f"{reranker.ref.name}: measuring speed", None, "passes"):
        return measure.measure(
            reranker,
            lists.candidates,
            passes=speed.passes,
            budget_s=speed.budget_s,
            instruments=work.instruments,
        )


def _record(
    work: Work,
    group: Group,
    cell: PlannedCell,
    scored: Scored,
    measurements: Measurements,
    started_at: str,
) -> Record:
    headline = work.plan.metrics[0]
    unanswered = quality.without_results(group.qrels, scored.rankings)
    ties = quality.tie_audit(group.qrels, scored.rankings, headline)
    warnings = []
    if unanswered:
        warnings.append(f"{unanswered} judged queries have no results and score 0")
    if ties and ties.rate > quality.TIE_RATE_LIMIT:
        warnings.append(
            f"{ties.rate:.1%} of neighbouring scores tie: {headline.name} is between "
            f"{ties.worst:.4f} and {ties.best:.4f} depending on their order"
        )
    return Record(
        schema=store.SCHEMA,
        suite=work.store.suite,
        quality_key=cell.quality_key,
        speed_key=cell.speed_key,
        cell=cell.cell,
        environment=work.environment,
        started_at=started_at,
        per_query=quality.evaluate(group.qrels, scored.rankings, work.plan.metrics),
        queries_without_results=unanswered,
        scored_pairs=scored.pairs,
        truncated_pairs=scored.truncated_pairs,
        run_sha256=store.run_sha256(scored.rankings),
        ties=ties,
        measurements=measurements,
        warnings=tuple(warnings),
    )


def _report(work: Work, record: Record, speed_warnings: Sequence[str]) -> None:
    headline: Metric = work.plan.metrics[0]
    cell = record.cell
    text = f"{cell.collection.name} · {cell.reranker.name}: {headline.name} "
    text += f"{record.mean(headline.name) or 0.0:.4f}"
    throughput = record.measurements.throughput
    if throughput is not None:
        text += f", {throughput.docs_per_s:,.0f} docs/s"
    work.progress.note(text)
    for warning in speed_warnings:
        work.progress.warn(f"{cell.reranker.name}: {warning}")
