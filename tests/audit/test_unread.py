"""What could not be read gets a word, and no check takes it for blank."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.audit.findings import AuditReport
from rerankbench.audit.reading import read_document
from rerankbench.audit.review import review
from rerankbench.errors import InputError

_READ = "\n| a | nDCG@10 |\n|---|---|\n| x | 0.2 |\n"


def _review(folder: Path, text: str, name: str = "page.md") -> AuditReport:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return review([path])


def _words(audit: AuditReport) -> list[tuple[int, str, str, str]]:
    assert {(one.check, one.severity) for one in audit.unread} <= {("unread", "note")}
    return [(one.line, one.row, one.column, one.message) for one in audit.unread]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```\n| a | b |\n|---|---|\n| x | 0.1 |\n```\n", "it is in fenced code"),
        ("| a | b |\n| x | 0.1 |\n| y | 0.2 |\n", "there is no rule of dashes below its headings"),
        ("| a | b |\n|---|---|\n| x | 0.1/0.2 |\n", "no column of it holds single figures"),
        ("\\begin{tabular}{lc}\na & b \\\\\nx & 0.1 \\\\\n\\end{tabular}\n", "it is LaTeX"),
        ("===  ===\na    b\n===  ===\nx    0.1\n===  ===\n", "it is reStructuredText"),
        ("<table><tr><td>a</td><td>0.5</td></tr>\n", "it has no end (</table>)"),
    ],
)
def test_a_table_that_is_not_read_is_named(text: str, why: str, tmp_path: Path) -> None:
    audit = _review(tmp_path, text + _READ)
    line = 2 if "```" in text else 1
    assert _words(audit) == [(line, "", "", f"not read: {why}")]
    assert (audit.tables, audit.findings, audit.is_clean) == (1, (), True)


def test_a_table_in_a_table_of_html_is_read_and_the_outer_one_named(tmp_path: Path) -> None:
    inner = "<table><tr><th>a</th><th>b</th></tr>\n<tr><td>x</td><td>0.5</td></tr></table>"
    audit = _review(tmp_path, f"<table>\n<tr><td>{inner}</td></tr></table>", "page.html")
    assert audit.tables == 1
    assert _words(audit) == [(1, "", "", "not read: it contains another table")]


def test_every_row_that_is_not_read_whole_is_named(tmp_path: Path) -> None:
    rows = """| Model | A | B | Avg |
|---|---|---|---|
| fine | 0.40 | 0.50 | 0.45 |
| pipe | in name | 0.40 | 0.50 | 0.95 |
| pair | 0.40 / 0.41 | 0.50 | 0.50 |
| words | 0.40 → 0.41 | 12 of 13 | 0.30 |
| short | 0.40 |
| blank | n/a | - | OOM |
"""
    audit = _review(tmp_path, rows)
    assert audit.findings == ()  # A figure that was not read is no blank under an average.
    assert _words(audit) == [
        (4, "pipe", "", "not read: it has 5 cells under 4 headings"),
        (5, "pair", "", "not read: no single figure: 0.40 / 0.41 (A)"),
        (6, "words", "", "not read: no single figure: 0.40 → 0.41 (A), 12 of 13 (B)"),
        (7, "short", "", "not read: the last 2 of its cells; it has 2 cells under 4 headings"),
    ]


def test_a_column_of_several_figures_a_cell_is_named(tmp_path: Path) -> None:
    rows = [f"| {name} | 0.1/0.2 | 0.{at} |" for at, name in enumerate("xyz", 1)]
    audit = _review(tmp_path, "\n".join(["| M | A | B |", "|---|---|---|", *rows]))
    assert _words(audit) == [
        (1, "", "A", "not read: its cells, such as 0.1/0.2, are not single figures")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<!--\n| a | b |\n|---|---|\n| x | 0.1/0.2 |\n-->\n",  # not shown
        "`<!--` and `<table>` are words here.\n",
        "Some words | no table, 0.5.\n",
        "| option | meaning |\n|---|---|\n| `-x` | 2.5 of them |\n",
        "| a | nDCG | 95% CI |\n|---|---|---|\n| x | 0.5 | 0.4–0.6 |\n| y | 0.4 | 0.3–0.5 |\n",
        "| a | p |\n|---|---|\n| x | 0.5 |\n| y | <0.001 |\n",
    ],
)
def test_what_holds_no_figures_gets_no_word(text: str, tmp_path: Path) -> None:
    assert _words(_review(tmp_path, text + _READ)) == []


def test_a_file_of_which_nothing_is_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"that can be read \(line 1: there is no rule of dashes"):
        _review(tmp_path, "| a | b |\n| x | 0.1 |\n| y | 0.2 |\n")


def test_rows_that_html_spans_stay_in_their_columns(tmp_path: Path) -> None:
    text = """<table><tr><th>Backbone</th><th>Model</th><th>A</th><th>B</th><th>Avg</th></tr>
<tr><td rowspan="2">small</td><td>one</td><td>0.4</td><td>0.2</td><td>0.3</td></tr>
<tr><td>two</td><td>0.5</td><td>0.3</td><td>0.6</td></tr></table>"""
    audit = _review(tmp_path, text, "page.html")
    assert [(one.row, one.printed, one.expected) for one in audit.findings] == [
        ("small / two", "0.6", "0.4")
    ]


def test_rules_between_rows_part_no_table_and_headings_begin_one(tmp_path: Path) -> None:
    head, rule = "| M | A | B | Avg |", "|---|---|---|---|"
    rows = ["| x | 0.4 | 0.5 | 0.45 |", "| y | 0.4 | 0.5 | 0.65 |", "| z | 0.3 | 0.5 | 0.40 |"]
    (one,) = _review(
        tmp_path, "\n".join([head, rule, rows[0], rule, rows[1], rule, rows[2]])
    ).findings
    assert (one.row, one.expected) == ("y", "0.45")
    other = ["| M | nDCG@10 | MRR |", "|---|---|---|", "| x | 0.4 | 0.5 |"]
    assert _review(tmp_path, "\n".join([head, rule, rows[0], *other])).tables == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "M;A;B;Avg\nx;0,41;0,31;0,36\ny;0,51;0,31;0,61\n"),
        ("t.csv", "M,A,B,Avg\nx,0.41,0.31,0.36\ny,0.51,0.31,0.61\n"),
        ("t.tsv", "M\tA\tB\tAvg\nx\t0,41\t0,31\t0,36\ny\t0,51\t0,31\t0,61\n"),
    ],
)
def test_decimal_commas_are_read_in_every_form(name: str, text: str, tmp_path: Path) -> None:
    (one,) = _review(tmp_path, text, name).findings
    assert (one.row, one.expected.replace(",", ".")) == ("y", "0.41")


def test_a_comma_parts_thousands_where_the_table_has_points(tmp_path: Path) -> None:
    text = "| M | A | Docs |\n|---|---|---|\n| x | 0.41 | 1,234 |\n| y | 0.5 | 12,345,678 |\n"
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    (table,) = read_document(path).tables
    assert [row.cells[2].number for row in table.rows] == [1234, 12345678]
