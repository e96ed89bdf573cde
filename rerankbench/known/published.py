"""Figures that others published, with their sources, for comparison with measured ones.

`published_figures/` has one file a source. Figures are stored as printed; blanks stay blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, NonNegativeFloat, StringConstraints

from rerankbench.files.explain import named_by, validated
from rerankbench.files.yaml_file import read_yaml

DOCS_PER_S = "docs_per_s"
UNBOUNDED = (DOCS_PER_S, "elo", "latency_s", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms")
"""The metrics that are not shares of 1; all others are stored between 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures were published; `date` is YYYY, YYYY-MM or YYYY-MM-DD, or None."""

    title: str
    authors: str
    url: str
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """One published figure and its setting; None and an empty text mean not stated.

    `value` is a share of 1 even where percents were printed, and `decimals` counts its digits.
    `collection` is the short name of a known collection, or the source's own name for another; a
    printed average has none, but `average_of`. `first_stage` is `bm25` or as printed. `doubt` says
    why a figure should not be believed as printed.
    """

    model: str
    metric: str
    value: float
    decimals: int
    source: Source
    table: str
    collection: str | None = None
    average_of: tuple[str, ...] = ()
    first_stage: str | None = None
    depth: int | None = None
    adds_positives: bool = False
    hardware: str = "not stated"
    note: str = ""
    doubt: str = ""


@cache
def published() -> tuple[PublishedFigure, ...]:
    """All figures, by file, table, row and column."""
    paths = sorted(Path(__file__).with_name("published_figures").iterdir())
    return tuple(figure for path in paths for figure in read(path))


def find(
    spellings: AbstractSet[str],
    collection: str,
    metric: str,
    *,
    first_stage: str | None = None,
    depth: int | None = None,
) -> list[PublishedFigure]:
    """The figures of a model on a collection, in the order of the files.

    `spellings` are the model's names in lower case; `collection` is a short name. Without first
    stage or depth, those of any are included.
    """
    return [
        figure
        for figure in published()
        if figure.model.casefold() in spellings
        and figure.collection == collection
        and figure.metric == metric
        and first_stage in (None, figure.first_stage)
        and depth in (None, figure.depth)
    ]


def speeds() -> list[tuple[PublishedFigure, ...]]:
    """Docs / Sec, by table."""
    tables: dict[tuple[Source, str], list[PublishedFigure]] = {}
    for figure in published():
        if figure.metric == DOCS_PER_S:
            tables.setdefault((figure.source, figure.table), []).append(figure)
    return [tuple(figures) for figures in tables.values()]


def read(path: Path) -> tuple[PublishedFigure, ...]:
    """The figures of one YAML file. Raises InputError, or ConfigError for mistakes."""
    page = validated(_Page, read_yaml(path), path)
    source = Source(title=page.title, authors=page.authors, url=page.url, date=page.date)
    return tuple(
        _figure(value, source, table.name, {**table.given, **row.given, **column.given})
        for table in page.tables
        for row in table.rows
        for column, value in zip(table.columns, row.values, strict=True)
        if value is not None
    )


def _figure(
    value: float, source: Source, table: str, settings: Mapping[str, Any]
) -> PublishedFigure:
    own = dict(settings)
    scale, decimals = own.pop("scale", 1), own.pop("decimals", 3)
    decimals += 2 if scale == 100 else 0
    share = round(value / scale, decimals)
    return PublishedFigure(**own, value=share, decimals=decimals, source=source, table=table)


class _Settings(BaseModel):
    """Settings of a table's figures, of a row or of a column; the most specific counts."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str = ""
    collection: str | None = None
    average_of: tuple[str, ...] = ()
    metric: str = ""
    first_stage: str | None = None
    depth: int | None = None
    adds_positives: bool = False
    hardware: str = ""
    note: str = ""
    doubt: str = ""
    decimals: int = 3
    scale: Literal[1, 100] = 1

    @property
    def given(self) -> Mapping[str, Any]:
        """The settings that are written in the file."""
        return self.model_dump(include=set(_Settings.model_fields), exclude_unset=True)


class _Row(_Settings):
    values: tuple[NonNegativeFloat | None, ...]


class _Table(_Settings):
    name: str
    columns: tuple[Annotated[_Settings, named_by("collection")], ...]
    rows: tuple[_Row, ...]


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    authors: str
    url: Annotated[str, StringConstraints(pattern="^https://")]
    date: Annotated[str, BeforeValidator(str)] | None = None  # YAML reads a year as a number.
    tables: tuple[_Table, ...]
