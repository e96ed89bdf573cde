"""Every kind of column by its name in a layout.

A new kind is one class in a file of its own, and one line here. The files import nothing heavy at
their top: numpy and the like belong inside the functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from rerankbench.leaderboard.columns import (
    averages,
    ceilings,
    facts,
    quality,
    ratings,
    significance,
    speed,
    trust,
)
from rerankbench.leaderboard.columns.base import Column

KINDS: tuple[type[Column], ...] = (
    facts.ModelColumn,
    facts.FamilyColumn,
    facts.FirstStageColumn,
    quality.MetricColumn,
    quality.DeltaColumn,
    averages.AverageColumn,
    significance.RankColumn,
    significance.SignificanceColumn,
    significance.EffectColumn,
    speed.CostColumn,
    speed.RateColumn,
    speed.LatencyColumn,
    speed.SecondsColumn,
    facts.ParametersColumn,
    facts.FactColumn,
    facts.QueriesColumn,
    ceilings.CeilingColumn,
    ceilings.HeadroomColumn,
    ceilings.WorseColumn,
    trust.JudgedColumn,
    trust.TiesColumn,
    trust.TruncatedColumn,
    ratings.RatingColumn,
    ratings.RanksColumn,
    ratings.WinRateColumn,
    ratings.RecordColumn,
)
"""In the order in which their notes stand below a table."""
COLUMN_KINDS: Mapping[str, type[Column]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in KINDS
}
