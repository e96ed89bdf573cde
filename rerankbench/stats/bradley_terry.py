"""Bradley–Terry ratings by maximum likelihood, on the scale of Elo.

Bradley and Terry, "Rank Analysis of Incomplete Block Designs", Biometrika 39, 1952: i beats j with
probability 1 / (1 + exp(θ_j - θ_i)). A tie is half a win for both. All functions take any number
of tables at once: the leading axes are those of a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MEAN_RATING = 1500.0
ELO_PER_UNIT = 400 / math.log(10)
"""A player rated 400 above another is expected to win ten of eleven games."""

_PRECISION = 1e-10
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Ratings (…, n), and whether each table has a finite maximum likelihood as it is."""

    ratings: FloatArray
    as_it_stands: BoolArray


def fit(points: FloatArray, *, tie: float = 1.0) -> Fit:
    """Ratings of n players with mean 1500, from tables (…, n, n) of points of i against j.

    A table has a finite maximum only if, however the players are split in two, each part has a
    point against the other (Ford 1957). Without one, a tie of weight `tie` between every
    two players is added: this makes every rating finite and favours nobody.
    """
    finite = has_maximum(points)
    players = points.shape[-1]
    ties = tie / 2 * (1 - np.eye(players))
    ratings = MEAN_RATING + ELO_PER_UNIT * _strengths(
        np.where(finite[..., None, None], points, points + ties)
    )
    return Fit(ratings=ratings, as_it_stands=finite)


def has_maximum(points: FloatArray) -> BoolArray:
    """Ford's condition for each table: from every player a chain of points leads to every other.

    Ford, "Solution of a Ranking Problem from Binary Comparisons", American Mathematical Monthly
    64(8), 1957.
    """
    players = points.shape[-1]
    reached = (points > 0) | np.eye(players, dtype=bool)
    for _ in range(max(players - 1, 1).bit_length()):
        # Paths of up to twice the length; as floats, because boolean matrices multiply slowly.
        paths = reached.astype(np.float32)
        reached = paths @ paths > 0
    return np.asarray(reached.all(axis=(-1, -2)))


def _strengths(points: FloatArray) -> FloatArray:
    """θ with mean 0, by Newton's method; every table must have a finite maximum.

    The steps are cut so that no difference of two strengths changes by more than 1: within that
    the curvature changes by less than e, so that every step gains (Bach, "Self-concordant analysis
    for logistic regression", Electronic Journal of Statistics 4, 2010, proposition 1).
    """
    players = points.shape[-1]
    met = points + np.swapaxes(points, -1, -2)
    strengths = np.zeros(points.shape[:-1])
    identity = np.eye(players)
    for _ in range(_MOST_STEPS):
        ahead = strengths[..., :, None] - strengths[..., None, :]
        # Half a hyperbolic tangent is the logistic function, and never overflows.
        expected = 0.5 * (1 + np.tanh(ahead / 2))
        gradient = (points - met * expected).sum(axis=-1)
        weights = met * expected * (1 - expected)
        curvature = identity * weights.sum(axis=-1)[..., None] - weights
        # Nothing changes if all strengths rise alike; this makes the matrix regular there too.
        level = np.trace(curvature, axis1=-2, axis2=-1)[..., None, None] / players**2
        step = np.linalg.solve(curvature + level, gradient[..., None])[..., 0]
        widest = np.ptp(step, axis=-1, keepdims=True)
        strengths = strengths + step / np.maximum(widest, 1)
        if np.all(widest < _PRECISION):
            break
    return np.asarray(strengths - strengths.mean(axis=-1, keepdims=True))
