"""The form of a leaderboard: what a layout file may say. `docs/layouts.md` explains every key.

Strict: an unknown key, a wrong type or a column that could never be filled is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rerankbench.leaderboard.table import Align

HEADER_FIELDS = ("metric", "collection", "count", "percentile")
TITLE_FIELDS = ("collection", "split", "first_stage", "depth", "metric", "sample")


def _one_or_many(value: Any) -> Any:
    """A lone name is a list of one; YAML's lists become tuples."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _named(value: Any) -> Any:
    """A model that is only a name."""
    return {"name": value} if isinstance(value, str) else value


def _check_fields(text: str, known: tuple[str, ...]) -> str:
    """Only plain `{field}`: anything more could reach into the objects that are filled in."""
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None and (name not in known or spec or conversion):
            fields = ", ".join(f"{{{field}}}" for field in known)
            raise ValueError(f"'{{{name}}}' cannot be filled in; known: {fields}")
    return text


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _header(text: str) -> str:
    return _check_fields(text, HEADER_FIELDS)


def _title(text: str) -> str:
    return _check_fields(text, TITLE_FIELDS)


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
HeaderText: TypeAlias = Annotated[str, AfterValidator(_header)]
TitleText: TypeAlias = Annotated[str, AfterValidator(_title)]
BlockName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Decimals: TypeAlias = Annotated[int, Field(ge=0, le=10)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Column(_Strict):
    header: HeaderText | None = None
    align: Align | None = None


class ModelColumn(_Column):
    """The name of the reranker."""

    kind: Literal["model"]


class _Measured(_Column):
    """A column filled from one collection, or from several as one."""

    collection: Names = ()
    members: Names = ()
    metric: str | None = None
    decimals: Decimals | None = None


class MetricColumn(_Measured):
    """The mean of a metric over all queries with judgments."""

    kind: Literal["metric"]
    every_collection: bool = False


class DeltaColumn(_Measured):
    """The metric less that of the first stage's own order."""

    kind: Literal["delta"]


class AverageColumn(_Column):
    """The mean over the table's metric columns; blank unless all of them are filled."""

    kind: Literal["average"]
    decimals: Decimals | None = None


class RateColumn(_Column):
    """Documents a second, offline scenario."""

    kind: Literal["docs_per_s"]
    decimals: Decimals | None = None
    range: bool = False


class LatencyColumn(_Column):
    """A percentile of the requests' latency, in milliseconds."""

    kind: Literal["latency"]
    percentile: Annotated[int, Field(ge=1, le=100)] = 50
    decimals: Decimals | None = None
    interval: bool = False


class CostColumn(_Column):
    """US dollars for reranking a thousand queries, by the price in the config."""

    kind: Literal["usd_per_1000_queries"]
    decimals: Decimals | None = None


class ParametersColumn(_Column):
    """How many weights the model has."""

    kind: Literal["parameters"]


class FactColumn(_Column):
    """A fact of the list of known models; blank for a model that is not in it."""

    kind: Literal["fact"]
    fact: Literal["licence", "released", "provider", "max_length", "price"]


class QueriesColumn(_Column):
    """How many queries count in the mean."""

    kind: Literal["queries"]


AnyColumn: TypeAlias = (
    ModelColumn
    | MetricColumn
    | DeltaColumn
    | AverageColumn
    | RateColumn
    | LatencyColumn
    | CostColumn
    | ParametersColumn
    | FactColumn
    | QueriesColumn
)
Column: TypeAlias = Annotated[AnyColumn, Field(discriminator="kind")]
COLUMN_KINDS: Mapping[str, type[_Column]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(AnyColumn)
}


class TableForm(_Strict):
    """One table: heading, Markdown before it, columns."""

    title: TitleText = ""
    heading_level: Annotated[int, Field(ge=1, le=6)] = 3
    preamble: str = ""
    blank_lines: Annotated[int, Field(ge=1, le=5)] = 1
    align: Align = "left"
    columns: Annotated[tuple[Column, ...], BeforeValidator(_tuple), Field(min_length=1)]
    average: bool = False


class ListedModel(_Strict):
    """A model in the order of the layout, its other names, and how the table calls it."""

    name: str
    also: Names = ()
    label: str | None = None


class Family(_Strict):
    """Models under one group row."""

    title: str
    models: Annotated[
        tuple[Annotated[ListedModel, BeforeValidator(_named)], ...], BeforeValidator(_tuple)
    ]


class Layout(_Strict):
    """A whole leaderboard: which records count, in which tables and order."""

    name: BlockName = "layout"
    metric: str | None = None
    first_stage: str | None = None
    depth: Annotated[int, Field(ge=1)] | None = None
    split: str | None = None
    device: str | None = None
    dtype: str | None = None
    machine: str | None = None
    per_collection: bool = False
    order: Literal["listed", "metric", "name"] = "metric"
    families: Annotated[tuple[Family, ...], BeforeValidator(_tuple)] = ()
    other: str | None = "Other"
    group_cells: Annotated[int, Field(ge=1)] | None = None
    decimals: Decimals = 3
    drop_empty: bool = False
    notes: Literal["all", "cautions", "none"] = "all"
    tables: Annotated[tuple[TableForm, ...], BeforeValidator(_tuple), Field(min_length=1)]

    @model_validator(mode="after")
    def _columns_can_be_filled(self) -> Layout:
        problems = [
            f"tables[{at}].title: only with 'per_collection' can it hold more than {{metric}}"
            for at, table in enumerate(self.tables)
            if not self.per_collection and _fields(table.title) - {"metric"}
        ]
        problems += [
            f"tables[{at}].columns[{number}]: {problem}"
            for at, table in enumerate(self.tables)
            for number, column in enumerate(table.columns)
            if (problem := _misplaced(column, per_collection=self.per_collection))
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _misplaced(column: AnyColumn, *, per_collection: bool) -> str | None:
    if not isinstance(column, MetricColumn | DeltaColumn):
        return None
    every = isinstance(column, MetricColumn) and column.every_collection
    named = bool(column.collection) + bool(column.members) + every
    if per_collection and named:
        return "with 'per_collection' every column shows the table's own collection; name none"
    if not per_collection and named != 1:
        return "needs exactly one of 'collection', 'members' and 'every_collection: true'"
    return None
