"""Tables in forms that public pages use: what is wrong is found, and what is right is let be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
