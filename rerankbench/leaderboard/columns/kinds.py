"""Every kind of column: its class, and the function that fills its squares.

A new kind is one class and one function in a file of its own, and one line here. The files import
nothing heavy at their top: numpy and the like belong inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from rerankbench.leaderboard.columns import (
    ceilings,
    facts,
    quality,
    ratings,
    significance,
    speed,
    trust,
)
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry

# `Any` is the class that the line names: a mapping cannot say so.
_Fill: TypeAlias = Callable[[Any, RowRecords, Context], Entry]
_Notes: TypeAlias = Callable[[Sequence[Any], Context], Iterator[str]]

FILLS: Mapping[type[Column], _Fill] = {
    facts.ModelColumn: facts.model,
    facts.FamilyColumn: facts.family,
    facts.FirstStageColumn: facts.first_stage,
    quality.MetricColumn: quality.metric,
    quality.DeltaColumn: quality.delta,
    quality.AverageColumn: quality.average,
    significance.RankColumn: significance.rank,
    significance.SignificanceColumn: significance.significance,
    significance.EffectColumn: significance.effect,
    speed.RateColumn: speed.docs_per_s,
    speed.LatencyColumn: speed.latency,
    speed.SecondsColumn: speed.seconds_per_query,
    speed.CostColumn: speed.cost,
    facts.ParametersColumn: facts.parameters,
    facts.FactColumn: facts.fact,
    facts.QueriesColumn: facts.queries,
    ceilings.CeilingColumn: ceilings.ceiling,
    ceilings.HeadroomColumn: ceilings.headroom,
    ceilings.WorseColumn: ceilings.worse,
    trust.JudgedColumn: trust.judged,
    trust.TiesColumn: trust.ties,
    trust.TruncatedColumn: trust.truncated,
    ratings.RatingColumn: ratings.rating,
    ratings.RanksColumn: ratings.ranks,
    ratings.WinRateColumn: ratings.win_rate,
    ratings.RecordColumn: ratings.record,
}
NOTES: Mapping[type[Column], _Notes] = {
    ceilings.CeilingColumn: ceilings.ceiling_notes,
    ceilings.HeadroomColumn: ceilings.headroom_notes,
    ceilings.WorseColumn: ceilings.worse_notes,
    trust.JudgedColumn: trust.judged_notes,
    trust.TiesColumn: trust.ties_notes,
    trust.TruncatedColumn: trust.truncated_notes,
}
"""Lines below the table for kinds that need some: (all columns of that kind, context) → lines."""

COLUMN_KINDS: Mapping[str, type[Column]] = {
    get_args(form.model_fields["kind"].annotation)[0]: form for form in FILLS
}
