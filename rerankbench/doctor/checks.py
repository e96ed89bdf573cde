"""Checks of a loaded reranker, on built-in pairs with undisputed answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from rerankbench.doctor import pairs
from rerankbench.protocols import Job, MarkedPairs, MarkedQueries, Reranker
from rerankbench.types import Candidates

Outcome: TypeAlias = Literal["pass", "warn", "fail", "skip"]
# Scores of one query's pairs, or None where the other implementation cannot score this model.
Reference: TypeAlias = Callable[[Sequence[Candidates]], Sequence[float] | None]

# A search model ranks nearly every answer above an unrelated passage.
_FEWEST_RIGHT = 10
# Shares of the scores' spread: rounding that varies with a batch's shape is far below.
_TOLERANCE = {"float32": 1e-4}
_LOW_PRECISION_TOLERANCE = 0.05
_RANKS = "ranks are not squashed"
_COSINES = "cosines stay between -1 and 1"
# σ over [0, 1]: the range after a second sigmoid.
_TWICE_SQUASHED = (0.5, 0.7310586)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One result; `detail` says what was observed and, if it is bad, what to do."""

    name: str
    outcome: Outcome
    detail: str


def run(reranker: Reranker[Any], reference: Reference | None) -> list[Check]:
    """All checks of a loaded reranker, against `reference` where there is one."""
    plain, mixed = pairs.pairs(), pairs.mixed()
    scores = score(reranker, plain)
    together = score(reranker, mixed)
    # One request a query, and one a pair: with other neighbours and other padding.
    by_query = [x for candidates in mixed for x in score(reranker, [candidates])]
    alone = [
        x
        for candidates in mixed
        for single in _split(candidates)
        for x in score(reranker, [single])
    ]
    scale = reranker.ref.scale
    ranks = scale == "rank"
    why = _RANKS if ranks else _COSINES if scale == "cosine" else None
    return [
        _order(scores),
        _same("batch size", together, by_query, reranker, "batches"),
        _skip("padding", "a listwise score depends on the other documents")
        if reranker.ref.scores_lists
        else _same("padding", together, alone, reranker, "padding"),
        _skip("saturation", _RANKS) if ranks else _distinct(scores),
        _skip("sigmoid", why) if why else _sigmoids(scores, together),
        _agreement(reranker, together, mixed, reference),
    ]


def score(reranker: Reranker[Any], candidates: Sequence[Candidates]) -> list[float]:
    """Scores of all pairs, in their order."""
    by_pair = {
        pair: value
        for batch in reranker.score(reranker.prepare(Job(candidates=candidates)))
        for pair, value in zip(batch.pairs, batch.scores, strict=True)
    }
    return [by_pair[pair] for pair in sorted(by_pair)]


def _split(candidates: Candidates) -> list[Candidates]:
    return [
        Candidates(query=candidates.query, documents=(document,))
        for document in candidates.documents
    ]


def _order(scores: Sequence[float]) -> Check:
    """Answers above the others; nearly all below means that the label is inverted."""
    name = "order"
    answers, others = scores[::2], scores[1::2]
    right = sum(a > b for a, b in zip(answers, others, strict=True))
    seen = f"{right} of {len(answers)} answers above a passage from elsewhere"
    if right >= _FEWEST_RIGHT:
        return Check(name=name, outcome="pass", detail=seen)
    if right <= len(answers) - _FEWEST_RIGHT:
        remedy = "the scores are upside down: the wrong label or answer token is read"
        return Check(name=name, outcome="fail", detail=f"{seen}; {remedy}")
    remedy = "is it a trained reranker, and is this its prompt?"
    return Check(name=name, outcome="fail", detail=f"{seen}; {remedy}")


def _same(
    name: str, first: Sequence[float], second: Sequence[float], reranker: Reranker[Any], what: str
) -> Check:
    share = _apart(first, second)
    limit = _TOLERANCE.get(reranker.ref.dtype or "float32", _LOW_PRECISION_TOLERANCE)
    seen = f"scores with different {what} differ by {share:.1e} of their spread"
    if share <= limit:
        return Check(name=name, outcome="pass", detail=seen)
    remedy = "padding is attended to, or positions are counted from the wrong side"
    return Check(name=name, outcome="fail", detail=f"{seen}; {remedy}")


def _distinct(scores: Sequence[float]) -> Check:
    name = "saturation"
    distinct = len(set(scores))
    seen = f"{distinct} distinct among {len(scores)} scores"
    if distinct >= len(scores) - 1:
        return Check(name=name, outcome="pass", detail=seen)
    remedy = "scores are squashed or rounded before they are compared; store raw logits"
    outcome: Outcome = "warn" if distinct > len(scores) // 2 else "fail"
    return Check(name=name, outcome=outcome, detail=f"{seen}; {remedy}")


def _sigmoids(scores: Sequence[float], more: Sequence[float]) -> Check:
    """Raw logits leave [0, 1]; a sigmoid stays inside, a second one within [0.5, 0.731]."""
    name = "sigmoid"
    low, high = min(*scores, *more), max(*scores, *more)
    seen = f"scores from {low:.3g} to {high:.3g}"
    if _TWICE_SQUASHED[0] <= low and high <= _TWICE_SQUASHED[1]:
        remedy = "as after two sigmoids, one after the other; remove both"
        return Check(name=name, outcome="fail", detail=f"{seen}, {remedy}")
    if low >= 0 and high <= 1:
        remedy = "as after a sigmoid; ask for raw scores if possible"
        return Check(name=name, outcome="warn", detail=f"{seen}, {remedy}")
    return Check(name=name, outcome="pass", detail=f"{seen}: not squashed")


def _agreement(
    reranker: Reranker[Any],
    scores: Sequence[float],
    candidates: Sequence[Candidates],
    reference: Reference | None,
) -> Check:
    name = "sentence-transformers"
    if reference is None:
        return _skip(name, "not installed: pip install sentence-transformers")
    reference_scores = reference(candidates)
    if reference_scores is None:
        return _skip(name, "does not load this kind of model")
    # The reference cuts the longer text first, which may be the query.
    uncut = _not_cut(reranker, candidates)
    if len(uncut) < len(scores) // 2:
        return _skip(name, "most of the built-in pairs are too long for this model")
    scores, reference_scores = [scores[i] for i in uncut], [reference_scores[i] for i in uncut]
    share, alike = _apart(scores, reference_scores), _ordered_alike(scores, reference_scores)
    limit = 1e-3 if reranker.ref.dtype == "float32" else _LOW_PRECISION_TOLERANCE
    seen = f"differs by {share:.1e} of the spread and orders {alike:.1%} of all score pairs alike"
    if share <= limit:
        return Check(name=name, outcome="pass", detail=seen)
    remedy = "the two score by different recipes: compare prompt, length and label"
    outcome: Outcome = "warn" if alike > 0.95 else "fail"
    return Check(name=name, outcome=outcome, detail=f"{seen}; {remedy}")


def _not_cut(reranker: Reranker[Any], candidates: Sequence[Candidates]) -> list[int]:
    """Indices of the pairs that the model reads whole, as far as it says."""
    prepared = reranker.prepare(Job(candidates=candidates))
    query_ids = [entry.query.query_id for entry in candidates for _ in entry.documents]
    cut = prepared.truncated if isinstance(prepared, MarkedPairs) else [False] * len(query_ids)
    cut_queries = prepared.cut_queries if isinstance(prepared, MarkedQueries) else ()
    return [
        pair
        for pair, query_id in enumerate(query_ids)
        if not cut[pair] and query_id not in cut_queries
    ]


def _skip(name: str, why: str) -> Check:
    return Check(name=name, outcome="skip", detail=why)


def _ordered_alike(first: Sequence[float], second: Sequence[float]) -> float:
    """The share of all pairs of scores that both put in the same order."""
    places = range(len(first))
    twos = [(i, j) for i in places for j in places if i < j]
    alike = sum((first[i] > first[j]) == (second[i] > second[j]) for i, j in twos)
    return alike / len(twos)


def _apart(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest difference, as a share of the scores' spread."""
    spread = max(first) - min(first)
    most = max(abs(a - b) for a, b in zip(first, second, strict=True))
    return most / spread if spread else (0.0 if most == 0 else float("inf"))
