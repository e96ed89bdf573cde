"""What all kinds of columns share: their keys in a layout, and what an entry may depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rerankbench.leaderboard.columns.findings import Findings
from rerankbench.leaderboard.rows import RowRecords, Selection
from rerankbench.leaderboard.table import Align, Entry
from rerankbench.results.figures import Better
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

if TYPE_CHECKING:
    # It imports numpy, which tables without games need not wait for.
    from rerankbench.compare.judged import StoredJudge

HEADER_FIELDS = ("metric", "collection", "count", "percentile", "depth")

_ColumnT = TypeVar("_ColumnT", bound="Column")


def check_fields(text: str, known: tuple[str, ...]) -> str:
    """Allow only plain `{field}`: more could reach into the objects that are filled in."""
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None and (name not in known or spec or conversion):
            fields = ", ".join(f"{{{field}}}" for field in known)
            raise ValueError(f"'{{{name}}}' cannot be filled in; known: {fields}")
    return text


def _header(text: str) -> str:
    return check_fields(text, HEADER_FIELDS)


def as_tuple(value: Any) -> Any:
    """Make YAML's lists tuples; pydantic refuses everything else."""
    return tuple(value) if isinstance(value, list) else value


def _one_or_many(value: Any) -> Any:
    """A lone name is a list of one; YAML's lists become tuples."""
    return (value,) if isinstance(value, str) else as_tuple(value)


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
HeaderText: TypeAlias = Annotated[str, AfterValidator(_header)]
HeaderTexts: TypeAlias = Annotated[tuple[HeaderText, ...], BeforeValidator(_one_or_many)]
Decimals: TypeAlias = Annotated[int, Field(ge=0, le=10)]


class Strict(BaseModel):
    """A frozen model: types are not converted, an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Column(Strict):
    """One column of a layout; every kind adds its `kind` and its own keys.

    `usual_header` is the head where the layout gives none; it may hold HEADER_FIELDS. `better` is
    None where no figure is better than another. Notes of kinds with a lower `notes_place` come
    first.
    """

    usual_header: ClassVar[str] = ""
    better: ClassVar[Better | None] = None
    spans: ClassVar[bool] = False
    notes_place: ClassVar[int] = 0

    kind: str
    header: HeaderText | None = None
    above: HeaderTexts = ()
    align: Align | None = None
    best: Literal["block", "table"] | None = None

    @model_validator(mode="after")
    def _can_be_best(self) -> Self:
        if self.best is not None and self.better is None:
            raise ValueError("best: no figure of this kind is better than another")
        return self

    @property
    def head(self) -> str:
        """The head before its fields are filled in."""
        return self.usual_header if self.header is None else self.header

    def head_fields(self, context: Context) -> dict[str, object]:
        """What HEADER_FIELDS stand for in the head of this column."""
        return {
            "metric": context.metric or "metric",
            "collection": context.collection,
            "count": 0,
            "percentile": "",
            "depth": context.depths,
        }

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The column's entry in a row; blank where a figure is missing."""
        raise NotImplementedError

    def explained(self, context: Context) -> str:
        """What its head stands for, where that is short for something; empty elsewhere."""
        return ""

    def facts(self, context: Context) -> Iterator[str]:
        """Plain remarks about the figures; several columns may yield the same line."""
        return iter(())

    def notes(self, context: Context) -> Iterator[str]:
        """Remarks that a reader must not miss; several columns may yield the same line."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What entries depend on beyond their own row.

    `columns` are those of the entry's table. `timed` gives, for every row, the records whose
    speed it shows: all of one machine and device. `judge` decides games in place of the metric.
    `columns` of notes are those of all tables. `incomplete` maps columns of a metric to the rows
    that lack a figure there.
    """

    archive: RecordSet
    metric: str | None
    decimals: int
    columns: Sequence[Column]
    selection: Selection
    timed: Mapping[str, Sequence[Record]]
    judge: StoredJudge | None = None
    incomplete: Mapping[Any, Sequence[str]] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    @property
    def collection(self) -> str:
        """The collection that all rows share; empty where there are several."""
        names = {record.cell.collection.name for record in self.selection.records()}
        return names.pop() if len(names) == 1 else ""

    @property
    def depths(self) -> str:
        """How many documents were reranked for each query: one number, or least to most."""
        depths = {record.cell.depth for record in self.selection.records()}
        return " to ".join(str(depth) for depth in sorted({min(depths), max(depths)}))

    def of(self, kind: type[_ColumnT]) -> list[_ColumnT]:
        return [column for column in self.columns if isinstance(column, kind)]
