"""Tables as LaTeX in the form of the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rerankbench.leaderboard.table import Align, Entry, Row, Table, firsts_of_blocks, printable
from rerankbench.types import slug

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "Δ": r"$\Delta$",
    "×": r"$\times$",
    "·": r"\textperiodcentered{}",
    "\ufffd": "?",
    "\0": "{}",
}
_SIGNED = re.compile(r"[+-][0-9.]+")
# Scaled down where it is wider than the text, else left as it is.
_NO_WIDER = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
_NOTES = (r"\par\smallskip\raggedright\footnotesize",)
_LONGEST_LABEL = 60
_COLUMNS: dict[Align, str] = {"left": "l", "none": "l", "center": "c", "right": "r"}


def render(tables: Sequence[Table]) -> str:
    r"""Every table as a float with a label, no wider than the text; a comment names the packages.

    Labels are made of the captions (`tab:scifact-test-bm25-top-100`), with a number where two
    would be equal.
    """
    title = ""
    blocks = []
    labels: set[str] = set()
    for table in tables:
        title = table.title or title
        caption = f"{title} (continued)" if table.continues else title
        blocks.append(_block(table, caption, _label(caption, labels)))
    text = "\n".join(blocks)
    return f"{_packages(text)}\n{text}"


def _packages(text: str) -> str:
    named = [r"\usepackage[T1]{fontenc}", r"\usepackage{booktabs,graphicx}"]
    if r"\href{" in text:
        named.append(r"\usepackage{hyperref}")
    return f"% needs {' '.join(named)}"


def _label(caption: str, taken: set[str]) -> str:
    """Letters, digits and hyphens; empty where there is no caption to number."""
    if not caption:
        return ""
    stem = name = slug(caption)[:_LONGEST_LABEL].strip("-") or "table"
    number = 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return f"tab:{name}"


def escape(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    # Two hyphens would become a dash.
    apart = printable(text).replace("--", "-\0-").replace("--", "-\0-")
    return "".join(_SPECIAL.get(character, character) for character in apart)


def _block(table: Table, caption: str, label: str) -> str:
    columns = "".join(_COLUMNS[column.align] for column in table.columns)
    notes = [escape(note) for note in table.notes]
    lines = [
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{escape(caption)}}}", rf"\label{{{label}}}"] if caption else []),
        _NO_WIDER,
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *_head(table),
        r"\midrule",
        *_body(table),
        r"\bottomrule",
        r"\end{tabular}}",
        *(_NOTES if notes else []),
        *(rf"{note}\par" for note in notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _head(table: Table) -> list[str]:
    """Heads over several columns get a rule below them, as usual with booktabs."""
    *above, _ = table.head_rows()
    lines = []
    names = [escape(column.text) for column in table.columns]
    for headings in above:
        cells = [""] * len(table.columns)
        rules: list[str] = []
        # From the right, so that indices to the left stay valid.
        for heading in reversed([head for head in headings if head.is_above]):
            end = heading.at + heading.columns
            cells[heading.at : end] = [
                rf"\multicolumn{{{heading.columns}}}{{c}}{{{escape(heading.text)}}}"
            ]
            rules.insert(0, rf"\cmidrule(lr){{{heading.at + 1}-{end}}}")
        lines += [_line(cells), " ".join(rules)]
    return [*lines, _line(names)]


def _body(table: Table) -> list[str]:
    lines: list[str] = []
    is_parted = any(column.spans for column in table.columns)
    for group, rows in table.sections():
        if group:
            if is_parted and lines:
                lines.append(r"\midrule")
            title = rf"\textbf{{{escape(group)}}}"
            lines.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{{title}}} \\")
        for at, (row, first) in enumerate(firsts_of_blocks(rows)):
            if is_parted and first and (at or (lines and not group)):
                lines.append(r"\midrule")
            lines.append(_line(_cells(table, row, first)))
    return lines


def _cells(table: Table, row: Row, first: bool) -> list[str]:
    """The row's cells; a cell that spans the rows of a block is in its first row only."""
    return [
        _cell(entry, row) if first or not column.spans else ""
        for column, entry in zip(table.columns, row.entries, strict=True)
    ]


def _cell(entry: Entry, row: Row) -> str:
    text = escape(entry.text)
    if not isinstance(entry.value, str) and text.startswith(("+", "-")):
        # In mathematics a minus is a minus, not a hyphen; \textbf does not affect it.
        text = _SIGNED.sub(r"$\\mathbf{\g<0>}$" if entry.strong else r"$\g<0>$", text)
    elif text and entry.strong:
        text = rf"\textbf{{{text}}}"
    if text and row.emphasised:
        text = rf"\textit{{{text}}}"
    if text and entry.url:
        text = rf"\href{{{_address(entry.url)}}}{{{text}}}"
    return rf"{text}\textsuperscript{{{escape(entry.mark)}}}" if entry.mark else text


def _address(url: str) -> str:
    r"""What may stand in \href inside a table: the characters that mean something are escaped."""
    return "".join(f"\\{sign}" if sign in "%#&_~" else sign for sign in url)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
