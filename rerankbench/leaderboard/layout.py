"""The form of a leaderboard: what a layout file may say. `docs/layouts.md` explains every key.

Strict: an unknown key, a wrong type or a column that could never be filled is an error.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from rerankbench.errors import nearest
from rerankbench.files import plain_names
from rerankbench.files.explain import named_by
from rerankbench.leaderboard.columns.averages import AverageColumn
from rerankbench.leaderboard.columns.base import (
    Column,
    Decimals,
    Names,
    Strict,
    as_tuple,
    check_fields,
)
from rerankbench.leaderboard.columns.facts import FamilyColumn, FirstStageColumn
from rerankbench.leaderboard.columns.kinds import KINDS
from rerankbench.leaderboard.columns.quality import MeasuredColumn, MetricColumn
from rerankbench.leaderboard.columns.ratings import cannot_be_judged
from rerankbench.leaderboard.table import Align

_SHARED_FIELDS = ("metric", "decided_by", "collections")
TITLE_FIELDS = ("collection", "split", "first_stage", "depth", *_SHARED_FIELDS, "sample")


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _title(text: str) -> str:
    return check_fields(text, TITLE_FIELDS)


TitleText: TypeAlias = Annotated[str, AfterValidator(_title)]
Notes: TypeAlias = Literal["brief", "all", "cautions", "none"]
NOTES: tuple[str, ...] = get_args(Notes)
BlockName: TypeAlias = Annotated[str, StringConstraints(pattern=plain_names.FORM)]
if TYPE_CHECKING:
    AnyColumn: TypeAlias = Column
else:
    AnyColumn = Annotated[reduce(or_, KINDS), Field(discriminator="kind")]


class TableForm(Strict):
    """One table: heading, Markdown before it, columns."""

    title: TitleText = ""
    heading_level: Annotated[int, Field(ge=1, le=6)] = 3
    preamble: str = ""
    blank_lines: Annotated[int, Field(ge=1, le=5)] = 1
    align: Align = "left"
    columns: Annotated[tuple[AnyColumn, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    average: bool = False
    fewest_collections: Annotated[int, Field(ge=2)] | None = None


class LayoutName(Strict):
    """A name that the layout lists, its other names, and how the table prints it."""

    name: str
    also: Names = ()
    label: str | None = None


class ListedModel(LayoutName):
    """A model; those of one's `own` are highlighted."""

    link: str | None = None
    own: bool = False


class Family(Strict):
    """Models under one group row."""

    title: str
    models: Annotated[
        tuple[Annotated[ListedModel, named_by("name")], ...], BeforeValidator(as_tuple)
    ]


class FirstStages(Strict):
    """First stages under one group row."""

    title: str = ""
    names: Annotated[
        tuple[Annotated[LayoutName, named_by("name")], ...], BeforeValidator(as_tuple)
    ]


class Layout(Strict):
    """A whole leaderboard: which records count, in which tables and in which order."""

    name: BlockName = "layout"
    metric: str | None = None
    judge: Annotated[str, Field(min_length=1)] | None = None
    first_stage: str | None = None
    depth: Annotated[int, Field(ge=1)] | None = None
    split: str | None = None
    device: str | None = None
    dtype: str | None = None
    machine: str | None = None
    baseline: str | None = None
    per_collection: bool = False
    per_candidates: bool = False
    order: Literal["listed", "metric", "rating", "name"] = "metric"
    families: Annotated[tuple[Family, ...], BeforeValidator(as_tuple)] = ()
    first_stages: Annotated[tuple[FirstStages, ...], BeforeValidator(as_tuple)] = ()
    other: str | None = "Other"
    group_cells: Annotated[int, Field(ge=1)] | None = None
    decimals: Decimals = 3
    drop_empty: bool = False
    drop_empty_rows: bool = False
    notes: Notes = "brief"
    tables: Annotated[tuple[TableForm, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    def columns_of(self, table: TableForm) -> tuple[Column, ...]:
        """The table's columns with their default first stage, and the average column if any."""
        usual = (self.first_stage,) if self.first_stage is not None else ()
        columns = tuple(
            column.model_copy(update={"first_stage": column.first_stage or usual})
            if isinstance(column, MeasuredColumn)
            else column
            for column in table.columns
        )
        return columns + ((AverageColumn(kind="average"),) if table.average else ())

    @property
    def _title_fields(self) -> set[str]:
        """What titles may name where a table shows several collections."""
        shared = {*_SHARED_FIELDS}
        return shared | {"first_stage", "depth", "sample"} if self.per_candidates else shared

    @property
    def measured(self) -> list[MeasuredColumn]:
        columns = [column for table in self.tables for column in self.columns_of(table)]
        return [column for column in columns if isinstance(column, MeasuredColumn)]

    def has(self, kind: type[Column]) -> bool:
        return any(isinstance(column, kind) for table in self.tables for column in table.columns)

    @property
    def tells_first_stages_apart(self) -> bool:
        """Whether a column, or each row by itself, may show a first stage of its own."""
        named = (column.first_stage for table in self.tables for column in _measured(table))
        return self.has(FirstStageColumn) or any(named)

    @property
    def tells_positives_apart(self) -> bool:
        """Whether a column shows candidates with the missed positives added."""
        return any(column.adds_positives for column in self.measured)

    @property
    def not_judged(self) -> str | None:
        """Why no judge can decide the games of this layout; None if one can."""
        return cannot_be_judged(column for table in self.tables for column in table.columns)

    @model_validator(mode="after")
    def _columns_can_be_filled(self) -> Self:
        problems = [
            f"tables[{at}].title: {{{unknown[0]}}} needs 'per_collection: true'"
            for at, table in enumerate(self.tables)
            if not self.per_collection
            and (unknown := sorted(_fields(table.title) - self._title_fields))
        ]
        problems += [
            f"tables[{at}].columns[{number}]: {problem}"
            for at, table in enumerate(self.tables)
            for number, column in enumerate(table.columns)
            if (problem := _misplaced(column, table, per_collection=self.per_collection))
        ]
        if self.judge is not None and (problem := self.not_judged):
            problems.append(f"judge: {problem}")
        if self.first_stages and not self.has(FirstStageColumn):
            problems.append("first_stages: needs a column of the kind 'first_stage'")
        if self.has(FirstStageColumn) and self.has(FamilyColumn):
            problems.append(
                "tables: rows are grouped by one column only, 'family' or 'first_stage'"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _measured(table: TableForm) -> list[MeasuredColumn]:
    return [column for column in table.columns if isinstance(column, MeasuredColumn)]


def _misplaced(column: Column, table: TableForm, *, per_collection: bool) -> str | None:
    if isinstance(column, AverageColumn):
        metrics = [column for column in _measured(table) if isinstance(column, MetricColumn)]
        heads = sorted({head for column in metrics for head in column.heads})
        unknown = [name for name in column.over if name not in heads]
        hint = nearest(unknown[0], heads) if unknown else ""
        return f"over: no metric column has the head '{unknown[0]}'; {hint}" if unknown else None
    if not isinstance(column, MeasuredColumn):
        return None
    if per_collection and column.ways_named:
        return "with 'per_collection' every column shows the table's own collection; name none"
    fewest = 0 if column.joins_all else 1
    if not per_collection and not fewest <= column.ways_named <= 1:
        number = "at most" if column.joins_all else "exactly"
        return f"needs {number} one of 'collection', 'members' and 'every_collection: true'"
    return None
