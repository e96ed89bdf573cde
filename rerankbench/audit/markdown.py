"""Tables in GitHub-flavoured Markdown, also inside quotations and lists, and HTML tables in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rerankbench.audit.cells import read_cell
from rerankbench.audit.grids import Grid, RawRow, to_tables
from rerankbench.audit.html_tables import html_tables
from rerankbench.audit.tables import UnreadPlace

_RULE = re.compile(r"\s*[|+]?\s*:?[-=]+:?\s*([|+]\s*:?[-=]+:?\s*)*[|+]?\s*")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_CAPTION = re.compile(r"\W*(Table\s+\w+)\b")
_FENCE = re.compile(r"\s*(```+|~~~+)")
_QUOTED = re.compile(r"\A\s*(?:>\s?)+")
_LISTED = re.compile(r"\A\s*(?:[-*+]|\d{1,3}[.)])\s+(?=\|)")
_CODE = re.compile(r"`[^`]*`")
_FIGURE = re.compile(r"\|\s*\S*\d[.,]\d")
_TABLE, _END_OF_TABLE = re.compile(r"<table\b", re.I), re.compile(r"</table\s*>", re.I)
_TABULAR = re.compile(r"\\begin\{(tabular[x*]?|longtable|array)\}")
_SIMPLE_RULE = re.compile(r"\s*={2,}(\s+={2,})+\s*")
_CAPTION_WITHIN = 2
# Tables drawn with lines, as terminals print them.
_BOXES = str.maketrans(
    {
        **dict.fromkeys("│┃║", "|"),
        **dict.fromkeys("─━═", "-"),
        **dict.fromkeys("┼╋╪╬┿╇┬┴┳┻├┤┝┥┡┩┏┓┗┛┌┐└┘╒╕╘╛╞╡╤╧", "+"),
    }
)

Line = tuple[int, str]


def runs(lines: Sequence[Line], inside: Sequence[bool]) -> Iterator[list[Line]]:
    """Neighbouring lines of the file for which `inside` holds."""
    marked = [(*line, is_inside) for line, is_inside in zip(lines, inside, strict=True)]
    # Blank lines were left out: the difference of line number and index changes there.
    at = {number: number - place for place, (number, _) in enumerate(lines)}
    for (is_inside, _), run in groupby(marked, key=lambda item: (item[2], at[item[0]])):
        if is_inside:
            yield [(number, text) for number, text, _ in run]


def markdown_tables(lines: Sequence[Line], file: str) -> list[Grid]:
    """All tables of a page. Those in fenced code are only noted, those in comments ignored."""
    plain = [
        (number, _LISTED.sub("", _QUOTED.sub("", text)).translate(_BOXES))
        for number, text in lines
    ]
    fenced, hidden = _fenced(plain), _commented(plain)
    html = _within_html(
        plain, [in_code or in_comment for in_code, in_comment in zip(fenced, hidden, strict=True)]
    )
    grids = _in_code(plain, fenced)
    piped = [
        ("|" in text or _is_rule(text)) and not any(flags)
        for (_, text), flags in zip(plain, zip(fenced, hidden, html, strict=True), strict=True)
    ]
    for run in runs(plain, piped):
        title = title_of(plain, run[0][0], run[-1][0])
        grids += _pipes(run, title, around(plain, run[0][0], run[-1][0]), file)
    for part in runs(plain, html):
        grid = html_tables([(1, ""), *part] if part[0][0] > 1 else part, file)
        grids.append(grid)
    return grids + _in_other_forms(plain)


def _fenced(lines: Sequence[Line]) -> list[bool]:
    """Which lines are in fenced code, including the fences; a fence ends one of its own kind."""
    opened, inside = "", []
    for _, text in lines:
        fence = _FENCE.match(text)
        mark = fence[1] if fence else ""
        inside.append(bool(opened or mark))
        if not opened:
            opened = mark
        elif mark.startswith(opened) and not text.strip().strip(opened[0]):
            opened = ""
    return inside


def _commented(lines: Sequence[Line]) -> list[bool]:
    """Which lines are inside a comment that began on an earlier line, or entirely one."""
    opened, inside, last = False, [], 0
    for at, (_, text) in enumerate(lines):
        before, rest = opened, text if opened else _CODE.sub("", text)
        while rest:
            mark = "-->" if opened else "<!--"
            _, separator, rest = rest.partition(mark)
            opened = opened != bool(separator)
        last = at if opened and not before else last
        inside.append(before or text.lstrip().startswith("<!--"))
    # Without an end it is not a comment.
    return [*inside[:last], *[False] * (len(inside) - last)] if opened else inside


def _within_html(lines: Sequence[Line], excluded: Sequence[bool]) -> list[bool]:
    """Which lines are between the beginning and the end of an HTML table.

    For a table without an end only the first line.
    """
    deep, inside, last = 0, [], 0
    for at, ((_, text), other) in enumerate(zip(lines, excluded, strict=True)):
        plain = "" if other else _CODE.sub("", text)
        opened = len(_TABLE.findall(plain))
        last = at if opened and not deep else last
        inside.append(not other and deep + opened > 0)
        deep = max(0, deep + opened - len(_END_OF_TABLE.findall(plain)))
    return [*inside[: last + 1], *[False] * (len(inside) - last - 1)] if deep else inside


def _in_code(lines: Sequence[Line], fenced: Sequence[bool]) -> list[Grid]:
    """A note on each table in fenced code."""
    piped = [is_fenced and "|" in text for (_, text), is_fenced in zip(lines, fenced, strict=True)]
    return [
        Grid(unread=(_unread(run, "it is in fenced code"),))
        for run in runs(lines, piped)
        if any(_is_rule(text) for _, text in run) and _has_figures(run)
    ]


def _in_other_forms(lines: Sequence[Line]) -> list[Grid]:
    """A note on each table in LaTeX or reStructuredText."""
    places = [_unread([line], "it is LaTeX") for line in lines if _TABULAR.search(line[1])]
    for run in runs(lines, [True] * len(lines)):
        rules = [line for line in run if _SIMPLE_RULE.fullmatch(line[1])]
        places += [_unread(rules, "it is reStructuredText")] if len(rules) > 1 else []
    return [Grid(unread=(place,)) for place in places]


def _pipes(run: Sequence[Line], title: str, near: str, file: str) -> list[Grid]:
    """Tables in neighbouring lines with pipes: one for each rule below a heading."""
    rules = [at for at, (_, text) in enumerate(run) if _is_rule(text)]
    # Grids such as pandoc's also have rules above, below and between rows.
    heads = [at - 1 for at in rules if at and at - 1 not in rules]
    if not heads:
        few = len(run) < 2 or not _has_figures(run)
        return (
            []
            if few
            else [Grid(unread=(_unread(run, "there is no rule of dashes below its headings"),))]
        )
    # Below the first heading, rules may also separate rows.
    heads = [at for at in heads if at == heads[0] or _names_columns(run[at][1])]
    grids = []
    for head, end in zip(heads, [*heads[1:], len(run)], strict=True):
        table_lines = [run[at] for at in range(head, end) if at not in rules]
        raw = [RawRow(line=number, cells=_split(text)) for number, text in table_lines]
        grids.append(to_tables(raw, file=file, title=title, headings=1, around=near))
    return grids


def _names_columns(text: str) -> bool:
    """Whether there are several cells and no figure."""
    cells = [read_cell(raw) for raw in _split(text)]
    return sum(bool(cell.text) for cell in cells) > 1 and all(
        cell.number is None and not cell.holds_figures for cell in cells
    )


def _is_rule(text: str) -> bool:
    return _RULE.fullmatch(text) is not None and ("|" in text or "+" in text)


def _has_figures(run: Sequence[Line]) -> bool:
    return any(_FIGURE.search(text) for _, text in run)


def _unread(run: Sequence[Line], why: str) -> UnreadPlace:
    line = run[0][0]
    return UnreadPlace(line=line, table=f"the table at line {line}", why=why)


def _split(text: str) -> tuple[str, ...]:
    whole = text.strip().removeprefix("|")
    if whole.endswith("|") and not whole.endswith("\\|"):
        whole = whole[:-1]
    return tuple(cell.strip() for cell in _BETWEEN_CELLS.split(whole))


def around(lines: Sequence[Line], first: int, last: int) -> str:
    """The text within two lines of a table."""
    near = range(first - _CAPTION_WITHIN, last + _CAPTION_WITHIN + 1)
    inside = range(first, last + 1)
    return " ".join(text for number, text in lines if number in near and number not in inside)


def title_of(lines: Sequence[Line], first: int, last: int) -> str:
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
