"""Files → the tables and cards in them: Markdown, tabs, CSV, HTML, and pages of labels and values.

What a file holds is found by its lines, not by its name, except for CSV and HTML.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rerankbench.audit.cards import Card, read_card
from rerankbench.audit.grids import RawRow, to_tables
from rerankbench.audit.html_tables import html_tables
from rerankbench.audit.tables import Table, read_cell
from rerankbench.errors import InputError
from rerankbench.files import read_lines

_HTML = (".html", ".htm")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_CAPTION = re.compile(r"\W*(Table\s+\w+)\b")
_FENCE = re.compile(r"\s*(```|~~~)")
_CAPTION_WITHIN = 2

Line = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one file holds; a page of one model is a card."""

    file: str
    tables: tuple[Table, ...]
    card: Card | None = None


def read_document(path: Path) -> Document:
    """All tables of a file and its card. Raises InputError where there is neither."""
    lines = list(read_lines(path))
    file = str(path)
    if path.suffix.lower() == ".csv":
        tables = _csv(lines, file)
    elif path.suffix.lower() in _HTML:
        tables = html_tables(lines, file)
    else:
        tables = [*_pipes(lines, file), *_tabs(lines, file)]
    card = None if tables else read_card(lines, file)
    if not tables and card is None:
        raise InputError(
            file,
            "holds no table with figures",
            remedy="give Markdown, tabs, CSV or HTML with a row of headings above the figures",
        )
    return Document(file=file, tables=tuple(sorted(tables, key=lambda t: t.line)), card=card)


def _runs(lines: Sequence[Line], inside: Sequence[bool]) -> Iterator[list[Line]]:
    """Neighbouring lines of the file for which `inside` holds."""
    marked = [(*line, held) for line, held in zip(lines, inside, strict=True)]
    # Blank lines were left out: line number less place changes where one was.
    at = {number: number - place for place, (number, _) in enumerate(lines)}
    for (held, _), run in groupby(marked, key=lambda one: (one[2], at[one[0]])):
        if held:
            yield [(number, text) for number, text, _ in run]


def _pipes(lines: Sequence[Line], file: str) -> list[Table]:
    """Tables of GitHub-flavoured Markdown: a rule below the headings; none in fenced code."""
    fenced, inside = False, []
    for _, text in lines:
        fence = _FENCE.match(text) is not None
        fenced = fenced != fence
        inside.append(not fenced and not fence and "|" in text)
    found: list[Table] = []
    for run in _runs(lines, inside):
        rule = next((at for at, (_, text) in enumerate(run) if at and _RULE.fullmatch(text)), None)
        if rule is None or "-" not in run[rule][1]:
            continue
        kept = [run[rule - 1], *run[rule + 1 :]]
        raw = [RawRow(line=number, cells=_split(text)) for number, text in kept]
        title = _title(lines, run[0][0], run[-1][0])
        found += to_tables(raw, file=file, title=title, headings=1)
    return found


def _split(text: str) -> tuple[str, ...]:
    whole = text.strip().removeprefix("|")
    if whole.endswith("|") and not whole.endswith("\\|"):
        whole = whole[:-1]
    return tuple(cell.strip() for cell in _BETWEEN_CELLS.split(whole))


def _tabs(lines: Sequence[Line], file: str) -> list[Table]:
    found: list[Table] = []
    for run in _runs(lines, ["\t" in text for _, text in lines]):
        raw = [RawRow(line=number, cells=tuple(text.split("\t"))) for number, text in run]
        title = _title(lines, run[0][0], run[-1][0])
        found += to_tables(raw, file=file, title=title) if len(run) > 1 else []
    return found


def _title(lines: Sequence[Line], first: int, last: int) -> str:
    """The caption next to the table (`Table 5`), or else the heading above it."""
    below = [text for number, text in lines if last < number <= last + _CAPTION_WITHIN]
    above = [text for number, text in lines if number < first]
    for text in [*below, *above[-1:]]:
        caption = _CAPTION.match(text)
        if caption:
            return " ".join(caption[1].split())
    headings = (match for match in map(_HEADING.match, reversed(above)) if match)
    heading = next(headings, None)
    return read_cell(heading[1]).text if heading else ""


def _csv(lines: Sequence[Line], file: str) -> list[Table]:
    reader = csv.reader([text for _, text in lines])
    raw = []
    try:
        for cells in reader:
            line = lines[min(reader.line_num, len(lines)) - 1][0]
            raw.append(RawRow(line=line, cells=tuple(cells)))
    except csv.Error as error:
        problem = f"is not CSV ({error})"
        remedy = "save it again as CSV, with lines that end in LF or CRLF"
        raise InputError(file, problem, line=reader.line_num or None, remedy=remedy) from None
    return to_tables(raw, file=file, title="", headings=1) if len(raw) > 1 else []
