"""Every figure of a record: its name, unit, form and meaning, and how to get it.

JSON (`leaderboard --format json`), data frames (`load_results`), columns of tables and plots, and
the pages that describe them, take their figures from here. A new one is one line in this table;
names are only ever added. A test holds docs/interface.md and docs/python.md to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from rerankbench.results import derived
from rerankbench.results.numbers import Form, number_text
from rerankbench.types import Record

Better: TypeAlias = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `get` returns None if it was not measured or does not apply.

    `name` is the key in JSON and the column of the data frame. A figure that is one of several in
    JSON stands there `within` another key, under a short one; some stand in JSON `only`, or in the
    frame. `dtype` is that of the frame's
    column where pandas could not tell: whole numbers or others, some of which may be missing.
    `head` is what tables and plots call it.
    """

    name: str
    get: Callable[[Record], object]
    meaning: str
    unit: str = ""
    head: str = ""
    form: Form = "text"
    decimals: int = 0
    better: Better | None = None
    dtype: Literal["Int64", "float64"] | None = None
    within: tuple[str, str] | None = None
    only: Literal["json", "frame"] | None = None

    def number(self, record: Record) -> float | None:
        """The value for a record; None unless it is a number."""
        value = self.get(record)
        return value if isinstance(value, int | float) else None

    def show(self, value: float) -> str:
        """The number with the digits that every output gives it."""
        return number_text(value, self.form, self.decimals)

    def say(self, value: float) -> str:
        """The same with its unit: `78 docs/s`."""
        return f"{self.show(value)} {self.unit}"


def _latency(percentile: int) -> Figure:
    return Figure(
        name=f"latency_p{percentile}_ms",
        get=partial(derived.latency_ms, p=percentile),
        meaning="of single requests (one query and its documents), nearest rank",
        unit="ms",
        head=f"P{percentile} ms",
        form="latency",
        better="lower",
        dtype="float64",
        within=("latency_ms", f"p{percentile}"),
    )


HEAD = (
    Figure(name="suite", get=lambda r: r.suite, meaning="name of the suite"),
    Figure(name="collection", get=lambda r: r.cell.collection.name, meaning="name"),
    Figure(name="split", get=lambda r: r.cell.collection.split, meaning="name"),
    Figure(name="first_stage", get=lambda r: r.cell.first_stage.name, meaning="name"),
    Figure(
        name="depth",
        get=lambda r: r.cell.depth,
        meaning="how many documents of a query were reranked",
    ),
    Figure(name="reranker", get=lambda r: r.cell.reranker.name, meaning="name"),
)
"""Figures that identify a record."""
CELL = (
    *HEAD,
    Figure(
        name="adds_positives",
        get=lambda r: r.cell.adds_positives,
        meaning="whether missed relevant documents were added to the candidates",
        only="frame",
    ),
    Figure(
        name="quality_key",
        get=lambda r: r.quality_key,
        meaning="what decides the ranking",
        only="frame",
    ),
    Figure(
        name="speed_key",
        get=lambda r: r.speed_key,
        meaning="what else decides the speed; together both keys name the record",
        only="frame",
    ),
)
"""The same, with the keys of the record's file."""
DOCS_PER_S = Figure(
    name="docs_per_s",
    get=derived.docs_per_s,
    meaning="documents a second, median of the timed passes",
    unit="docs/s",
    head="Docs/s",
    form="rate",
    better="higher",
    dtype="float64",
)
PARAMETERS = Figure(
    name="parameters",
    get=lambda r: r.cell.reranker.parameters,
    meaning="numbers in the weights; none for `bm25`, `oracle`, `random`",
    head="Params",
    form="magnitude",
    better="lower",
    dtype="Int64",
)
QUERIES = Figure(
    name="queries",
    get=derived.query_count,
    meaning="judged queries, all of which count in the means",
    head="Queries",
    form="fixed",
)
USD_PER_1000_QUERIES = Figure(
    name="usd_per_1000_queries",
    get=derived.usd_per_1000_queries,
    meaning="from the config's price and what was measured; none without a price in USD",
    unit="USD",
    head="$/1k",
    form="fixed",
    decimals=3,
    better="lower",
    dtype="float64",
)
CANDIDATES = (
    Figure(
        name="candidates_least",
        get=lambda r: None if r.candidates is None else r.candidates.least,
        meaning="the fewest candidates that a query had, which may be less than `depth`",
        unit="documents",
        dtype="Int64",
        within=("candidates", "least"),
    ),
    Figure(
        name="candidates_median",
        get=lambda r: None if r.candidates is None else r.candidates.median,
        meaning="the median over all queries; none in records from before candidates were counted",
        unit="documents",
        dtype="float64",
        within=("candidates", "median"),
    ),
    Figure(
        name="candidates_most",
        get=lambda r: None if r.candidates is None else r.candidates.most,
        meaning="the most candidates that a query had",
        unit="documents",
        dtype="Int64",
        within=("candidates", "most"),
    ),
)
"""How many documents there were to rerank, query by query."""
LATENCIES_MS = {percentile: _latency(percentile) for percentile in (50, 90, 95, 99)}
"""By percentile."""
FIGURES = (
    *CELL,
    Figure(
        name="family",
        get=lambda r: r.cell.reranker.family,
        meaning="`sequence-classification`, `bi-encoder`, …; `baseline` is no model, `imported` "
        "was not run here",
        only="frame",
    ),
    Figure(
        name="revision",
        get=lambda r: r.cell.reranker.revision,
        meaning="commit, or hash of the model's files",
        only="frame",
    ),
    PARAMETERS,
    Figure(
        name="dtype",
        get=lambda r: r.cell.reranker.dtype,
        meaning="numbers computed in",
        only="frame",
    ),
    Figure(
        name="max_length",
        get=lambda r: r.cell.reranker.max_length,
        meaning="query and document together",
        unit="tokens",
        dtype="Int64",
        only="frame",
    ),
    Figure(
        name="engine", get=lambda r: r.cell.engine.engine, meaning="what computed", only="frame"
    ),
    Figure(
        name="device",
        get=lambda r: r.cell.engine.device,
        meaning="where it computed",
        only="frame",
    ),
    QUERIES,
    *CANDIDATES,
    Figure(
        name="sampled_queries",
        get=lambda r: r.cell.collection.sampled_queries,
        meaning="how many were drawn, where only a sample ran",
        dtype="Int64",
        only="frame",
    ),
    Figure(
        name="queries_without_results",
        get=lambda r: r.queries_without_results,
        meaning="those that score 0 because nothing was ranked for them",
        only="frame",
    ),
    Figure(
        name="metrics",
        get=lambda r: {metric: r.mean(metric) for metric in r.per_query},
        meaning="means by metric: what was asked for, and nDCG@10, nDCG@5, MAP, MRR@10, Recall@5, "
        "Recall@10, Recall@100, P@10 (as `MAP(rel=2)` … where grade 2 is the least relevant one)",
        only="json",
    ),
    DOCS_PER_S,
    *LATENCIES_MS.values(),
    Figure(
        name="failed_attempts",
        get=lambda r: len(r.measurements.failed_attempts_s),
        meaning="attempts in which a service failed while speed was measured; their time is in no "
        "other number",
    ),
    USD_PER_1000_QUERIES,
    Figure(
        name="machine_id",
        get=lambda r: r.environment.machine_id,
        meaning="speeds compare only where it and `device` are equal",
    ),
    Figure(name="started_at", get=lambda r: r.started_at, meaning="UTC, ISO 8601"),
    Figure(
        name="warnings",
        get=lambda r: r.warnings,
        meaning="what a reader of the numbers should know",
    ),
)


def flat(record: Record, figures: Iterable[Figure] = FIGURES) -> dict[str, object]:
    """Name → value, as a row of a data frame."""
    return {figure.name: figure.get(record) for figure in figures if figure.only != "json"}


def summary(record: Record) -> dict[str, object]:
    """One record's figures under the keys of the JSON format."""
    values: dict[str, object] = {}
    groups: dict[str, dict[str, object]] = {}
    for figure in FIGURES:
        if figure.only == "frame":
            continue
        if figure.within is None:
            values[figure.name] = figure.get(record)
        else:
            outer, inner = figure.within
            values[outer] = groups.setdefault(outer, {})
            groups[outer][inner] = figure.get(record)
    return values
