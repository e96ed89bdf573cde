"""Columns of significance: rank range, p, effect size."""

from __future__ import annotations

from typing import Literal

from rerankbench.leaderboard.columns.base import Context
from rerankbench.leaderboard.columns.quality import MeasuredColumn
from rerankbench.leaderboard.columns.tested import TestResult
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry


class RankColumn(MeasuredColumn):
    """The best and the worst rank that the tests of all pairs leave possible."""

    usual_header = "Rank"

    kind: Literal["rank"]

    @property
    def tests_shown(self) -> frozenset[TestResult]:
        return frozenset({"ranks"})

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """Blank for rows that are not tested: oracle and random."""
        tested = self.tested(row, context)
        if tested is None or tested.ranks is None:
            return Entry()
        return Entry(value=tested.ranks[0], form="between", span=tested.ranks)


class _AgainstFirstStage(MeasuredColumn):
    """Blank for the first stage, for untested rows, and where there is no first stage."""

    @property
    def tests_shown(self) -> frozenset[TestResult]:
        return frozenset({"p"})


class SignificanceColumn(_AgainstFirstStage):
    """P of the difference to the first stage's own order, after Holm's correction."""

    usual_header = "p"

    kind: Literal["significance"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        tested = self.tested(row, context)
        if tested is None or tested.against is None:
            return Entry()
        decimals = 3 if self.decimals is None else self.decimals
        return Entry(value=tested.against.holm_p, form="probability", decimals=decimals)


class EffectColumn(_AgainstFirstStage):
    """The same difference in standard deviations of the differences per query."""

    usual_header = "d"

    kind: Literal["effect"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """Blank where there is no p, and where all queries differ by the same amount."""
        tested = self.tested(row, context)
        if tested is None or tested.against is None:
            return Entry()
        decimals = 2 if self.decimals is None else self.decimals
        return Entry(value=tested.against.effect, form="signed", decimals=decimals)
