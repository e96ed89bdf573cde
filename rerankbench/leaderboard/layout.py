"""The form of a leaderboard: what a layout file may say. `docs/layouts.md` explains every key.

Strict: an unknown key, a wrong type or a column that could never be filled is a mistake.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from rerankbench.leaderboard.columns.base import Column, Decimals, Names, Strict, check_fields
from rerankbench.leaderboard.columns.kinds import FILLS
from rerankbench.leaderboard.columns.quality import AverageColumn, MeasuredColumn
from rerankbench.leaderboard.table import Align

TITLE_FIELDS = ("collection", "split", "first_stage", "depth", "metric", "sample")


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _named(value: Any) -> Any:
    """A model that is only a name."""
    return {"name": value} if isinstance(value, str) else value


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _title(text: str) -> str:
    return check_fields(text, TITLE_FIELDS)


TitleText: TypeAlias = Annotated[str, AfterValidator(_title)]
BlockName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
if TYPE_CHECKING:
    AnyColumn: TypeAlias = Column
else:
    AnyColumn = Annotated[reduce(or_, FILLS), Field(discriminator="kind")]


class TableForm(Strict):
    """One table: heading, Markdown before it, columns."""

    title: TitleText = ""
    heading_level: Annotated[int, Field(ge=1, le=6)] = 3
    preamble: str = ""
    blank_lines: Annotated[int, Field(ge=1, le=5)] = 1
    align: Align = "left"
    columns: Annotated[tuple[AnyColumn, ...], BeforeValidator(_tuple), Field(min_length=1)]
    average: bool = False

    def all_columns(self) -> tuple[Column, ...]:
        """With the average that `average: true` asks for."""
        return self.columns + ((AverageColumn(kind="average"),) if self.average else ())


class ListedModel(Strict):
    """A model in the order of the layout, its other names, and how the table calls it."""

    name: str
    also: Names = ()
    label: str | None = None


class Family(Strict):
    """Models under one group row."""

    title: str
    models: Annotated[
        tuple[Annotated[ListedModel, BeforeValidator(_named)], ...], BeforeValidator(_tuple)
    ]


class Layout(Strict):
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
    order: Literal["listed", "metric", "rating", "name"] = "metric"
    families: Annotated[tuple[Family, ...], BeforeValidator(_tuple)] = ()
    other: str | None = "Other"
    group_cells: Annotated[int, Field(ge=1)] | None = None
    decimals: Decimals = 3
    drop_empty: bool = False
    drop_empty_rows: bool = False
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


def _misplaced(column: Column, *, per_collection: bool) -> str | None:
    if not isinstance(column, MeasuredColumn):
        return None
    if per_collection and column.ways_named:
        return "with 'per_collection' every column shows the table's own collection; name none"
    fewest = 0 if column.joins_all else 1
    if not per_collection and not fewest <= column.ways_named <= 1:
        number = "at most" if column.joins_all else "exactly"
        return f"needs {number} one of 'collection', 'members' and 'every_collection: true'"
    return None
