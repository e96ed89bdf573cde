"""The shell of a page: text stays text, and the browser is told to load nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import fill, isolated
from rerankbench.report.page import link, page
from rerankbench.report.sections.section import Section


class _Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and all text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.seen = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.seen += data


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b", "</title><b>"]


def _page(title: str = "t", *, script: str = "", text: str = "x", description: str = "d") -> str:
    """A report of one section whose only text is `text`."""
    part = Section(identifier="s", title=text, blocks=(isolated(text), link(text, text)))
    return page(
        "report.html",
        title,
        description=description,
        contents=[("s", text)],
        script=script,
        parts=[part],
    )


def _filled(source: str, folder: Path, **values: object) -> str:
    (folder / "own.html").write_text(source, encoding="utf-8")
    return fill("own.html", folder, **values)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text_wherever_it_is_put(name: str, tmp_path: Path) -> None:
    reader = _Reader(_page(name, text=name, description=name))
    assert not {"script", "img", "b"} & {element for element, _ in reader.elements}
    assert not any(key.startswith("on") for _, keys in reader.elements for key in keys)
    assert reader.seen.count(name) >= 5
    attribute = _Reader(_filled('<p title="{{ name }}">{{ name }}</p>', tmp_path, name=name))
    assert attribute.elements == [("p", {"title": name})]
    assert attribute.seen == name


@given(st.text())
def test_any_text_is_one_text_node_on_one_line(value: str) -> None:
    reader = _Reader(isolated(value))
    assert [element for element, _ in reader.elements] == ["bdi"]
    assert reader.seen.isprintable()
    if value.isprintable():
        assert reader.seen.split() == value.split()


def test_a_name_written_from_right_to_left_cannot_turn_its_neighbours_round(
    tmp_path: Path,
) -> None:
    name = "\u202eevil"
    assert isolated(name) == "<bdi>\ufffdevil</bdi>"
    made = _filled('<p title="{{ name }}">{{ name }}</p>', tmp_path, name=name)
    assert "\u202e" not in made


def test_only_markup_is_left_as_it_is(tmp_path: Path) -> None:
    values = {"markup": Markup("<b>x</b>"), "plain": "<b>x</b>"}
    made = _filled("<p>{{ markup }}{{ plain }}</p>", tmp_path, **values)
    assert made == "<p><b>x</b>&lt;b&gt;x&lt;/b&gt;</p>"


def test_a_value_that_a_template_lacks_is_an_error_and_no_gap(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        _filled("{{ forgotten }}", tmp_path)


def test_only_web_addresses_and_places_in_the_page_become_links() -> None:
    assert link("https://example.org/a?b=1&c", "x") == (
        '<a href="https://example.org/a?b=1&amp;c" rel="noreferrer"><bdi>x</bdi></a>'
    )
    assert '<a href="#s">x</a>' in _page()
    for address in ("javascript:alert(1)", "data:text/html,x", "//example.org", "file:///etc"):
        assert link(address, "x") == "<bdi>x</bdi>"


def test_the_policy_allows_the_pages_own_script_and_no_other() -> None:
    script = "document.title = 'x';"
    made = _page(script=script)
    policy = _policy(made)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert f"<script>{script}</script>" in made
    bare = _page()
    assert "script-src 'none'" in _policy(bare)
    assert "<script" not in bare
    assert "<button" not in bare


def test_a_page_has_a_language_landmarks_and_one_first_heading() -> None:
    made = _page(text="Part")
    elements = _Reader(made).elements
    assert made.startswith('<!doctype html>\n<html lang="en">')
    assert [name for name, _ in elements].count("h1") == 1
    assert [keys for name, keys in elements if name == "main"] == [
        {"id": "main", "tabindex": "-1"}
    ]
    assert ("section", {"id": "s", "aria-labelledby": "s-title"}) in elements
    assert re.search(r"url\(|@import", made) is None


def _policy(made: str) -> str:
    [found] = [
        keys["content"]
        for element, keys in _Reader(made).elements
        if element == "meta" and keys.get("http-equiv") == "Content-Security-Policy"
    ]
    return found or ""
