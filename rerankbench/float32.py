"""Scores as metrics see them: pytrec_eval holds them in 32 bits, so what differs by less ties.

Every order, cut and count of ties goes by these values, so that they agree with the figures.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable


def rounded(scores: Iterable[float]) -> list[float]:
    """Each score as the nearest float32; beyond its range as an infinity."""
    return array("f", scores).tolist()


def stored(scores: Iterable[float]) -> list[float]:
    """The same, but what float32 cannot hold stays as it is: a run file holds no infinity."""
    given = list(scores)
    return [
        single if math.isfinite(single) else score
        for score, single in zip(given, rounded(given), strict=True)
    ]
