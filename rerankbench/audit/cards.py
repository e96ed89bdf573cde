"""Reads a page about one model: labels with a value below each, one part a collection.

It reads agentset's pages: a part begins with the collection's name and a line such as
`ELO 149443.2% WR165W-217L-0T`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rerankbench.audit.cells import PrintedCell, read_cell

_RECORD = re.compile(
    r"ELO\s*(?P<digits>\d+\.\d+)%\s*WR\s*(?P<wins>\d+)W-(?P<losses>\d+)L-(?P<ties>\d+)T"
)
_OUTCOME = re.compile(r"(?P<label>Wins|Losses|Ties)\s*(?P<count>\d+)\s*\((?P<share>[\d.]+%)\)")
_RANK = re.compile(r"#(\d+)")
_OF = re.compile(r"of (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardValue:
    """The value below or beside a label."""

    line: int
    cell: PrintedCell

    @property
    def number(self) -> float:
        """The number; a value of a card always has one."""
        return self.cell.value


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPart:
    """One part of a card: the overview, or a collection."""

    name: str
    line: int
    values: Mapping[str, CardValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCard:
    """A page of one model; `ranks` has the line, the rank and the number of ranked models."""

    file: str
    title: str
    overview: CardPart
    parts: tuple[CardPart, ...]
    ranks: tuple[tuple[int, int, int], ...] = ()


def read_card(lines: Sequence[tuple[int, str]], file: str) -> PrintedCard | None:
    """The card in these lines; None if no part of them is about a collection."""
    shown = [(number, text.strip()) for number, text in lines]
    starts = [at for at, (_, text) in enumerate(shown) if at and _RECORD.fullmatch(text)]
    if not starts:
        return None
    ends = [*(at - 1 for at in starts[1:]), len(shown)]
    title = next((text for _, text in shown[:2] if not text.startswith("Back")), "")
    overview = shown[: starts[0] - 1]
    return PrintedCard(
        file=file,
        title=title,
        overview=CardPart(name="overview", line=shown[0][0], values=_values(overview)),
        parts=tuple(
            CardPart(
                name=shown[start - 1][1],
                line=shown[start - 1][0],
                values={**_record(*shown[start]), **_values(shown[start + 1 : end])},
            )
            for start, end in zip(starts, ends, strict=True)
        ),
        ranks=tuple(_ranks(overview)),
    )


def _values(lines: Sequence[tuple[int, str]]) -> dict[str, CardValue]:
    """Every label that is followed by a figure, and outcomes, which share a line."""
    values: dict[str, CardValue] = {}
    for (_, label), (line, text) in pairwise(lines):
        cell = read_cell(text)
        if cell.number is not None and read_cell(label).number is None and label[:1] != "#":
            values.setdefault(label, CardValue(line=line, cell=cell))
    for line, text in lines:
        outcome = _OUTCOME.fullmatch(text)
        if outcome:
            values[outcome["label"]] = CardValue(line=line, cell=read_cell(outcome["count"]))
            share = f"{outcome['label']} %"
            values[share] = CardValue(line=line, cell=read_cell(outcome["share"]))
    return values


def _record(line: int, text: str) -> dict[str, CardValue]:
    """Rating and win rate are printed without a space: 149443.2% is 1494 and 43.2 %."""
    match = _RECORD.fullmatch(text)
    assert match is not None  # Parts begin with such a line.
    wins, losses, ties = (int(match[name]) for name in ("wins", "losses", "ties"))
    rate = 100 * wins / max(1, wins + losses + ties)
    digits = match["digits"]
    point = digits.index(".")
    splits = [(digits[:at], digits[at:]) for at in range(max(1, point - 3), point)]
    rating, share = min(splits, key=lambda split: abs(float(split[1]) - rate))
    shown = {
        "ELO": rating,
        "Win Rate": f"{share}%",
        "Wins": match["wins"],
        "Losses": match["losses"],
        "Ties": match["ties"],
    }
    return {label: CardValue(line=line, cell=read_cell(value)) for label, value in shown.items()}


def _ranks(lines: Sequence[tuple[int, str]]) -> list[tuple[int, int, int]]:
    total = next((int(match[1]) for _, text in lines if (match := _OF.fullmatch(text))), None)
    if total is None:
        return []
    return [
        (line, int(match[1]), total) for line, text in lines if (match := _RANK.fullmatch(text))
    ]
