"""Tables in forms that public pages use: what is wrong is found, and what is right is let be."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.audit.findings import Finding
from rerankbench.audit.review import review

FORMS = Path(__file__).parent / "forms"
_PAIR = re.compile(r"^`(.+?)` → `(.*?)`$", re.M)


def _sections(name: str) -> dict[str, str]:
    _, *parts = re.split(r"^## ", (FORMS / name).read_text(encoding="utf-8"), flags=re.M)
    named = [part.partition("\n") for part in parts]
    assert len({title for title, _, _ in named}) == len(named)
    return {title: text for title, _, text in named}


SOUND, WRONG = _sections("sound.md"), _sections("wrong.md")


def _found(folder: Path, text: str) -> list[Finding]:
    """All but notes; everything in the file must have been read."""
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    audit = review([path])
    assert audit.unread == ()
    return [one for one in audit.findings if one.severity != "note"]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_table_raises_no_alarm(name: str, tmp_path: Path) -> None:
    assert _found(tmp_path, SOUND[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_an_error_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    expected = _PAIR.findall(WRONG[name])
    found = _found(tmp_path, _PAIR.sub("", WRONG[name]))
    assert expected
    assert [(one.printed, one.expected) for one in found] == expected


_TABLE = """| Model | Tides | Granite | Average |
|---|---:|---:|---:|
| small | 0.412 | 0.301 | 0.357 |
| large | {cell} | 0.363 | {average} |
| huge | 0.408 | 0.377 | 0.393 |
"""


@pytest.mark.parametrize(
    "cell",
    [
        "0.455 ↑",
        "↑ 0.455",
        "0.455 (+0.043)",
        "0.455 ↑0.043",
        "0.455 (↑ 9.4%)",
        "0.455 🔺",
        "🥇 0.455",
        "🥇 **0.455**",
        ":2nd_place_medal: 0.455",
        "0.455★",
        "0.455 ✅",
        "0.455[^1]",
        "0.455¹",
        "0.455<sup>2</sup>",
        "0.455<sub>+0.043</sub>",
        "0.455<small>(+0.043)</small>",
        "**0.455**<sup>†</sup>",
        "0.455±0.01",
        "0.455 +/- 0.01",
        "0.455&nbsp;&plusmn;&nbsp;0.01",
        "0.455<br>(0.44–0.47)",
        "$0.455$",
        "$0.455_{\\pm 0.012}$",
        "\\textbf{0.455}",
        "$\\mathbf{0.455}^{\\dagger}$",
        "\\underline{0.455}",
        "<u>0.455</u>",
        "***0.455***",
        "`0.455`",
        "0.455\\*",
        "0.455 †‡",
        "0.455 abc",
        "0.455^ab",
        "0.455**",
        "~~0.401~~ 0.455",
        "[0.455](https://example.org)",
        '<span style="color:red">0.455</span>',
        "(0.455)",
        "~0.455",
        "0,455",
        "4.55e-1",
        "０.４５５",
        "०.४५५",
    ],
)
def test_what_stands_around_a_figure_hides_no_error(cell: str, tmp_path: Path) -> None:
    assert _found(tmp_path, _TABLE.format(cell=cell, average="0.409")) == []
    wrong = [
        one
        for one in _found(tmp_path, _TABLE.format(cell=cell, average="0.509"))
        if one.check == "average"
    ]
    assert [(one.row, one.printed, one.expected) for one in wrong] == [("large", "0.509", "0.409")]


_COLLECTIONS = (
    "StackExchange, Gaines, Multi-Query, LongMemEval, Quora Queries, LossyQA, EloQuent,"
    " NY Times, Winners, Climate Change, Price QA, TieBreak, Costa Rica, Passage Ranking,"
    " Delta-QA, Gain-QA, Δ QA"
)


@pytest.mark.parametrize("name", _COLLECTIONS.split(", "))
def test_a_collection_is_no_other_column_for_a_word_in_its_name(name: str, tmp_path: Path) -> None:
    table = f"""| Model | Tides | {name} | Granite | Avg |
|---|---:|---:|---:|---:|
| small | 0.410 | 0.710 | 0.380 | 0.500 |
| large | 0.440 | 0.820 | 0.390 | 0.650 |
| huge | 0.470 | 0.870 | 0.400 | 0.580 |
"""
    (one,) = _found(tmp_path, table)
    assert (one.row, one.expected) == ("large", "0.550")
    assert _found(tmp_path, table.replace("0.650", "0.550")) == []


_AVERAGES = (
    "Average, **Average**, Avg., AVG, *mean*, Ø, Macro average, macro avg, Average (3),"
    " BEIR average, Avg (nDCG@10), Overall average, Mean over all, Average of 3, Avg. score,"
    " Avg ↑, μ, µ (3)"
)


@pytest.mark.parametrize("name", _AVERAGES.split(", "))
def test_an_average_is_one_under_all_its_names(name: str, tmp_path: Path) -> None:
    rows = [("tides", "0.412", "0.488"), ("granite", "0.301", "0.377"), ("bees", "0.522", "0.561")]
    rows.append((name, "0.412", "0.495"))
    down = [["Task", "small", "large"], ["---"] * 3, *map(list, rows)]
    across = [list(line) for line in zip(("Model", "small", "large"), *rows, strict=True)]
    across.insert(1, ["---"] * 5)
    for table in (down, across):
        text = "\n".join(f"| {' | '.join(line)} |" for line in table)
        (one,) = _found(tmp_path, text)
        assert (one.printed, one.expected) == ("0.495", "0.475")
        assert _found(tmp_path, text.replace("0.495", "0.475")) == []


_PERHAPS = "Overall, All, Macro, Macro score, Mean ±, mean ± std, μ ± σ, Avg. ± sd"


@pytest.mark.parametrize("name", _PERHAPS.split(", "))
def test_what_may_be_an_average_is_one_where_few_rows_already_say_so(
    name: str, tmp_path: Path
) -> None:
    rows = [("tides", "0.412", "0.488"), ("granite", "0.301", "0.377"), ("bees", "0.522", "0.561")]
    lines = [list(line) for line in zip(("Model", "small", "large"), *rows, strict=True)]
    third = ["huge", "0.501", "0.400", "0.620"]
    means = ["0.412", "0.475", "0.507"]
    for body, severity in (([*lines, third], "error"), (lines, "note")):
        for printed, found in (("0.412 0.475", []), ("0.412 0.495", [("0.495", "0.475")])):
            last = [name, *printed.split(), means[2]]
            table = [[*line, end] for line, end in zip(body, last, strict=False)]
            table.insert(1, ["---"] * 5)
            path = tmp_path / "page.md"
            path.write_text("\n".join(f"| {' | '.join(line)} |" for line in table))
            findings = review([path]).findings
            assert [(one.printed, one.expected) for one in findings] == found
            assert all(one.severity == severity for one in findings)


@given(st.data())
def test_another_figure_called_overall_raises_no_alarm(data: st.DataObject) -> None:
    """It lies at least two of its last digits from the mean in all rows but one, at most."""
    rows = []
    for at in range(data.draw(st.integers(1, 3))):
        cells = data.draw(st.lists(st.integers(150, 850), min_size=4, max_size=4))
        off = data.draw(st.integers(2, 90)) * data.draw(st.sampled_from([-1, 1])) if at else 0
        rows.append([*cells, round(sum(cells) / 4) + off])
    lines = [["M", "A", "B", "C", "D", "Overall"], ["---"] * 6]
    lines += [["m", *(f"{one / 1000:.3f}" for one in row)] for row in rows]
    with TemporaryDirectory() as folder:
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        assert [one for one in _found(Path(folder), text) if one.check == "average"] == []


def test_a_difference_stays_one_where_no_average_counts_it(tmp_path: Path) -> None:
    table = """| Model | Tides | Bees | Delta | Avg |
|---|---:|---:|---:|---:|
| small | 0.410 | 0.710 | 0.000 | 0.560 |
| large | 0.440 | 0.820 | **0.070** | 0.630 |
| huge | 0.470 | 0.870 | 0.110 | 0.670 |
"""
    assert _found(tmp_path, table) == []
    counted = """| Model | Tides | Bees | Delta | Avg |
|---|---:|---:|---:|---:|
| small | 0.410 | 0.710 | 0.000 | 0.373 |
| large | 0.440 | 0.820 | 0.270 | 0.510 |
| huge | 0.470 | 0.870 | 0.310 | 0.550 |
"""
    (one,) = _found(tmp_path, counted)
    assert (one.check, one.row, one.column) == ("zero", "small", "Delta")


_LOWER = (
    "Perplexity, PPL, WER (%), CER, Error rate, Err ↓, MSE, RMSE, EER, FID, Time ↓, Hallucination,"
    " Edit distance ↓, Avg. rank ↓, Word error rate, Miss rate, Brier score, Failures, Test loss ↓"
)


@pytest.mark.parametrize("name", _LOWER.split(", "))
def test_the_lowest_of_a_metric_of_errors_is_the_best(name: str, tmp_path: Path) -> None:
    table = f"""| Model | nDCG@10 | {name} |
|---|---:|---:|
| none | 0.310 | 19.35 |
| small | 0.420 | 15.20 |
| large | **0.510** | **13.48** |
"""
    assert _found(tmp_path, table) == []


def test_a_bold_error_that_another_row_undercuts_is_found(tmp_path: Path) -> None:
    table = "| M | WER ↓ |\n|---|---|\n| a | 3.2 |\n| b | **3.1** |\n| c | 2.8 |\n"
    (one,) = _found(tmp_path, table)
    assert (one.check, one.printed, one.expected) == ("bold", "3.1", "2.8")


@pytest.mark.parametrize("heading", ["Corpus", "Dataset", "Task", "Benchmark", "Domain", ""])
def test_a_column_of_a_method_called_average_is_no_mean(heading: str, tmp_path: Path) -> None:
    for methods in ("RRF | CombSUM | Average", "RRF | Average | Interpolation"):
        table = f"""| {heading} | {methods} |
|---|---:|---:|---:|
| tides | 0.512 | 0.520 | 0.525 |
| granite | 0.398 | 0.407 | 0.401 |
| violins | 0.433 | 0.441 | 0.440 |
"""
        assert _found(tmp_path, table) == []


@pytest.mark.parametrize("heading", ["Method", "Fusion", "Run", "Aggregation", "Model", ""])
def test_a_row_of_a_method_called_average_is_no_mean(heading: str, tmp_path: Path) -> None:
    table = f"""| {heading} | tides | granite | violins |
|---|---:|---:|---:|
| RRF | 0.512 | 0.520 | 0.525 |
| Interpolation | 0.398 | 0.407 | 0.401 |
| Average | 0.533 | 0.541 | 0.540 |
"""
    assert _found(tmp_path, table) == []


@pytest.mark.parametrize("before", ["> ", ">", "> > ", "   ", "    ", "- ", "* ", "1. ", "12) "])
def test_tables_within_quotations_and_lists_are_read(before: str, tmp_path: Path) -> None:
    text = _TABLE.format(cell="0.455", average="0.509")
    first, *rest = text.splitlines()
    # Only the first line of a list's item has its mark; a quotation has one in every line.
    after = before if before.strip() in ("", ">", "> >") else " " * len(before)
    page = "\n".join([before + first, *(after + line for line in rest)])
    (one,) = _found(tmp_path, page)
    assert (one.line, one.printed, one.expected) == (4, "0.509", "0.409")


def test_a_table_drawn_with_lines_is_read(tmp_path: Path) -> None:
    text = _TABLE.format(cell="0.455", average="0.509")
    cells = [line.strip("|").split("|") for line in text.splitlines()]
    box = ["│".join(line) for line in cells]
    box[1] = "┼".join("─" * 6 for _ in cells[1])
    grid = [f"|{'|'.join(line)}|" for line in cells]
    rule = "+-------+-------+-------+-------+"
    grid = [
        rule,
        grid[0],
        rule.replace("-", "="),
        *(part for row in grid[2:] for part in (row, rule)),
    ]
    for drawn in (box, grid):
        (one,) = _found(tmp_path, "\n".join(drawn))
        assert (one.row, one.printed, one.expected) == ("large", "0.509", "0.409")
