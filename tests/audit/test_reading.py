"""What is read as a table: Markdown, tabs, CSV, HTML, and pages of labels and values."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.audit.cells import read_cell
from rerankbench.audit.findings import as_text
from rerankbench.audit.reading import read_document
from rerankbench.audit.review import review
from rerankbench.audit.tables import PrintedTable
from rerankbench.errors import InputError


def _read(folder: Path, text: str, name: str = "page.md") -> tuple[PrintedTable, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_document(path).tables


@pytest.mark.parametrize(
    ("raw", "number", "decimals", "unit"),
    [
        ("0.481", 0.481, 3, ""),
        (".481", 0.481, 3, ""),
        ("**0.481**", 0.481, 3, ""),
        ("<b>0.481</b>", 0.481, 3, ""),
        ("_59.12_", 59.12, 2, ""),
        ("0.481<sup>a</sup>", 0.481, 3, ""),
        ("0.481ᵃᵇ", 0.481, 3, ""),
        ("0.481 (0.470–0.492)", 0.481, 3, ""),
        ("0.481 ± 0.012", 0.481, 3, ""),
        ("0.481†", 0.481, 3, ""),
        ("+0.012", 0.012, 3, ""),
        ("−0.012", -0.012, 3, ""),
        ("1,234.5", 1234.5, 1, ""),
        ("22.7M", 22.7, 1, "M"),
        ("2207ms", 2207, 0, "ms"),
        ("1.18s", 1.18, 2, "s"),
        ("43.2%", 43.2, 1, "%"),
        ("$0.020", 0.02, 3, "$"),
        ("0,412", 0.412, 3, ""),
        ("41,2 %", 41.2, 1, "%"),
        ("1.234,5", 1234.5, 1, ""),
        ("1.234.567", 1234567, 0, ""),
        ("1,234", 1234, 0, ""),
        ("1’234.5", 1234.5, 1, ""),
        ("1e-5", 0.00001, 5, ""),
        ("1.5x", 1.5, 1, "x"),
        ("3.2 GB", 3.2, 1, "GB"),
    ],
)
def test_a_number_is_read_through_its_markup(
    raw: str, number: float, decimals: int, unit: str
) -> None:
    cell = read_cell(raw)
    assert (cell.number, cell.decimals, cell.unit) == (number, decimals, unit)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "-",
        "n/a",
        "2023-09-15",
        "2–4",
        "MiniLM-L6-v2",
        "v2",
        "(1) D = 1",
        "12 of 13",
        "0.4/0.5",
        "<0.001",
    ],
)
def test_what_is_no_figure_has_no_number(raw: str) -> None:
    assert read_cell(raw).number is None


@given(st.text())
def test_any_text_can_be_a_cell(raw: str) -> None:
    read_cell(raw)


@given(st.floats(0, 1), st.integers(1, 6))
def test_what_was_printed_is_read_to_its_last_digit(value: float, decimals: int) -> None:
    cell = read_cell(f"{value:.{decimals}f}")
    assert (cell.number, cell.decimals) == (round(value, decimals), decimals)


def test_markdown_gives_titles_groups_lines_and_plain_names(tmp_path: Path) -> None:
    (table,) = _read(
        tmp_path,
        """# Results

Some words | not a table.

| Model | Docs / Sec | nDCG@10 |
|:--|--:|---|
| **Small** | |
| [a/b](https://example.org/a) | 1,200 | **0.51** |
| x\\_y | 300 | 0.49 |
""",
    )
    assert (table.title, table.line) == ("Results", 5)
    assert [column.kind for column in table.columns] == ["text", "speed", "quality"]
    assert [(row.line, row.full_name) for row in table.rows] == [
        (8, "Small / a/b"),
        (9, "Small / x_y"),
    ]
    assert table.rows[0].cells[1].number == 1200


def test_code_is_no_table(tmp_path: Path) -> None:
    text = "```\n| a | b |\n|---|---|\n| x | 0.1 |\n```\n\n| a | b |\n|---|---|\n| x | 0.2 |\n"
    (table,) = _read(tmp_path, text)
    assert table.rows[0].cells[1].number == 0.2


def test_tabs_give_outer_headings_and_names_that_span_rows(tmp_path: Path) -> None:
    (table,) = _read(
        tmp_path,
        "Backbone\tModel\tMS\tBEIR (nDCG@10)\t\n"
        "\t\tMARCO (MRR@10)\tAvg\tNQ\n"
        "<i>Small</i>\t\t\t\t\n"
        "A\tone\t0.39\t0.46\t0.46\n"
        "\ttwo\t0.40\t<b>0.47</b>\t0.47\n"
        "B\tone\t0.41\t0.48\t0.48\n"
        "\n"
        "Table 5: What was found.\n",
        "paper.txt",
    )
    assert table.title == "Table 5"
    assert [column.name for column in table.columns] == [
        "Backbone",
        "Model",
        "MS MARCO (MRR@10)",
        "BEIR (nDCG@10) Avg",
        "BEIR (nDCG@10) NQ",
    ]
    assert [column.kind for column in table.columns[2:]] == ["quality", "average", "quality"]
    assert [row.full_name for row in table.rows] == [
        "Small / A / one",
        "Small / A / two",
        "Small / B / one",
    ]
    assert [cell.bold for cell in table.rows[1].cells] == [False, False, False, True, False]


def test_headings_further_down_begin_another_table(tmp_path: Path) -> None:
    text = "M\tA\tB\nx\t0.1\t0.2\nM\tC\tD\nx\t0.3\t0.4\n\nTable 3: Two in one.\n"
    first, second = _read(tmp_path, text, "paper.txt")
    assert [column.name for column in first.columns] == ["M", "A", "B"]
    assert [column.name for column in second.columns] == ["M", "C", "D"]
    assert first.title == second.title == "Table 3"


def test_csv_and_html_hold_the_same_table(tmp_path: Path) -> None:
    (one,) = _read(tmp_path, 'Model,nDCG@10\n"a, b",0.51\nc,0.49\n', "t.csv")
    (other,) = _read(
        tmp_path,
        """<!doctype html><style>td { color: red }</style>
<table><caption>Results</caption>
<thead><tr><th>Model</th><th>nDCG@10</th></tr></thead>
<tbody>
<tr><td>a, b</td><td>0.51<sup>a</sup></td></tr>
<tr><td>c</td><td>0.49</td></tr>
</tbody></table>
""",
        "t.html",
    )
    assert [row.full_name for row in one.rows] == [row.full_name for row in other.rows]
    assert [row.cells[1].number for row in one.rows] == [row.cells[1].number for row in other.rows]
    assert (other.title, other.line, other.rows[1].line) == ("Results", 3, 6)


def test_a_heading_over_columns_of_html_is_an_outer_heading(tmp_path: Path) -> None:
    (table,) = _read(
        tmp_path,
        "<table><thead><tr><th></th><th colspan=2>BEIR</th></tr>"
        "<tr><th>Model</th><th>Avg</th><th>NQ</th></tr></thead>"
        "<tr><th colspan=3>Small</th></tr>"
        "<tr><td>&lt;b&gt;x</td><td>0.4</td><td>0.4</td></tr></table>",
        "t.html",
    )
    assert [column.name for column in table.columns] == ["Model", "BEIR Avg", "BEIR NQ"]
    assert [row.full_name for row in table.rows] == ["Small / ‹b>x"]


@pytest.mark.parametrize("text", ["", "Some words.\n", "| a | b |\n|---|---|\n| x | y |\n"])
def test_a_file_without_figures_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no table with figures"):
        _read(tmp_path, text)


_WORDS = """| --- 0.5 a ** <b> <td> <tr> <table> </table> <![x <th colspan=9 > & " , #8 ``` Avg
    P50 Rank 0.000 12 \\ <sup> </sup> <caption> <thead> </tr> </td> _ * # - % 0.5% nDCG@10"""
_LINES = ["\n| a | b |\n|---|---|\n", "\nELO 98745.0% WR45W-50L-5T\n", "\nof 9\n"]
_PIECES = st.sampled_from([*_WORDS.split(), *_LINES, "\t", "\n", " "])


@given(
    pieces=st.lists(_PIECES | st.text(max_size=3), max_size=60),
    suffix=st.sampled_from(["md", "csv", "html"]),
)
def test_whatever_a_file_holds_it_is_audited_or_refused(
    pieces: list[str], suffix: str, folder: Path
) -> None:
    path = folder / f"any.{suffix}"
    path.write_bytes("".join(pieces).encode("utf-8", "replace"))
    with contextlib.suppress(InputError):
        as_text(review([path]))


def test_csv_with_other_ends_of_lines_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(b"model,nDCG@10\ra,0.5\rb,0.6\r")
    with pytest.raises(InputError, match=r"old\.csv:1: is not CSV .*LF or CRLF$"):
        read_document(tmp_path / "old.csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")
