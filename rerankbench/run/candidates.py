"""The documents to rerank: the first stage's rankings, cached, cut to depth, with texts."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict
from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files.trec import format_run, read_run
from rerankbench.files.whole import gzip_bytes, write_whole
from rerankbench.progress import Progress
from rerankbench.protocols import Collection, FirstStage, FirstStageWarnings
from rerankbench.results.identity import candidates_key
from rerankbench.types import CandidateLists, Candidates, Hit, Qrels, Query, Ranking


def retrieve(
    collection: Collection,
    queries: Sequence[Query],
    first_stage: FirstStage,
    name: str,
    depth: int,
    *,
    cache: Path,
    progress: Progress,
    own_ids: Set[str] | None = None,
) -> list[Ranking]:
    """One ranking per query, at most `depth` hits, from the cache if they are there.

    For the queries in `own_ids` the document with the query's id is dropped before the cut, so one
    more is retrieved; None means all queries where the collection has that rule (ArguAna, Quora).
    """
    if own_ids is None:
        dropping = queries if collection.drops_identical_ids else ()
        own_ids = {query.query_id for query in dropping}
    retrieved_depth = depth + 1 if own_ids else depth
    path = cached_path(collection, queries, first_stage, name, retrieved_depth, cache)
    rankings = _cached(path, progress)
    if rankings is None:
        fresh = first_stage.retrieve(collection, queries, retrieved_depth, progress=progress)
        # A plug-in may order ties in any way; the cut must be the same as from the cache.
        rankings = [Ranking.sort(ranking.query_id, ranking.hits) for ranking in fresh]
        if any(ranking.hits for ranking in rankings):
            write_whole(path, gzip_bytes(format_run(rankings, name)))
    by_query = {ranking.query_id: ranking for ranking in rankings}
    empty = [Ranking(query_id=query.query_id, hits=()) for query in queries]
    ordered = [by_query.get(ranking.query_id, ranking) for ranking in empty]
    return [cut(ranking, depth, drop_own_id=ranking.query_id in own_ids) for ranking in ordered]


def cached_path(
    collection: Collection,
    queries: Sequence[Query],
    first_stage: FirstStage,
    name: str,
    depth: int,
    cache: Path,
) -> Path:
    """The path of such rankings in the cache, whether they exist or not."""
    hashes = {
        **asdict(collection.hashes()),
        "qrels": "",
        "queries_run": [query.query_id for query in queries],
    }
    by = {"name": name, **first_stage.describe()}
    return cache / "candidates" / f"{candidates_key(hashes, by, depth)}.trec.gz"


def stage_warnings(first_stage: FirstStage) -> tuple[str, ...]:
    """Warnings of the first stage about its input; most have none."""
    return tuple(first_stage.warnings()) if isinstance(first_stage, FirstStageWarnings) else ()


def _cached(path: Path, progress: Progress) -> list[Ranking] | None:
    if not path.exists():
        return None
    try:
        return read_run(path)
    except InputError as error:
        progress.warn(f"cached candidates are damaged and made again ({error})")
        return None


def cut(ranking: Ranking, depth: int, *, drop_own_id: bool) -> Ranking:
    """The first `depth` hits; with `drop_own_id` without the document that is the query itself."""
    hits = [hit for hit in ranking.hits if not (drop_own_id and hit.doc_id == ranking.query_id)]
    return Ranking(query_id=ranking.query_id, hits=tuple(hits[:depth]))


def add_positives(rankings: Sequence[Ranking], qrels: Qrels) -> tuple[list[Ranking], int]:
    """Append relevant documents that were not retrieved; returns also how many there were.

    They come in trec_eval's order of ties, below every hit: a metric cut at or above the depth
    stays the same for the first stage's own order.
    """
    completed, added = [], 0
    for ranking in rankings:
        scores = ranking.scores()
        lowest = min(scores.values(), default=0.0)
        # At least two steps of float32, so that they differ from the hits.
        step = max(1.0, abs(lowest) * 2.0**-22)
        grades = qrels.get(ranking.query_id, {})
        missed = sorted((d for d, grade in grades.items() if grade > 0 and d not in scores))
        behind = tuple(
            Hit(doc_id=doc_id, score=lowest - rank * step)
            for rank, doc_id in enumerate(reversed(missed), start=1)
        )
        completed.append(Ranking(query_id=ranking.query_id, hits=(*ranking.hits, *behind)))
        added += len(behind)
    return completed, added


def with_texts(
    collection: Collection, queries: Sequence[Query], rankings: Sequence[Ranking]
) -> CandidateLists:
    """Look up the texts; hits whose document is not in the collection are dropped and counted.

    `rankings` holds one ranking per query, in the same order.
    """
    documents = collection.lookup({hit.doc_id for ranking in rankings for hit in ranking.hits})
    candidates, missing = [], []
    for query, ranking in zip(queries, rankings, strict=True):
        hits = [hit for hit in ranking.hits if hit.doc_id in documents]
        missing += [hit.doc_id for hit in ranking.hits if hit.doc_id not in documents]
        candidates.append(
            Candidates(
                query=query,
                documents=tuple(documents[hit.doc_id] for hit in hits),
                scores=tuple(hit.score for hit in hits),
            )
        )
    warnings = []
    if missing:
        warnings.append(
            f"{len(missing)} candidates are not in the collection and were left out, "
            f"such as '{missing[0]}'"
        )
    return CandidateLists(candidates=tuple(candidates), warnings=tuple(warnings))
