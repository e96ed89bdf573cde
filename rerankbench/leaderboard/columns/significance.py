"""Columns of significance: rank range, p, effect size; and what to say below a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.quality import (
    DeltaColumn,
    MeasuredColumn,
    MetricColumn,
    shown,
)
from rerankbench.leaderboard.columns.tested import all_found, standing
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry


class RankColumn(MeasuredColumn):
    """The best and the worst place that the tests of all pairs leave a system."""

    usual_header = "Rank"

    kind: Literal["rank"]


class SignificanceColumn(MeasuredColumn):
    """P of the difference to the first stage's own order, after Holm."""

    usual_header = "p"

    kind: Literal["significance"]


class EffectColumn(MeasuredColumn):
    """That difference in standard deviations of the queries' differences."""

    usual_header = "d"

    kind: Literal["effect"]


def rank(column: RankColumn, line: RowRecords, context: Context) -> Entry:
    """Blank for what is not tested: oracle and random."""
    found = standing(shown(column, line), column.metric or context.metric, context)
    if found is None or found.ranks is None:
        return Entry()
    return Entry(value=found.ranks[0], form="between", span=found.ranks)


def significance(column: SignificanceColumn, line: RowRecords, context: Context) -> Entry:
    """Blank for the first stage and what is not tested, and without a first stage."""
    found = standing(shown(column, line), column.metric or context.metric, context)
    if found is None or found.against is None:
        return Entry()
    decimals = 3 if column.decimals is None else column.decimals
    return Entry(value=found.against.holm_p, form="probability", decimals=decimals)


def effect(column: EffectColumn, line: RowRecords, context: Context) -> Entry:
    """Blank where there is no p, and where all queries differ by the same."""
    found = standing(shown(column, line), column.metric or context.metric, context)
    if found is None or found.against is None:
        return Entry()
    decimals = 2 if column.decimals is None else column.decimals
    return Entry(value=found.against.effect, form="signed", decimals=decimals)


def notes(columns: Sequence[Column], context: Context) -> Iterator[str]:
    """How the letters, ranks, intervals and p of these columns came about."""
    found = list(all_found(context).values())
    if not found:
        return
    if any(isinstance(one, MetricColumn | DeltaColumn) and one.interval for one in columns):
        resamples = _spread([one.resamples for one in found])
        yield f"In parentheses: 95 % bootstrap intervals, {resamples} resamples of the queries."
    compared = [one for one in found if one.pairs]
    tests = [one.tests for one in compared if one.tests]
    if tests and any(isinstance(one, SignificanceColumn | EffectColumn) for one in columns):
        yield (
            f"p: paired randomisation test against the first stage's own order{_holm(tests)}; "
            "d: mean difference in its standard deviations."
        )
    tiers = any(isinstance(one, MetricColumn) and one.tiers for one in columns)
    ranks = any(isinstance(one, RankColumn) for one in columns)
    if compared and (tiers or ranks):
        what = "Letters and ranks" if tiers and ranks else "Letters" if tiers else "Ranks"
        yield (
            f"{what}: paired randomisation tests of all pairs"
            f"{_holm([one.pairs for one in compared])}"
            f"{'; sharing a letter means not told apart at 5 %' if tiers else ''}."
        )
    if compared:
        permutations = _spread([one.permutations for one in compared])
        yield f"Tests are two-sided, {permutations} permutations, seed {compared[0].seed}."


def _holm(tests: Sequence[int]) -> str:
    """Over how many tests of a collection p is adjusted; one alone needs no adjusting."""
    return f", Holm over {_spread(tests)} tests" if max(tests) > 1 else ""


def _spread(numbers: Sequence[int]) -> str:
    """The number, or the least and the greatest."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
