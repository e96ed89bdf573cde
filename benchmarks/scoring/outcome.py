"""What a run found: raw passes of every contender, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.common import Spread, ratios
from benchmarks.scoring.contenders import is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over all pairs; `foreign_load` is how many cores other processes kept busy."""

    wall_s: float
    cpu_s: float
    foreign_load: float | None
    peak_bytes: int | None


@dataclass(slots=True, kw_only=True)
class Row:
    """One contender; `failed` says why it has no (further) figures.

    `tuning_s` is batch size → seconds, over a small part of the pairs.
    """

    name: str
    dtype: str = ""
    settings: str = ""
    export_s: float = 0.0
    batch_size: int | None = None
    tuning_s: dict[str, float] = field(default_factory=dict)
    load_s: float = 0.0
    warmup_s: float = 0.0
    passes: list[Pass] = field(default_factory=list)
    same_scores_each_pass: bool = True
    ndcg: float | None = None
    tau: float | None = None
    failed: str | None = None

    @property
    def peak_bytes(self) -> int | None:
        """Most memory held since its process began."""
        return max((each.peak_bytes for each in self.passes if each.peak_bytes), default=None)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """A run as far as it has come; `limits` holds FLOP/s of each dtype, a round each."""

    model: str
    queries: int
    of_queries: int
    pairs: int
    tokens: int
    flops_per_pair: float
    threads: int
    reference: str | None = None
    rows: list[Row] = field(default_factory=list)
    limits: list[dict[str, float]] = field(default_factory=list)

    @property
    def ran(self) -> list[Row]:
        """Contenders with figures, fastest first."""
        rows = [row for row in self.rows if row.passes and row.failed is None]
        return sorted(rows, key=lambda row: -self.speed(row).median)

    @property
    def ours(self) -> list[Row]:
        """Those of `ran` that are rerankbench."""
        return [row for row in self.ran if is_ours(row.name)]

    @property
    def theirs(self) -> list[Row]:
        """Those of `ran` that are not."""
        return [row for row in self.ran if not is_ours(row.name)]

    @property
    def float32_ndcg(self) -> float | None:
        """nDCG@10 of the scores that the others are compared to."""
        return next((row.ndcg for row in self.rows if row.name == self.reference), None)

    def speed(self, row: Row) -> Spread:
        """Pairs a second, over the passes."""
        return Spread.of([self.pairs / each.wall_s for each in row.passes])

    def ratio(self, ours: Row, theirs: Row) -> Spread:
        """How many times as fast ours is, round by round."""
        rounds = min(len(ours.passes), len(theirs.passes))
        return ratios(
            [1 / each.wall_s for each in ours.passes[:rounds]],
            [1 / each.wall_s for each in theirs.passes[:rounds]],
        )

    def share(self, row: Row, limits: Mapping[str, float]) -> float | None:
        """Share of the machine's multiplication limit in that dtype; None without a limit."""
        limit = limits.get(row.dtype)
        return self.speed(row).median * self.flops_per_pair / limit if limit else None
