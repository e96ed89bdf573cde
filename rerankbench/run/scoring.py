"""Scoring all candidates with one reranker, journalled so that nothing is scored twice."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.progress import Progress
from rerankbench.protocols import Job, Reranker
from rerankbench.run.journal import Journal
from rerankbench.types import CandidateLists, Hit, Qrels, Ranking

# Pairs prepared and sorted by length together: all of most collections, and a bound on memory
# (token ids of so many pairs of 512 tokens take 0.5 GiB).
WINDOW_PAIRS = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRankings:
    """Rankings by reranker score, in the order of the candidates."""

    rankings: tuple[Ranking, ...]
    pairs: int
    truncated_pairs: int
    resumed_pairs: int
    warnings: tuple[str, ...] = ()


def score(
    reranker: Reranker[Any],
    lists: CandidateLists,
    qrels: Qrels,
    *,
    journal_path: Path,
    header: Mapping[str, Any],
    progress: Progress,
) -> ScoredRankings:
    """Score every pair; scores in a journal with the same header are reused.

    If scores depend on the whole list, only complete lists are reused. Raises
    ModelError for scores that are not finite.
    """
    job = Job(candidates=lists.candidates, qrels=qrels)
    total = job.starts[-1]
    belongs = _whole_lists(job) if reranker.ref.scores_lists else lambda pairs: True
    with Journal(journal_path, header, belongs=belongs) as journal:
        if journal.damage is not None:
            progress.warn(f"{journal_path}: {journal.damage}")
        resumed = len(journal.scores)
        with progress.task(reranker.ref.name, total, "docs") as advance:
            advance(resumed)
            remaining = replace(job, done=frozenset(journal.scores))
            for first_pair, window in _windows(remaining, _window_pairs(reranker, total)):
                for batch in reranker.score(reranker.prepare(window)):
                    _check_finite(batch.scores, reranker)
                    pairs = [first_pair + pair for pair in batch.pairs]
                    journal.add(replace(batch, pairs=pairs))
                    advance(len(pairs))
        return ScoredRankings(
            rankings=tuple(_rank(job, journal.scores)),
            pairs=total,
            truncated_pairs=journal.truncated_pairs,
            resumed_pairs=resumed,
            warnings=tuple(_malformed(journal.answers)),
        )


def _window_pairs(reranker: Reranker[Any], total: int) -> int:
    """All pairs at once where a document is read once, not once a pair: tokens are then few."""
    return total if reranker.ref.reads == "documents-once" else WINDOW_PAIRS


def _whole_lists(job: Job) -> Callable[[Collection[int]], bool]:
    """A function that tells whether pairs form complete lists of one or more queries."""
    starts = job.starts

    def are_whole(pairs: Collection[int]) -> bool:
        distinct = set(pairs)
        queries = {bisect_right(starts, pair) - 1 for pair in distinct}
        if not all(0 <= query < len(job.candidates) for query in queries):
            return False
        return len(distinct) == sum(starts[query + 1] - starts[query] for query in queries)

    return are_whole


def _malformed(answers: Mapping[str, int]) -> Iterator[str]:
    """A warning if some of a model's answers did not have the requested form."""
    wrong = {kind: count for kind, count in answers.items() if kind != "ok" and count}
    if wrong:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(wrong.items()))
        total, all_wrong = sum(answers.values()), sum(wrong.values())
        yield f"{all_wrong:,} of {total:,} answers were malformed: {kinds}"


def _windows(job: Job, most: int) -> Iterator[tuple[int, Job]]:
    """Parts of complete queries with the index of their first pair; without finished parts."""
    starts = job.starts
    begin = 0
    while begin < len(job.candidates):
        end = begin + 1
        while end < len(job.candidates) and starts[end + 1] - starts[begin] <= most:
            end += 1
        first, pairs = starts[begin], range(starts[begin], starts[end])
        done = frozenset(pair - first for pair in pairs if pair in job.done)
        if len(done) < len(pairs):
            yield first, replace(job, candidates=job.candidates[begin:end], done=done)
        begin = end


def _check_finite(scores: Sequence[float], reranker: Reranker[Any]) -> None:
    if not all(map(math.isfinite, scores)):
        exact = reranker.ref.dtype in (None, "float32")
        remedy = "fetch the model again" if exact else "use --dtype float32"
        raise ModelError(
            f"{reranker.ref.name}: a score is not finite in {reranker.ref.dtype}; {remedy}"
        )


def _rank(job: Job, scores: Mapping[int, float]) -> Iterator[Ranking]:
    for candidates, pairs in zip(job.candidates, job.pairs(), strict=True):
        hits = (
            Hit(doc_id=document.doc_id, score=scores[pair])
            for document, pair in zip(candidates.documents, pairs, strict=True)
        )
        yield Ranking.sort(candidates.query.query_id, hits)
