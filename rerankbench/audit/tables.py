"""A printed table as its readers see it: named rows and columns, cells with what they hold.

Nothing is corrected here. Columns are told apart by their heading and by what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["text", "average", "speed", "rank", "quality", "other"]

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_RAISED = re.compile(r"<sup>.*?</sup>", re.I)
_TAG = re.compile(r"<(?=[a-z/!])[^>]*>", re.I)
_BOLD = re.compile(r"<(b|strong)>|\*\*|(?<!\w)__|\\textbf", re.I)
_EMPHASIS = re.compile(r"<(b|strong|i|em)>|(?<!\\)[*]|(?<![\w\\])_|\\text(bf|it)", re.I)
_MARKUP = re.compile(r"\\([\\`*\[\]|~$_])|\*+|`|(?<!\w)_+|_+(?!\w)")
_NUMBER = re.compile(
    r"(?P<currency>[$€£]?)\s*(?P<number>[+−–-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)"
    r"\s*(?P<unit>%|ms|s|[KMBT])?"
    # What leaderboards put behind a figure: an interval, a letter of significance, a footnote.
    r"\s*(?:\(.*\)|\[.*\]|±.*|[*†‡§¶]+|[ᵃ-ᶻ]+|[a-j]{1,4})?"
)
_SPEED = re.compile(
    r"docs?\s*/\s*s|pairs\s*/\s*s|tokens\s*/\s*s|/\s*sec|latenc|throughput|\bqps\b|speed|runtime"
    r"|\bp(50|75|90|95|99)\b|(?-i:\bms\b)|\bseconds?\b|\btimes?\b",
    re.I,
)
_AVERAGE = re.compile(r"\b(avg|average|averaged|mean)\b", re.I)
_RANK = re.compile(r"rank|#|place|no\.?|position", re.I)
_OTHER = re.compile(
    r"Δ|delta|\bdiff|\bgain|change|\bp[- ]?value|param|\bsize\b|quer(y|ies)|documents|\bdepth\b"
    r"|length|released|\byear\b|\bdate\b|price|cost|\$|€|\belo\b|rating|\bwins?\b|\bloss"
    r"|\bties?\b|\bwin rate\b|\bdim|truncat|\bworse\b|headroom|licen[cs]e|\bversion\b|memory",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one cell shows: its text without markup, and its number where it has one.

    `decimals` are the digits printed behind the point; `unit` is %, ms, s, K, M, B, T or a
    currency's sign. `emphasised` is bold or italic.
    """

    text: str = ""
    number: float | None = None
    decimals: int = 0
    unit: str = ""
    bold: bool = False
    emphasised: bool = False

    @property
    def half_unit(self) -> float:
        """How far rounding can have moved the number."""
        return 0.5 * 10.0**-self.decimals


BLANK = Cell()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its headings from the outermost to its own, and what it holds."""

    headings: tuple[str, ...]
    kind: Kind

    @property
    def name(self) -> str:
        """All headings in a row."""
        return " ".join(dict.fromkeys(each for each in self.headings if each))

    @property
    def group(self) -> tuple[str, ...]:
        """The headings above its own."""
        return self.headings[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of figures; `block` names the rows it stands with, `name` says which it is."""

    line: int
    block: str
    name: str
    cells: tuple[Cell, ...]

    @property
    def full_name(self) -> str:
        """Block and name."""
        return " / ".join(each for each in (self.block, self.name) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a file; `line` is that of its heading, from 1."""

    file: str
    line: int
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def of_kind(self, *kinds: Kind) -> list[int]:
        """The places of the columns of these kinds."""
        return [at for at, column in enumerate(self.columns) if column.kind in kinds]

    def blocks(self) -> list[list[Row]]:
        """The rows that stand together, in order."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.block, []).append(row)
        return list(found.values())


def read_cell(raw: str) -> Cell:
    """A cell without its markup; what is raised (significance, footnotes) is left out."""
    shown = _TAG.sub("", _LINK.sub(r"\1", _RAISED.sub("", raw)))
    text = " ".join(_MARKUP.sub(r"\1", shown).split())
    bold, emphasised = bool(_BOLD.search(raw)), bool(_EMPHASIS.search(raw))
    match = _NUMBER.fullmatch(text)
    digits = (
        re.sub(r"[,+]", "", match["number"]).replace("−", "-").replace("–", "-") if match else ""
    )
    if match is None or not digits.strip("-"):
        return Cell(text=text, bold=bold, emphasised=emphasised)
    return Cell(
        text=text,
        number=float(digits),
        decimals=len(digits.partition(".")[2]),
        unit=match["unit"] or match["currency"],
        bold=bold,
        emphasised=emphasised,
    )


def kind_of(headings: Sequence[str], cells: Sequence[Cell]) -> Kind:
    """What a column holds: first by its heading, then by its numbers."""
    filled = [cell for cell in cells if cell.text]
    numbers = [cell for cell in filled if cell.number is not None]
    if not numbers or 2 * len(numbers) < len(filled):
        return "text"
    name, own = " ".join(headings), headings[-1]
    if _RANK.fullmatch(own.strip()):
        return "rank"
    if _SPEED.search(name) or any(cell.unit in ("ms", "s") for cell in numbers):
        return "speed"
    if _OTHER.search(name) or any(cell.unit not in ("", "%") for cell in numbers):
        return "other"
    if not _is_share(numbers):
        return "other"
    return "average" if _AVERAGE.search(name) else "quality"


def _is_share(numbers: Sequence[Cell]) -> bool:
    """Whether they can be shares of 1 or of 100: none is negative, and not all are whole."""
    values = [cell.number for cell in numbers if cell.number is not None]
    return min(values) >= 0 and max(values) <= 100 and any(cell.decimals for cell in numbers)


def same_name(text: str) -> frozenset[str]:
    """The words of a name, to tell whether two tables mean the same by it."""
    words = re.sub(r"[^\w@/%]+", " ", text.lower()).split()
    return frozenset(word for word in words if not _AVERAGE.fullmatch(word))
