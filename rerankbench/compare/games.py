"""Which reranker beat which on each query, as decided by a metric or by any other judge.

One game is one query and two rerankers. Ratings use games, whoever decided them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Result: TypeAlias = Literal["a", "b", "tie"]
_ROUNDING = 1e-9
_POINTS: Mapping[Result, float] = {"a": 1.0, "b": 0.0, "tie": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One game: on this query reranker `a` beat `b`, `b` beat `a`, or neither did."""

    query_id: str
    a: str
    b: str
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Games:
    """All games of one collection.

    `points[q, i, j]` is the score of `models[i]` against `models[j]` on `queries[q]`: 1, ½, 0; 0
    for both where they did not meet. Models and queries stand in the order of their names, so that
    nothing depends on the order in which the games came. `weight` is the weight of the whole
    collection among others.
    """

    collection: str
    models: tuple[str, ...]
    queries: tuple[str, ...]
    points: NDArray[np.float32]
    weight: float = 1.0


def games_of(outcomes: Iterable[Outcome], *, collection: str = "") -> Games:
    """The games as a table.

    Raises ValueError for a game of a reranker against itself, and for two games of one pair on one
    query.
    """
    played = list(outcomes)
    models = tuple(sorted({name for game in played for name in (game.a, game.b)}))
    queries = tuple(sorted({game.query_id for game in played}))
    at = {name: number for number, name in enumerate(models)}
    row = {query_id: number for number, query_id in enumerate(queries)}
    points = np.zeros((len(queries), len(models), len(models)), dtype=np.float32)
    for game in played:
        q, i, j = row[game.query_id], at[game.a], at[game.b]
        if i == j:
            raise ValueError(f"'{game.a}' cannot play against itself")
        if points[q, i, j] or points[q, j, i]:
            raise ValueError(f"'{game.a}' and '{game.b}' met twice on query '{game.query_id}'")
        points[q, i, j] = _POINTS[game.result]
        points[q, j, i] = 1 - _POINTS[game.result]
    return Games(collection=collection, models=models, queries=queries, points=points)


def games_by_metric(
    values: Mapping[str, Mapping[str, float]],
    *,
    margin: float = 0.0,
    collection: str = "",
    weight: float = 1.0,
) -> Games:
    """Every pair of rerankers on every query that both have a value for; the higher one wins.

    `values` is reranker → {query_id: value}. Values that differ by no more than `margin` tie; so
    do those that differ by rounding alone. Rerankers without any game are left out.
    """
    models = tuple(sorted(values))
    queries = tuple(sorted({query_id for by_query in values.values() for query_id in by_query}))
    table = np.array(
        [[values[model].get(query_id, np.nan) for model in models] for query_id in queries]
    ).reshape(len(queries), len(models))
    ahead = table[:, :, None] - table[:, None, :]
    # A comparison with NaN is false, so a missing value neither gets nor gives points.
    points = (ahead > margin + _ROUNDING) + 0.5 * (np.abs(ahead) <= margin + _ROUNDING)
    points[:, range(len(models)), range(len(models))] = 0
    met = np.flatnonzero((points + points.swapaxes(1, 2)).any(axis=(0, 2)))
    return Games(
        collection=collection,
        models=tuple(models[at] for at in met),
        queries=queries,
        points=points[:, met[:, None], met].astype(np.float32),
        weight=weight,
    )
