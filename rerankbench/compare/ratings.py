"""Games → ratings: Bradley–Terry over all rerankers at once, intervals by resampling queries.

Ratings over several collections count every collection alike, however many queries it has.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rerankbench.compare.games import Games, Outcome, games_of
from rerankbench.stats import bradley_terry

CONFIDENCE = 0.95
RESAMPLES = 1000
SEED = 20_231_114
# Multiplications in one matrix product: OpenBLAS does this few in one thread. Where other programs
# are busy, its threads wait long for each other.
_CHUNK = 2**18
# Smaller differences of ratings are rounding.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedReranker:
    """One reranker among those that it was rated with.

    `low` and `high` bound the rating. `wins`, `losses` and `ties` count games. `win_rate` is the
    share of points: a tie is half a win, and collections count alike. `rank` counts from 1 among
    the rerankers other than references, and equal ratings share it; `ranks` are the best and the
    worst rank that the intervals of the differences leave open. Both are None for a reference.
    """

    name: str
    rating: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    win_rate: float
    rank: int | None
    ranks: tuple[int, int] | None
    collections: tuple[str, ...]

    @property
    def games(self) -> int:
        """How many games were played."""
        return self.wins + self.losses + self.ties

    @property
    def record_text(self) -> str:
        """Wins, losses and ties: `165W-217L-0T`."""
        return f"{self.wins}W-{self.losses}L-{self.ties}T"

    @property
    def ranks_text(self) -> str | None:
        """The possible ranks: `2–4`, or `2` alone."""
        if self.ranks is None:
            return None
        best, worst = self.ranks
        return f"{best}" if best == worst else f"{best}–{worst}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Standings, highest rating first, and the data behind them.

    `queries` maps every collection to its number of queries. `as_it_stands` is False if no
    finite ratings are the likeliest (some rerankers won, or lost, all their games against the
    others, or never met them), so that ties were added.
    """

    standings: tuple[RatedReranker, ...]
    queries: Mapping[str, int]
    as_it_stands: bool
    confidence: float
    resamples: int

    @property
    def ranked(self) -> int:
        return sum(standing.rank is not None for standing in self.standings)

    def find(self, name: str) -> RatedReranker | None:
        """That reranker's standing; None if it did not play."""
        return next((standing for standing in self.standings if standing.name == name), None)


def fit_outcomes(outcomes: Iterable[Outcome], *, collection: str = "") -> Ratings:
    """Ratings from single games of one collection, whoever decided them.

    Raises ValueError where no two rerankers met, and as `games_of` does.
    """
    return fit([games_of(outcomes, collection=collection)])


def fit(
    pools: Sequence[Games],
    *,
    references: Collection[str] = (),
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Ratings:
    """Rate the rerankers of all pools together; `references` play as all do, but have no rank.

    Every pool's points are divided by its queries, so that only its weight counts. A
    reranker that is not in a pool is rated by the games that it played: the model compares through
    common opponents. Queries are resampled within each pool. Raises ValueError where no two met.
    """
    # In a fixed order, because sums of fractions depend on it.
    pools = sorted(
        (pool for pool in pools if pool.models),
        key=lambda pool: (pool.collection, pool.models, pool.queries),
    )
    if not pools:
        raise ValueError("no two rerankers met on a query")
    names = tuple(sorted({name for pool in pools for name in pool.models}))
    points = np.zeros((1, len(names), len(names)))
    drawn = np.zeros((resamples, len(names), len(names)))
    for pool in pools:
        places = np.array([names.index(model) for model in pool.models])
        share = pool.weight / len(pool.queries)
        points[:, places[:, None], places] += share * pool.points.sum(axis=0, dtype=np.float64)
        drawn[:, places[:, None], places] += share * _resampled(pool, resamples, seed)
    # One more query on which all tie in every pool, so that the maximum is finite.
    tie = sum(pool.weight / len(pool.queries) for pool in pools)
    fitted = bradley_terry.fit(points, tie=tie)
    draws = bradley_terry.fit(drawn, tie=tie).ratings
    ratings = dict(zip(names, fitted.ratings[0].tolist(), strict=True))
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), axis=0)
    ranks = _ranks(names, ratings, draws, tail, references)
    standings = [
        _standing(name, ratings[name], (low[at], high[at]), ranks.get(name), pools)
        for at, name in enumerate(names)
    ]
    return Ratings(
        standings=tuple(
            sorted(standings, key=lambda standing: (-round(standing.rating, 6), standing.name))
        ),
        queries={pool.collection: len(pool.queries) for pool in pools},
        as_it_stands=bool(fitted.as_it_stands[0]),
        confidence=confidence,
        resamples=resamples,
    )


def _resampled(pool: Games, resamples: int, seed: int) -> NDArray[np.float64]:
    """The points of (resamples, models, models), each of as many queries as there are.

    The draws depend on the collection only: other collections change nothing, and what was
    measured twice on one collection is drawn alike.
    """
    queries, models, _ = pool.points.shape
    generator = np.random.default_rng([seed, zlib.crc32(pool.collection.encode()), queries])
    chosen = generator.integers(queries, size=(resamples, queries))
    cells = chosen + queries * np.arange(resamples)[:, None]
    times = np.bincount(cells.ravel(), minlength=resamples * queries)
    times = times.reshape(resamples, queries).astype(np.float32)
    points = pool.points.reshape(queries, models**2)
    # Sums of halves are exact in any order, so results do not depend on the library.
    step = max(1, _CHUNK // points.size)
    drawn = [times[at : at + step] @ points for at in range(0, resamples, step)]
    return np.concatenate(drawn, dtype=np.float64).reshape(resamples, models, models)


def _ranks(
    names: Sequence[str],
    ratings: Mapping[str, float],
    draws: NDArray[np.float64],
    tail: float,
    references: Collection[str],
) -> dict[str, tuple[int, int, int]]:
    """Rank, best and worst rank; the bounds count rerankers that are certainly above or below."""
    at = [number for number, name in enumerate(names) if name not in references]
    ahead = draws[:, at, None] - draws[:, None, at]
    surely_ahead = np.quantile(ahead, tail, axis=0) > _EQUAL
    return {
        names[place]: (
            1 + sum(ratings[names[other]] > ratings[names[place]] + _EQUAL for other in at),
            1 + int(surely_ahead[:, number].sum()),
            len(at) - int(surely_ahead[number].sum()),
        )
        for number, place in enumerate(at)
    }


def _standing(
    name: str,
    rating: float,
    bounds: tuple[float, float],
    ranks: tuple[int, int, int] | None,
    pools: Sequence[Games],
) -> RatedReranker:
    wins = losses = ties = 0
    points = played = 0.0
    collections = []
    for pool in pools:
        if name not in pool.models:
            continue
        at = pool.models.index(name)
        won, lost = pool.points[:, at], pool.points[:, :, at]
        wins += int((won == 1).sum())
        losses += int((lost == 1).sum())
        ties += int((won == 0.5).sum())
        points += pool.weight * float(won.sum() / (won.sum() + lost.sum()))
        played += pool.weight
        collections.append(pool.collection)
    return RatedReranker(
        name=name,
        rating=float(rating),
        low=float(bounds[0]),
        high=float(bounds[1]),
        wins=wins,
        losses=losses,
        ties=ties,
        win_rate=points / played,
        rank=ranks[0] if ranks else None,
        ranks=ranks[1:] if ranks else None,
        collections=tuple(dict.fromkeys(collections)),
    )
