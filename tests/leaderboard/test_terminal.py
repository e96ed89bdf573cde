"""A table at a terminal: whole figures in any width, marks that need no colour, nothing obeyed."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.renderers.terminal import show
from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.results.figures import Better

from . import published
from .records import build

ESCAPE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")


def _shown(*tables: Table, width: int = 80, colour: bool = True) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=True, highlight=False, no_color=not colour
    )
    show(tables, console)
    return file.getvalue()


def _text(*tables: Table, width: int = 80) -> str:
    return ESCAPE.sub("", _shown(*tables, width=width))


def _table(values: list[float | None], better: Better = "higher", **keys: object) -> Table:
    rows = [
        Row(entries=(Entry(value=f"m{at}"), Entry(value=value, form="fixed", decimals=3)))
        for at, value in enumerate(values)
    ]
    columns = (Header(text="Model"), Header(text="x", align="right", better=better))
    return Table(title="T", columns=columns, rows=tuple(rows), **keys)  # type: ignore[arg-type]


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_the_best_has_a_star_and_its_equals_as_printed_too() -> None:
    lines = _lines(_text(_table([0.5001, 0.3, None, 0.4999])))
    assert lines == [
        "T",
        "Model       x",
        "─────────────",
        "m0     0.500*",
        "m1     0.300",
        "m2",
        "m3     0.500*",
        "* best of its column",
    ]


def test_the_lowest_is_best_where_less_is_better_and_one_alone_is_not() -> None:
    assert "0.300*" in _text(_table([0.5, 0.3], "lower"))
    assert "*" not in _text(_table([0.5, None]))


def test_what_is_no_model_is_never_best() -> None:
    table = _table([0.5, 0.4, 0.3])
    oracle = Row(entries=table.rows[0].entries, emphasised=True)
    text = _shown(Table(title="", columns=table.columns, rows=(oracle, *table.rows[1:])))
    assert "0.400*" in ESCAPE.sub("", text)
    assert "\x1b[2;3mm0" in text


def test_the_mark_stays_without_colours() -> None:
    text = _shown(_table([0.5, 0.3]), colour=False)
    assert "0.500*" in ESCAPE.sub("", text)
    assert "\x1b[32m" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("layout", ["beir-full", "wide"])
def test_no_figure_is_cut_in_any_width(layout: str, width: int) -> None:
    tables = build(published.records(published.FULL), load_layout(layout))
    text = _text(*tables, width=width)
    assert max(map(len, text.splitlines())) <= width
    for table in tables:
        found = set(re.findall(r"\d\.\d{3}", text))
        for row in table.rows:
            metrics = [
                entry.text for entry in row.entries if re.fullmatch(r"\d\.\d{3}", entry.text)
            ]
            assert metrics
            assert found.issuperset(metrics)


def test_a_block_is_named_once_and_groups_have_a_line() -> None:
    rows = tuple(
        Row(entries=(Entry(value=block), Entry(value=name)), group="G", block=block)
        for block, name in (("A", "x"), ("A", "y"), ("B", "x"))
    )
    columns = (Header(text="Block", spans=True), Header(text="Model", above=("Over",)))
    lines = _lines(_text(Table(title="", columns=columns, rows=rows)))
    assert lines[0] == "Block  Over: Model"
    assert lines[2:] == ["G", "A      x", "       y", "B      x"]


def test_notes_stand_below() -> None:
    text = _text(_table([0.5], notes=("Fact.", "Caution: beware.")))
    assert _lines(text)[-2:] == ["- Fact.", "- Caution: beware."]


@given(st.text(min_size=1, max_size=60))
def test_no_text_is_markup_or_a_command(text: str) -> None:
    hostile = f"[bold]{text}[/]\x1b[2J\x07"
    table = Table(
        title=hostile,
        columns=(Header(text=hostile), Header(text="x", better="higher")),
        rows=(Row(entries=(Entry(value=hostile, mark=hostile), Entry(value=0.5))),),
        notes=(hostile,),
    )
    shown = _shown(table, width=400)
    plain = ESCAPE.sub("", shown)
    assert plain.count("[bold]") >= 4
    assert "\x1b" not in plain
    assert "\x07" not in plain


def test_a_link_can_be_followed() -> None:
    entry = Entry(value="a", link="https://example.org/a")
    text = _shown(Table(title="", columns=(Header(text="x"),), rows=(Row(entries=(entry,)),)))
    assert ";https://example.org/a\x1b\\" in text
