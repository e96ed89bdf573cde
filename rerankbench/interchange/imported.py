"""Makes records of other tools' runs.

The figures are what any tool computes from the run: unexpected documents stay where they are,
with a warning, and so do differences to other tools' figures for the same run. Nothing is
written until every run has been checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rerankbench.errors import InputError, UsageError
from rerankbench.files.whole import sha256_file
from rerankbench.interchange import elsewhere, figure_files
from rerankbench.interchange.run_files import read_any_run, stem
from rerankbench.progress import Progress
from rerankbench.results.identity import quality_key, speed_key
from rerankbench.results.store import SCHEMA, Store, run_sha256
from rerankbench.results.tasks import make_task, write_task
from rerankbench.run import candidates as candidate_lists
from rerankbench.run import quality
from rerankbench.run.plan import Group, Plan
from rerankbench.types import (
    CandidateLists,
    Cell,
    EngineRef,
    Environment,
    FirstStageRef,
    Ranking,
    Record,
    RerankerRef,
)

UNSTATED = FirstStageRef(name="unstated", parameters={})
"""The first stage of a run that was imported without naming one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSource:
    """A run of another tool, and the name of its row; `rankings` as in the file.

    `warnings` are about oddities of the file.
    """

    path: Path
    name: str
    sha256: str
    rankings: tuple[Ranking, ...]
    warnings: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The length of its longest list."""
        return max(len(ranking.hits) for ranking in self.rankings)


def read_sources(paths: Sequence[Path], name: str | None) -> list[RunSource]:
    """Read the runs; rows get the files' names, or `name` if there is only one run.

    Raises InputError, or UsageError for two equal runs or row names.
    """
    if name is not None and len(paths) > 1:
        raise UsageError("--name names one run; several are named after their files")
    names: dict[str, Path] = {}
    hashes: dict[str, Path] = {}
    sources = []
    for path in paths:
        oddities: list[str] = []
        try:
            rankings = tuple(read_any_run(path, warn=oddities.append))
        except InputError as error:
            raise figure_files.refusal(path) or error from None
        if not any(ranking.hits for ranking in rankings):
            raise InputError(path, "has no documents", remedy="import a run that has results")
        source = RunSource(
            path=path,
            name=name or stem(path),
            sha256=sha256_file(path),
            rankings=rankings,
            warnings=tuple(oddities),
        )
        twin = names.setdefault(source.name, path)
        if twin is not path:
            raise UsageError(f"{twin} and {path} would both be '{source.name}'; rename one")
        twin = hashes.setdefault(source.sha256, path)
        if twin is not path:
            raise UsageError(f"{twin} and {path} are the same run; import one of them")
        sources.append(source)
    return sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Makes and writes records for one collection, first stage and depth.

    `states_first_stage` says that the runs reranked the plan's first stage.
    """

    plan: Plan
    group: Group
    store: Store
    environment: Environment
    cache: Path
    progress: Progress
    states_first_stage: bool

    def run(self, sources: Sequence[RunSource]) -> list[Record]:
        """One record a run, in order; an existing one keeps its other metrics."""
        lists = self._candidates() if self.states_first_stage else None
        results = [self._record(source, lists) for source in sources]
        if lists is not None:
            key = results[0][0].cell.task.digest
            path = self.store.task_path(key)
            if not path.exists():
                texts = self.plan.config.keep_texts
                write_task(path, make_task(key, lists, self.group.qrels, keep_texts=texts))
        written = [self._write(record, rankings) for record, rankings in results]
        for record, rankings in results:
            evaluated = elsewhere.EvaluatedRun(
                qrels=self.group.qrels,
                rankings=rankings,
                metrics=self.plan.metrics,
                values=record.per_query,
            )
            for line in elsewhere.differences(evaluated):
                self.progress.warn(f"{record.cell.reranker.name}: {line}")
        return written

    def _candidates(self) -> CandidateLists:
        group = self.group
        rankings = candidate_lists.retrieve(
            group.collection,
            group.queries,
            group.first_stage,
            group.first_stage_ref.name,
            group.depth,
            cache=self.cache,
            progress=self.progress,
            own_ids=group.own_ids,
        )
        return candidate_lists.with_texts(group.collection, group.queries, rankings)

    def _record(
        self, source: RunSource, lists: CandidateLists | None
    ) -> tuple[Record, list[Ranking]]:
        group, metrics = self.group, self.group.metrics
        rankings, dropped = self._judged(source)
        level = group.collection_ref.relevance_level
        audit = quality.audit(group.qrels, rankings, metrics, level=level)
        cell = self._cell(source)
        record = Record(
            schema=SCHEMA,
            suite=self.store.suite,
            quality_key=quality_key(cell),
            speed_key=speed_key(cell, self.environment.machine_id),
            cell=cell,
            environment=self.environment,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            per_query=quality.evaluate(group.qrels, rankings, metrics),
            queries_without_results=audit.queries_without_results,
            scored_pairs=0,
            truncated_pairs=0,
            run_sha256=run_sha256(rankings),
            ties=audit.ties,
            candidates=None if lists is None else lists.counts,
            warnings=(
                *source.warnings,
                *audit.warnings,
                *dropped,
                *self._unexpected_documents(rankings, lists),
            ),
        )
        return record, rankings

    def _judged(self, source: RunSource) -> tuple[list[Ranking], list[str]]:
        """The rankings of judged queries, cut to depth, and notes on what was removed."""
        group = self.group
        judged = [ranking for ranking in source.rankings if ranking.query_id in group.qrels]
        if not judged:
            name, split = group.collection_ref.name, group.collection_ref.split
            problem = f"answers none of the {len(group.qrels)} judged queries of {name}/{split}"
            remedy = "choose the run of this collection and split"
            raise InputError(source.path, problem, remedy=remedy)
        cut = [
            candidate_lists.cut(
                ranking, group.depth, drop_own_id=ranking.query_id in group.own_ids
            )
            for ranking in judged
        ]
        own = sum(
            ranking.query_id in ranking.scores()
            for ranking in judged
            if ranking.query_id in group.own_ids
        )
        if not own:
            return cut, []
        return cut, [f"{own} documents with their query's own id were dropped before the cut"]

    def _cell(self, source: RunSource) -> Cell:
        ref = RerankerRef(
            name=source.name,
            family="imported",
            revision=source.sha256[:16],
            recipe={"run_sha256": source.sha256},
            role="imported",
        )
        cell = replace(
            self.group.cells[0].cell,
            reranker=ref,
            engine=EngineRef(engine="none", device="none"),
        )
        return cell if self.states_first_stage else replace(cell, first_stage=UNSTATED)

    def _unexpected_documents(
        self, rankings: Sequence[Ranking], lists: CandidateLists | None
    ) -> list[str]:
        """Warnings about documents that are not in the collection, or not candidates."""
        candidates = (
            {}
            if lists is None
            else {
                entry.query.query_id: {document.doc_id for document in entry.documents}
                for entry in lists.candidates
            }
        )
        others = [
            (ranking.query_id, hit.doc_id)
            for ranking in rankings
            for hit in ranking.hits
            if hit.doc_id not in candidates.get(ranking.query_id, ())
        ]
        in_collection = self.group.collection.lookup({doc_id for _, doc_id in others})
        unknown = [doc_id for _, doc_id in others if doc_id not in in_collection]
        warnings = []
        if unknown:
            warnings.append(
                f"{len(unknown)} documents are not in the collection, such as '{unknown[0]}'"
            )
        if lists is not None and others:
            queries = len({query_id for query_id, _ in others})
            warnings.append(
                f"{len(others)} documents of {queries} queries are not among the first stage's "
                f"candidates, such as '{others[0][1]}': this run is not a reranking of them"
            )
        return warnings

    def _write(self, record: Record, rankings: Sequence[Ranking]) -> Record:
        existing = self.store.find(record.quality_key, record.speed_key)
        if existing is not None:
            metrics = {**existing.per_query, **record.per_query}
            merged = replace(record, started_at=existing.started_at, per_query=metrics)
            if replace(merged, environment=existing.environment) == existing:
                self.progress.note(f"{record.cell.reranker.name}: is recorded already")
                return existing
            record = merged
        self.store.write(record, rankings)
        return record
