"""What every kind of column shares: the keys of a layout, and what squares may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rerankbench.archive import Archive
from rerankbench.leaderboard.lines import Selection
from rerankbench.leaderboard.table import Align
from rerankbench.types import Record

HEADER_FIELDS = ("metric", "collection", "count", "percentile")

_T = TypeVar("_T")


def check_fields(text: str, known: tuple[str, ...]) -> str:
    """Only plain `{field}`: anything more could reach into the objects that are filled in."""
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None and (name not in known or spec or conversion):
            fields = ", ".join(f"{{{field}}}" for field in known)
            raise ValueError(f"'{{{name}}}' cannot be filled in; known: {fields}")
    return text


def _header(text: str) -> str:
    return check_fields(text, HEADER_FIELDS)


def _one_or_many(value: Any) -> Any:
    """A lone name is a list of one; YAML's lists become tuples."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
HeaderText: TypeAlias = Annotated[str, AfterValidator(_header)]
Decimals: TypeAlias = Annotated[int, Field(ge=0, le=10)]


class Strict(BaseModel):
    """Frozen, no type is bent, an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Column(Strict):
    """One column of a layout; every kind adds its `kind` and its own keys.

    `usual_header` is the head where the layout gives none; it may hold HEADER_FIELDS.
    """

    usual_header: ClassVar[str] = ""

    kind: str
    header: HeaderText | None = None
    align: Align | None = None

    @property
    def head(self) -> str:
        """The head before its fields are filled in."""
        return self.usual_header if self.header is None else self.header

    def head_fields(self, context: Context) -> dict[str, object]:
        """What HEADER_FIELDS stand for in the head of this column."""
        return {
            "metric": context.metric or "metric",
            "collection": "",
            "count": 0,
            "percentile": "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What squares need to know beyond their own row.

    `columns` are those of the square's table. `timed` gives, for every row, the records whose
    speed it shows: all of one machine and device.
    """

    archive: Archive
    metric: str | None
    decimals: int
    columns: Sequence[Column]
    selection: Selection
    timed: Mapping[str, Sequence[Record]]
    found: dict[object, object] = field(default_factory=dict)

    def once(self, key: object, find: Callable[[], _T]) -> _T:
        """What `find` returns, computed once for all squares that ask under the same key.

        For what needs every row: significance, ratings. The key names the column's kind and keys.
        """
        if key not in self.found:
            self.found[key] = find()
        return cast(_T, self.found[key])
