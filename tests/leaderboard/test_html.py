"""Tables as HTML: what a screen reader needs, raw values for sorting, text that stays text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.leaderboard.renderers import html
from rerankbench.leaderboard.table import Entry, Header, Row, Table

Tag = tuple[str, dict[str, str | None]]
VOID = {"meta", "br"}


class _Reader(HTMLParser):
    """The tags in order, and the text inside each, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.texts: dict[int, str] = {}
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(len(self.tags) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.tags[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for at in self._open:
            self.texts[at] = self.texts.get(at, "") + data

    def found(self, name: str) -> list[tuple[dict[str, str | None], str]]:
        """Attributes and text of every element of that name."""
        return [
            (attributes, self.texts.get(at, ""))
            for at, (tag, attributes) in enumerate(self.tags)
            if tag == name
        ]


def _table() -> Table:
    columns = (
        Header(text="Backbone", spans=True, align="left"),
        Header(text="Model", align="left"),
        Header(text="Avg", align="right", above=("BEIR", "all")),
        Header(text="NQ", align="right", above=("BEIR", "all")),
        Header(text="FiQA", align="right", above=("BEIR",)),
    )
    rows = tuple(
        Row(
            entries=(
                Entry(value=block),
                Entry(value=name, link="https://example.org/?a=1&b"),
                Entry(value=value, form="fixed", decimals=2, strong=value == 0.5, mark="a"),
                Entry(),
                Entry(value=3, form="fixed"),
            ),
            group="G",
            block=block,
            emphasised=name == "bm25",
        )
        for block, name, value in (("A", "x", 0.5), ("A", "bm25", 0.25), ("B", "x", 0.125))
    )
    return Table(title="Title", columns=columns, rows=rows, notes=("A note.",))


def test_heads_span_what_stands_under_them() -> None:
    heads = [
        (text, one.get("scope"), one.get("colspan"), one.get("rowspan"))
        for one, text in _Reader(html.fragment([_table()])).found("th")
    ][:7]
    assert heads == [
        ("Backbone", "col", None, "3"),
        ("Model", "col", None, "3"),
        ("BEIR", "colgroup", "3", None),
        ("all", "colgroup", "2", None),
        ("FiQA", "col", None, "2"),
        ("Avg", "col", None, None),
        ("NQ", "col", None, None),
    ]


def test_rows_are_named_and_blocks_span_their_rows() -> None:
    found = _Reader(html.fragment([_table()])).found("th")[7:]
    assert [(text, one.get("scope"), one.get("rowspan")) for one, text in found] == [
        ("G", "rowgroup", None),
        ("A", "rowgroup", "2"),
        ("x", "row", None),
        ("bm25", "row", None),
        ("B", "rowgroup", "1"),
        ("x", "row", None),
    ]


def test_numbers_carry_their_raw_values_and_blanks_none() -> None:
    cells = _Reader(html.fragment([_table()])).found("td")
    assert [(text, one.get("data-value")) for one, text in cells[:3]] == [
        ("0.50a", "0.5"),
        ("", None),
        ("3", "3"),
    ]


def test_marks_links_and_what_stands_out() -> None:
    reader = _Reader(html.fragment([_table()]))
    assert [text for _, text in reader.found("sup")] == ["a"] * 3
    assert [text for _, text in reader.found("strong")] == ["0.50"]
    assert reader.found("a")[0][0]["href"] == "https://example.org/?a=1&b"
    assert [one["class"] for one, _ in reader.found("tr") if "class" in one] == [
        "group",
        "emphasised",
    ]
    assert [text for _, text in reader.found("li")] == ["A note."]


def test_a_table_scrolls_in_a_frame_that_the_keyboard_reaches() -> None:
    frames = [keys for keys, _ in _Reader(html.fragment([_table()])).found("div")]
    [frame] = [keys for keys in frames if keys["class"] == "wide"]
    assert (frame["role"], frame["tabindex"], frame["aria-label"]) == ("region", "0", "Title")


def test_a_page_is_whole_and_loads_nothing() -> None:
    text = html.render([_table()])
    reader = _Reader(text)
    assert text.startswith("<!doctype html>")
    assert reader.found("title") == [({}, "Title")]
    assert reader.found("caption")[0][1] == "Title"
    metas = [attributes for attributes, _ in reader.found("meta")]
    policies = [one["content"] for one in metas if "http-equiv" in one]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]
    assert {"script", "img", "link", "iframe"}.isdisjoint(tag for tag, _ in reader.tags)
    assert "prefers-color-scheme: dark" in text
    assert any(one.get("name") == "viewport" for one in metas)


def test_a_continued_table_says_so() -> None:
    first = _table()
    second = Table(title="", columns=first.columns, rows=first.rows, continues=True)
    captions = [text for _, text in _Reader(html.fragment([first, second])).found("caption")]
    assert captions == ["Title", "Title (continued)"]


@given(st.text(min_size=1, max_size=40))
def test_text_stays_text(text: str) -> None:
    hostile = f"<script>alert(1)</script>\"'&{text}"
    table = Table(
        title=hostile,
        columns=(Header(text=hostile, above=(hostile,)),),
        rows=(Row(entries=(Entry(value=hostile, mark=hostile),), group=hostile),),
        notes=(hostile,),
    )
    reader = _Reader(html.render([table]))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert reader.found("caption")[0][1].startswith("<script>alert(1)</script>\"'&")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", 'x" onclick="y'])
def test_only_addresses_of_the_web_are_followed(link: str) -> None:
    table = Table(
        title="T",
        columns=(Header(text="x"),),
        rows=(Row(entries=(Entry(value="a", link=link),)),),
    )
    assert _Reader(html.fragment([table])).found("a") == []


def test_a_blank_square_leads_nowhere() -> None:
    entry = Entry(link="https://example.org", strong=True)
    table = Table(title="T", columns=(Header(text="x"),), rows=(Row(entries=(entry,)),))
    assert '<td class="text"></td>' in html.fragment([table])


def test_names_from_the_right_to_the_left_keep_their_direction_to_themselves() -> None:
    table = Table(
        title="T", columns=(Header(text="x"),), rows=(Row(entries=(Entry(value="نموذج"),)),)
    )
    assert "<bdi>نموذج</bdi>" in html.fragment([table])
