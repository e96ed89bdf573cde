"""Scores as metrics see them: pytrec_eval holds them in 32 bits, so what differs by less ties.

Every order, cut and count of ties goes by these values, so that they agree with the figures.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable


def rounded(scores: Iterable[float]) -> list[float]:
    """Each score as the nearest float32; beyond its range as an infinity."""
    return array("f", scores).tolist()
