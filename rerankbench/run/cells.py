"""One cell: candidates, scores, metrics, measurements, record."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rerankbench.errors import CellsFailedError, RerankbenchError
from rerankbench.protocols import Reranker, RerankerFacts
from rerankbench.results import store
from rerankbench.results.figures import DOCS_PER_S
from rerankbench.run import candidates as candidate_lists
from rerankbench.run import quality, scoring
from rerankbench.run import speed as run_speed
from rerankbench.run.config import SpeedConfig
from rerankbench.run.finished_scores import FinishedScores
from rerankbench.run.plan import Group, PlannedCell
from rerankbench.run.scoring import ScoredRankings
from rerankbench.run.work import Work
from rerankbench.types import (
    CandidateLists,
    Environment,
    Measurements,
    Ranking,
    Record,
    digest,
)

# Another version of these may change scores: cells half finished with another one start again.
_SCORING_PACKAGES = ("rerankbench", "torch", "transformers", "tokenizers")


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
        own_ids=group.own_ids,
    )


def find_candidates(work: Work, group: Group) -> CandidateLists:
    """The group's rankings with their texts; shows warnings about them."""
    name = group.collection_ref.name
    with work.progress.task(f"{name}: candidates of {group.first_stage_ref.name}", None, ""):
        rankings = retrieve(work, group)
        if group.adds_positives:
            rankings, added = candidate_lists.add_positives(rankings, group.qrels)
        lists = candidate_lists.with_texts(group.collection, group.queries, rankings)
    if group.adds_positives:
        added_warning = (
            f"{added:,} relevant documents that the first stage missed were added: unrealistic"
        )
        lists = replace(lists, warnings=(*lists.warnings, added_warning))
    stage_warnings = candidate_lists.stage_warnings(group.first_stage)
    lists = replace(lists, warnings=(*group.remarks, *stage_warnings, *lists.warnings))
    for warning in (*group.collection.warnings(), *lists.warnings):
        work.progress.warn(f"{name}: {warning}")
    return lists


def rerank(work: Work, group: Group, cell: PlannedCell) -> tuple[Ranking, ...]:
    """One reranker's rankings, without measurement or record; can be resumed until `forget`."""
    reranker = _load(work, cell)
    lists = find_candidates(work, group)
    scored = _score(work, group, cell, reranker, lists)
    rankings, tied = _joined(cell, lists, scored.rankings)
    for warning in (*scored.warnings, *tied, *reranker.warnings()):
        work.progress.warn(f"{reranker.ref.name}: {warning}")
    return rankings


def journal_path(cell: PlannedCell) -> Path:
    """Where the scores of a cell are kept until it has a record."""
    return store.work_folder(cell.scores_key) / "scores.jsonl"


def forget(cell: PlannedCell) -> None:
    """Drop what is kept for resuming a cell and all others that share its scores."""
    store.forget_work(cell.scores_key)
    forget_failure(cell)


def forget_failure(cell: PlannedCell) -> None:
    """Drop what is kept of a cell alone: it has a record now."""
    if cell.key != cell.scores_key:
        store.forget_work(cell.key)


def keep_failure(cell: PlannedCell, error: Exception) -> RerankbenchError:
    """Save the traceback under `work/`, and say in one line what failed."""
    path = store.keep_error(cell.key, "".join(traceback.format_exception(error)))
    if isinstance(error, RerankbenchError):
        return error
    reason = (str(error).strip().splitlines() or [""])[0]
    name = cell.cell.reranker.name
    return CellsFailedError(f"{name}: {type(error).__name__}: {reason}; see {path}")


def score_cell(
    work: Work, group: Group, cell: PlannedCell, lists: CandidateLists
) -> FinishedScores:
    """Score and measure a cell's reranker, whatever its fusion; resumable until forgotten."""
    reranker = _load(work, cell)
    scored = _score(work, group, cell, reranker, lists)
    if scored.resumed_pairs:
        work.progress.note(
            f"{reranker.ref.name}: {scored.resumed_pairs:,} of {scored.pairs:,} pairs were scored "
            "before an interruption"
        )
    measurements, speed_warnings = _measure(work, cell, reranker, lists)
    return FinishedScores(
        rankings=scored.rankings,
        pairs=scored.pairs,
        truncated_pairs=scored.truncated_pairs,
        environment=work.plan.environment,
        measurements=measurements,
        warnings=(
            *group.collection.warnings(),
            *lists.warnings,
            *scored.warnings,
            *([] if cell.choice.warning is None else [cell.choice.warning]),
            *reranker.warnings(),
            *speed_warnings,
        ),
        checks=reranker.checks if isinstance(reranker, RerankerFacts) else {},
    )


def measure_scores(
    work: Work, cell: PlannedCell, lists: CandidateLists, scores: FinishedScores
) -> FinishedScores:
    """The scores with the speed of their reranker."""
    measurements, warnings = _measure(work, cell, _load(work, cell), lists)
    return replace(scores, measurements=measurements, warnings=(*scores.warnings, *warnings))


def finish_cell(
    work: Work,
    group: Group,
    cell: PlannedCell,
    lists: CandidateLists,
    scores: FinishedScores,
    started_at: str,
) -> Record:
    """Make a cell's row of the scores of its reranker, evaluate it, and write its record."""
    name = cell.cell.reranker.name
    work.course.at(cell, "evaluating")
    with work.progress.task(f"{name}: evaluating", None, ""):
        rankings, tied = _joined(cell, lists, scores.rankings)
        level = group.collection_ref.relevance_level
        audit = quality.audit(group.qrels, rankings, group.metrics, level=level)
        record = Record(
            schema=store.SCHEMA,
            suite=work.store.suite,
            quality_key=cell.quality_key,
            speed_key=cell.speed_key,
            cell=cell.cell,
            environment=scores.environment,
            started_at=started_at,
            per_query=quality.evaluate(group.qrels, rankings, group.metrics),
            queries_without_results=audit.queries_without_results,
            scored_pairs=scores.pairs,
            truncated_pairs=scores.truncated_pairs,
            run_sha256=store.run_sha256(rankings),
            ties=audit.ties,
            candidates=lists.counts,
            measurements=scores.measurements,
            # A plain row's record says some of these already.
            warnings=tuple(dict.fromkeys((*scores.warnings, *tied, *audit.warnings))),
            checks=scores.checks,
        )
    with work.progress.task(f"{name}: writing the record", None, ""):
        work.store.write(record, rankings, fresh=work.fresh)
    forget_failure(cell)
    _report(work, record, group.metrics[0].name)
    return record


def run_cell(work: Work, group: Group, cell: PlannedCell, lists: CandidateLists) -> Record:
    """Score, evaluate and measure one cell that shares its scores with none, from the start."""
    started_at = now()
    forget(cell)
    record = finish_cell(
        work, group, cell, lists, score_cell(work, group, cell, lists), started_at
    )
    forget(cell)
    return record


def now() -> str:
    """When something starts, as records say it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def add_speed(
    work: Work,
    group: Group,
    record: Record,
    measurements: Measurements,
    warnings: Sequence[str],
) -> Record:
    """Add the speed to a record that was made without it; nothing is scored again."""
    told = tuple(dict.fromkeys((*record.warnings, *warnings)))
    record = replace(record, measurements=measurements, warnings=told)
    work.store.write_record(record)
    _report(work, record, group.metrics[0].name)
    return record


def measure_cell(
    work: Work, group: Group, cell: PlannedCell, lists: CandidateLists, record: Record
) -> Record:
    """The record with the speed of its reranker, measured now."""
    return add_speed(work, group, record, *_measure(work, cell, _load(work, cell), lists))


def _load(work: Work, cell: PlannedCell) -> Reranker[Any]:
    choice = cell.choice
    with work.progress.task(f"loading {cell.cell.reranker.name}", None, ""):
        reranker = cell.model.loadable.load(choice.engine)
    if choice.reason is not None:
        work.progress.note(f"{reranker.ref.name}: engine {choice.engine.engine}, {choice.reason}")
    if choice.warning is not None:
        work.progress.warn(f"{reranker.ref.name}: {choice.warning}")
    return reranker


def _score(
    work: Work, group: Group, cell: PlannedCell, reranker: Reranker[Any], lists: CandidateLists
) -> ScoredRankings:
    work.course.at(cell, "scoring")
    return scoring.score(
        reranker,
        lists,
        group.qrels,
        journal_path=journal_path(cell),
        header=_journal_header(work, cell, lists),
        progress=work.progress,
    )


def _joined(
    cell: PlannedCell, lists: CandidateLists, rankings: tuple[Ranking, ...]
) -> tuple[tuple[Ranking, ...], list[str]]:
    """The rankings of the cell's row, from the reranker's own, and what to say of their ties."""
    fusion = cell.model.fusion
    if fusion is None:
        return rankings, []
    rate = quality.tie_rate(rankings)
    tied = f"{rate:.1%} of its own neighbouring scores tie; in the fusion they count alike"
    fused = fusion.fuse(rankings, [one.ranking() for one in lists.candidates])
    return fused, [tied] if rate > quality.TIE_RATE_LIMIT else []


def _journal_header(
    work: Work, cell: PlannedCell, lists: CandidateLists
) -> dict[str, str | list[str | None]]:
    listed = [
        [candidates.query.query_id, *(document.doc_id for document in candidates.documents)]
        for candidates in lists.candidates
    ]
    return journal_header(cell, listed, work.plan.environment)


def journal_header(
    cell: PlannedCell, listed: Sequence[Sequence[str]], environment: Environment
) -> dict[str, str | list[str | None]]:
    """The first line of a cell's journal; `listed` has a query id, then its documents' ids."""
    packages = [environment.packages.get(name) for name in _SCORING_PACKAGES]
    return {"cell": cell.scores_key, "candidates": digest(listed), "packages": packages}


def _measure(
    work: Work, cell: PlannedCell, reranker: Reranker[Any], lists: CandidateLists
) -> tuple[Measurements, Sequence[str]]:
    speed: SpeedConfig = work.plan.config.speed
    if not (speed.enabled and cell.model.factory.scores_documents):
        return Measurements(), ()
    work.course.at(cell, "measuring")
    with work.progress.task(f"{reranker.ref.name}: measuring speed", None, ""):
        measurements, warnings = run_speed.measure(
            reranker,
            lists.candidates,
            passes=speed.passes,
            budget_s=speed.budget_s,
            instruments=work.instruments,
        )
    if measurements.throughput is not None:
        work.course.learn(cell, measurements.throughput.docs_per_s)
    for warning in warnings:
        work.progress.warn(f"{cell.cell.reranker.name}: {warning}")
    return measurements, warnings


def _report(work: Work, record: Record, headline: str) -> None:
    cell = record.cell
    text = f"{cell.collection.name} · {cell.reranker.name}: {headline} "
    text += f"{record.mean(headline) or 0.0:.4f}"
    throughput = record.measurements.throughput
    if throughput is not None:
        text += f", {DOCS_PER_S.say(throughput.docs_per_s)}"
    work.progress.note(text)
