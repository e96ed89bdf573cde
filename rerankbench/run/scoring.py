"""Scoring all candidates with one reranker, journalled so that nothing is scored twice."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.progress import Progress
from rerankbench.protocols import Job, Reranker
from rerankbench.run.journal import Journal
from rerankbench.types import CandidateLists, Candidates, Hit, Qrels, Ranking

# Pairs readied and length-sorted together: all of most collections, and a bound on memory (token
# ids of so many pairs of 512 tokens take 0.5 GiB).
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
    reranker: Reranker,
    lists: CandidateLists,
    qrels: Qrels,
    *,
    journal_path: Path,
    header: Mapping[str, Any],
    progress: Progress,
) -> ScoredRankings:
    """Score every pair, picking up what a journal with the same header holds.

    Of a reranker whose scores depend on the whole list, whole lists are picked up alone. Raises
    ModelError for scores that are not finite.
    """
    total = sum(len(each.documents) for each in lists.candidates)
    belongs = _whole_lists(lists) if reranker.ref.scores_lists else lambda pairs: True
    with Journal(journal_path, header, belongs=belongs) as journal:
        if journal.damage is not None:
            progress.warn(f"{journal_path}: {journal.damage}")
        resumed = len(journal.scores)
        with progress.task(reranker.ref.name, total, "pairs") as advance:
            advance(resumed)
            done = frozenset(journal.scores)
            for first_pair, job in _windows(lists, qrels, done, _window_pairs(reranker, total)):
                for batch in reranker.score(reranker.prepare(job)):
                    _check_finite(batch.scores, reranker)
                    pairs = [first_pair + pair for pair in batch.pairs]
                    journal.add(replace(batch, pairs=pairs))
                    advance(len(pairs))
        return ScoredRankings(
            rankings=tuple(_rank(lists.candidates, journal.scores)),
            pairs=total,
            truncated_pairs=journal.truncated_pairs,
            resumed_pairs=resumed,
            warnings=tuple(_malformed(journal.answers)),
        )


def _window_pairs(reranker: Reranker, total: int) -> int:
    """All pairs at once where a document is read once, not once a pair: tokens are then few."""
    return total if getattr(reranker, "whole_job", False) else WINDOW_PAIRS


def _whole_lists(lists: CandidateLists) -> Callable[[Collection[int]], bool]:
    """Whether pairs are all of one query's, or of several queries'."""
    sizes = [len(each.documents) for each in lists.candidates]
    starts = list(accumulate(sizes, initial=0))

    def are_whole(pairs: Collection[int]) -> bool:
        held = set(pairs)
        queries = {bisect_right(starts, pair) - 1 for pair in held}
        if not all(0 <= query < len(sizes) for query in queries):
            return False
        return len(held) == sum(sizes[query] for query in queries)

    return are_whole


def _malformed(answers: Mapping[str, int]) -> Iterator[str]:
    """What a reader should know of a model whose answers were not all as it was asked."""
    wrong = {kind: count for kind, count in answers.items() if kind != "ok" and count}
    if wrong:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(wrong.items()))
        total, all_wrong = sum(answers.values()), sum(wrong.values())
        yield f"{all_wrong:,} of {total:,} answers were malformed: {kinds}"


def _windows(
    lists: CandidateLists, qrels: Qrels, done: frozenset[int], most: int
) -> Iterator[tuple[int, Job]]:
    """Jobs of whole queries, each with the index of its first pair; finished ones are left out."""
    sizes = [len(each.documents) for each in lists.candidates]
    starts = list(accumulate(sizes, initial=0))
    begin = 0
    while begin < len(sizes):
        end = begin + 1
        while end < len(sizes) and starts[end + 1] - starts[begin] <= most:
            end += 1
        pairs = range(starts[begin], starts[end])
        finished = frozenset(pair - starts[begin] for pair in pairs if pair in done)
        if len(finished) < len(pairs):
            yield (
                starts[begin],
                Job(
                    candidates=lists.candidates[begin:end],
                    first_stage=lists.first_stage[begin:end],
                    qrels=qrels,
                    done=finished,
                ),
            )
        begin = end


def _check_finite(scores: Sequence[float], reranker: Reranker) -> None:
    if not all(map(math.isfinite, scores)):
        exact = reranker.ref.dtype in (None, "float32")
        remedy = "fetch the model again" if exact else "use --dtype float32"
        raise ModelError(
            f"{reranker.ref.name}: a score is not finite in {reranker.ref.dtype}; {remedy}"
        )


def _rank(candidates: Sequence[Candidates], scores: Mapping[int, float]) -> Iterator[Ranking]:
    pair = 0
    for each in candidates:
        hits = [
            Hit(doc_id=document.doc_id, score=scores[pair + i])
            for i, document in enumerate(each.documents)
        ]
        pair += len(each.documents)
        yield Ranking.sort(each.query.query_id, hits)
