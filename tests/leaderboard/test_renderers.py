"""Every format writes the same table; nothing in a name can become markup, code or a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import UsageError
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.renderers import csv as csv_renderer
from rerankbench.leaderboard.renderers import latex, markdown, names, renderer
from rerankbench.leaderboard.table import Entry, Header, Row, Table

from . import published
from .records import first_stage_record, make_record, publish

KEYS = [
    "suite",
    "collection",
    "split",
    "first_stage",
    "depth",
    "reranker",
    "parameters",
    "queries",
    "candidates",
    "metrics",
    "docs_per_s",
    "latency_ms",
    "failed_attempts",
    "usd_per_1000_queries",
    "machine_id",
    "started_at",
    "warnings",
]


def _table(*names: str, **keys: object) -> Table:
    rows = tuple(
        Row(entries=(Entry(value=name), Entry(value=0.25, form="fixed", decimals=3)))
        for name in names
    )
    columns = (Header(text="Reranker", align="left"), Header(text="nDCG@10", align="right"))
    return Table(title="Title", columns=columns, rows=rows, **keys)  # type: ignore[arg-type]


def test_formats_are_reached_by_name() -> None:
    assert names() == ["markdown", "csv", "latex", "html", "json"]
    assert renderer("latex") is latex.render
    with pytest.raises(UsageError, match="no format 'markdwn'; did you mean 'markdown'"):
        renderer("markdwn")


def test_markdown_aligns_and_emphasises() -> None:
    rows = (
        Row(entries=(Entry(value="model"), Entry(value=0.5, form="fixed", decimals=2))),
        Row(entries=(Entry(value="bm25"), Entry(value=None)), emphasised=True),
    )
    columns = (Header(text="Reranker", align="left"), Header(text="x", align="center"))
    table = Table(title="A table", columns=columns, rows=rows, notes=("One.", "Two."))
    assert markdown.render([table]) == (
        "### A table\n\n"
        "| Reranker |  x   |\n"
        "| :------- | :--: |\n"
        "| model    | 0.50 |\n"
        "| *bm25*   |      |\n"
        "\n- One.\n- Two.\n"
    )


def test_markdown_fills_a_group_row_unless_told_otherwise() -> None:
    table = Table(
        title="",
        columns=(Header(text="a"), Header(text="b"), Header(text="c")),
        rows=(Row(entries=(Entry(), Entry(), Entry()), group="G"),),
    )
    assert "| **G** |     |     |\n" in markdown.render([table])


def test_markdown_keeps_tables_apart() -> None:
    text = markdown.render([_table("a", notes=("Note.",)), _table("b", heading_level=2)])
    assert "- Note.\n\n## Title\n\n| Reranker" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("a\nb\r\nc", "a b c"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("<!-- rerankbench:end plain -->", "&lt;!-- rerankbench:end plain --&gt;"),
        ("a & b", "a &amp; b"),
        ("*a* `b` [c](d) ~~e~~", r"\*a\* \`b\` \[c\](d) \~\~e\~\~"),
        ("back\\slash|", r"back\\slash\|"),
        ("ms_marco _it_ __all__", r"ms_marco \_it\_ \_\_all\_\_"),
        ("$x$", r"\$x\$"),
        ("\x1b[31m", "\ufffd\\[31m"),
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "cross-encoder/ms-marco-MiniLM-L-6-v2"),
    ],
)
def test_markdown_escapes(text: str, escaped: str) -> None:
    assert markdown.escape(text) == escaped


@given(st.text(min_size=1))
def test_markdown_rows_stay_rows(name: str) -> None:
    lines = markdown.render([_table(name)]).splitlines()
    assert len(lines) == 5
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", lines[-1])) == 3
    assert "<" not in lines[-1]


def test_csv_has_raw_values_and_blanks() -> None:
    table = Table(
        title="T",
        columns=(Header(text="Reranker"), Header(text="Δ"), Header(text="Parameters")),
        rows=(
            Row(
                entries=(
                    Entry(value="a, b"),
                    Entry(value=-0.123456789, form="signed", decimals=3),
                    Entry(value=22_713_216, form="magnitude"),
                )
            ),
            Row(entries=(Entry(value="c"), Entry(value=0.0, form="fixed"), Entry())),
        ),
    )
    assert csv_renderer.render([table]) == (
        'Reranker,Δ,Parameters\n"a, b",-0.123456789,22713216\nc,0.0,\n'
    )


def test_csv_of_several_tables_has_one_header() -> None:
    text = csv_renderer.render([_table("a"), _table("b")])
    assert text.splitlines() == ["Reranker,nDCG@10", "a,0.25", "b,0.25"]
    other = Table(title="Other", columns=_table().columns, rows=_table("b").rows)
    text = csv_renderer.render([_table("a"), other])
    assert text.splitlines() == ["table,Reranker,nDCG@10", "Title,a,0.25", "Other,b,0.25"]


def test_csv_joins_the_halves_of_a_split_table() -> None:
    text = publish(published.records(published.FULL), load_layout("beir-full"), "csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:4] == ["group", "Reranking-Model", "Docs / Sec", "MSMARCO"]
    assert {len(row) for row in rows} == {2 + 1 + 16}
    assert len(rows) == 1 + 8
    assert rows[-1][:3] == ["TinyBERT Models", "cross-encoder/ms-marco-electra-base", "340.0"]
    assert rows[-1][-1] == "0.524"
    assert rows[6][7] == ""


def test_csv_tells_columns_of_one_name_apart() -> None:
    entries = (Entry(value=1), Entry(value=2), Entry(value=3))
    columns = (Header(text="x"), Header(text="x"), Header(text="x"))
    table = Table(title="", columns=columns, rows=(Row(entries=entries),))
    assert csv_renderer.render([table]) == "x,x (2),x (3)\n1,2,3\n"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1"])
def test_csv_texts_are_no_formulas(name: str) -> None:
    line = csv_renderer.render([_table(name)]).splitlines()[1]
    assert line == f"'{name.strip()},0.25"


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_csv_reads_back(values: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(csv_renderer.render([_table(*values)]))))
    assert len(rows) == 1 + len(values)
    assert all(len(row) == 2 for row in rows)


def test_latex_is_booktabs() -> None:
    rows = (
        Row(entries=(Entry(value="m_1"), Entry(value=-0.5, form="signed", decimals=1)), group="G"),
        Row(entries=(Entry(value="bm25"), Entry()), emphasised=True),
    )
    columns = (Header(text="Model", align="left"), Header(text="Δ", align="right"))
    table = Table(title="50% & more", columns=columns, rows=rows, notes=("Uses --x.",))
    assert latex.render([table]).splitlines() == [
        r"% needs \usepackage[T1]{fontenc} \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        r"\caption{50\% \& more}",
        r"\label{tab:50-more}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Model & $\Delta$ \\",
        r"\midrule",
        r"\multicolumn{2}{l}{\textbf{G}} \\",
        r"m\_1 & $-0.5$ \\",
        r"\textit{bm25} &  \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\raggedright\footnotesize",
        r"Uses -{}-x.\par",
        r"\end{table}",
    ]


def test_latex_labels_are_unlike_and_only_where_there_is_a_caption() -> None:
    titles = ("A table", "a-table", "", "表")
    tables = [replace(_table("m"), title=title) for title in titles]
    found = re.findall(r"\\label\{(.*)\}", latex.render(tables))
    # An untitled table goes by the title before it.
    assert found == ["tab:a-table", "tab:a-table-2", "tab:a-table-3", "tab:table"]
    assert r"\label" not in latex.render([replace(_table("m"), title="")])


def test_latex_names_the_package_of_links_where_there_are_links() -> None:
    entry = Entry(value="m", link="https://example.org")
    linked = replace(_table(), rows=(Row(entries=(entry, Entry())),))
    assert "hyperref" in latex.render([linked]).splitlines()[0]
    assert "hyperref" not in latex.render([_table("m")])


def test_latex_captions_continue() -> None:
    text = publish(published.records(published.OLDER), load_layout("beir-older"), "latex")
    assert text.count(r"\begin{table}") == 2
    assert r"(Leaderboard) (continued)}" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\\", r"\textbackslash{}"),
        ("{}", r"\{\}"),
        ("$&#%_", r"\$\&\#\%\_"),
        ("^~", r"\textasciicircum{}\textasciitilde{}"),
        ('<>|"', r"\textless{}\textgreater{}\textbar{}\textquotedbl{}"),
        ("[x]", "{[}x{]}"),
        ("a---b", "a-{}-{}-b"),
        ("a\x1bb\nc", "a?b c"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
    ],
)
def test_latex_escapes(text: str, escaped: str) -> None:
    assert latex.escape(text) == escaped


def _row(**keys: object) -> Table:
    entry = Entry(**{"value": -0.25, "form": "fixed", "decimals": 2, **keys})  # type: ignore[arg-type]
    return Table(title="", columns=(Header(text="x"),), rows=(Row(entries=(entry,)),))


@pytest.mark.parametrize(
    ("keys", "in_markdown", "in_latex"),
    [
        ({"strong": True}, "**-0.25**", r"$\mathbf{-0.25}$"),
        ({"value": "a", "strong": True}, "**a**", r"\textbf{a}"),
        ({"value": 0.5, "mark": "a_b"}, "0.50 a_b", r"0.50\textsuperscript{a\_b}"),
        ({"value": None, "mark": "†"}, "†", r"\textsuperscript{†}"),
        (
            {"value": "a|b", "link": "https://x.org/a_(b)?c=1&copy=2#d e|"},
            r"[a\|b](https://x.org/a_%28b%29?c=1&amp;copy=2#d%20e%7C)",
            r"\href{https://x.org/a\_\%28b\%29?c=1\&copy=2\#d\%20e\%7C}{a\textbar{}b}",
        ),
        ({"value": "a", "link": "javascript:alert(1)"}, "a", "a"),
        ({"value": None, "link": "https://x.org", "strong": True}, "", ""),
    ],
)
def test_what_stands_out_links_and_marks(
    keys: dict[str, object], in_markdown: str, in_latex: str
) -> None:
    cell = markdown.render([_row(**keys)]).splitlines()[-1].removeprefix("|").removesuffix("|")
    assert cell.strip() == in_markdown
    body = latex.render([_row(**keys)]).splitlines()
    assert body[body.index(r"\midrule") + 1] == rf"{in_latex} \\"


def test_csv_keeps_marks_beside_raw_values() -> None:
    table = _row(mark="=a", strong=True, link="https://x.org")
    assert csv_renderer.render([table]) == "x,x (mark)\n-0.25,'=a\n"


def test_json_is_the_stable_interface() -> None:
    record = make_record(
        "a",
        {"nDCG@10": [0.25, 0.75], "MAP": 0.25},
        docs_per_s=100,
        requests_s=[0.001 * number for number in range(1, 101)],
        parameters=7,
        warnings=["beware"],
    )
    (found,) = json.loads(publish([record], load_layout("plain"), "json"))
    assert list(found) == KEYS
    latencies = found.pop("latency_ms")
    assert latencies == pytest.approx({"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0})
    assert found == {
        "suite": "default",
        "collection": "scifact",
        "split": "test",
        "first_stage": "bm25",
        "depth": 100,
        "reranker": "a",
        "parameters": 7,
        "queries": 2,
        "candidates": {"least": None, "median": None, "most": None},
        "metrics": {"nDCG@10": 0.5, "MAP": 0.25},
        "docs_per_s": 100.0,
        "failed_attempts": 0,
        "usd_per_1000_queries": None,
        "machine_id": "machine-a",
        "started_at": "2026-01-01T00:00:00+00:00",
        "warnings": ["beware"],
    }
    assert list(found["metrics"]) == ["nDCG@10", "MAP"]


def test_json_has_null_for_what_was_not_measured() -> None:
    (found,) = json.loads(publish([first_stage_record(0.3)], load_layout("plain"), "json"))
    assert list(found) == KEYS
    assert (found["parameters"], found["docs_per_s"]) == (None, None)
    assert found["latency_ms"] == {"p50": None, "p90": None, "p95": None, "p99": None}


def test_json_holds_every_record_in_a_fixed_order_whatever_the_layout() -> None:
    records = [
        make_record("b", collection="nq"),
        make_record("a", collection="nq", depth=50),
        make_record("a", collection="fiqa", started_at="2026-02-01T00:00:00+00:00"),
        make_record("a", collection="fiqa", dtype="float16"),
    ]
    text = publish(records, load_layout("beir-full"), "json")
    assert publish(records[::-1], load_layout("plain"), "json") == text
    found = [(one["collection"], one["depth"], one["reranker"]) for one in json.loads(text)]
    assert found == [("fiqa", 100, "a"), ("fiqa", 100, "a"), ("nq", 50, "a"), ("nq", 100, "b")]


def test_json_is_safe_on_a_terminal() -> None:
    text = publish([make_record("\x1b[2J\x9b")], load_layout("plain"), "json")
    assert text.isascii()
    assert "\x1b" not in text
