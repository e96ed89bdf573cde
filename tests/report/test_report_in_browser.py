"""The report in a real browser: quiet, sortable by keyboard, legible, and never too wide."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from rerankbench.leaderboard.renderers import html
from rerankbench.leaderboard.table import Entry, Row, Table, headers
from rerankbench.report.report import render, sections
from tests.report.suite import HOSTILE, models_of, write_suite

pytestmark = pytest.mark.slow

DESKTOP, PHONE = (1280, 900), (390, 844)
CONTRAST = """
([selectors]) => {
  const curve = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const channel = (value) => curve(value / 255);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  for (const selector of selectors) {
    for (const element of document.querySelectorAll(selector)) {
      const isPicture = element instanceof SVGElement;
      const colour = parse(getComputedStyle(element)[isPicture ? "fill" : "color"]);
      const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      found[selector] = Math.min(found[selector] ?? 99, ratio);
    }
  }
  return found;
}
"""
# The words of tables that stand on two lines, but for those as long as a line.
BROKEN = """
() => {
  const found = [];
  for (const cell of document.querySelectorAll("th, td, caption")) {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      for (const { 0: word, index } of node.data.matchAll(/[A-Za-z0-9.]+/g)) {
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (word.length < 16 && lines.size > 1) found.push(word);
      }
    }
  }
  return found;
}
"""
TEXTS = ["h1", "h2", "h3", "h4", "p", "li", "a", "td", "th", "dt", "dd", "summary", "figcaption",
         "#theme", ".card b", ".card span", "svg text", "tr.emphasised th", "sup"]  # fmt: skip
_OF_HTML = "document.documentElement"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    archive = write_suite(folder / "results", [*HOSTILE, *models_of(3)], ["scifact", "<i>x</i>"])
    path = folder / "report.html"
    path.write_text(render(sections(archive)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        # A container's root has no sandbox to run in.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


def _open(
    browser: Browser,
    report: Path,
    size: tuple[int, int],
    *,
    dark: bool = False,
    script: bool = True,
) -> tuple[Page, list[str]]:
    """The page, and what it asked for or complained of."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.goto(report.as_uri())
    return page, heard


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_is_quiet_and_asks_for_nothing(
    browser: Browser, report: Path, size: tuple[int, int]
) -> None:
    page, heard = _open(browser, report, size)
    page.wait_for_load_state("networkidle")
    assert heard == [report.as_uri()]
    assert page.locator("svg:visible").count() == page.locator("figure").count() == 7


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 700)], ids=["desktop", "phone", "small"])
def test_the_page_is_never_wider_than_the_screen(
    browser: Browser, report: Path, size: tuple[int, int]
) -> None:
    page, _ = _open(browser, report, size)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate(f"{_OF_HTML}.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_tables_break_no_word_that_fits_a_line(
    browser: Browser, report: Path, size: tuple[int, int]
) -> None:
    page, _ = _open(browser, report, size)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate(BROKEN) == []


def _edge(page: Page, selector: str) -> list[int]:
    """How light the last four pixels are, near the bottom, where no text stands."""
    picture = Image.open(BytesIO(page.locator(selector).first.screenshot())).convert("L")
    right, row = picture.width, picture.height - 4
    return list(picture.crop((right - 4, row, right, row + 1)).tobytes())


def test_a_shade_shows_where_there_is_more_and_goes_at_the_end(
    browser: Browser, report: Path
) -> None:
    page, _ = _open(browser, report, PHONE)
    for selector in ("#leaderboards .wide", "nav ul"):
        shaded = _edge(page, selector)
        page.evaluate(
            "(selector) => { const one = document.querySelector(selector);"
            " one.style.scrollBehavior = 'auto'; one.scrollLeft = one.scrollWidth; }",
            selector,
        )
        [paper] = set(_edge(page, selector))
        assert min(shaded) < paper - 20


def test_notes_stand_beside_a_narrow_table_and_below_a_wide_one(
    browser: Browser, tmp_path: Path
) -> None:
    rows = (Row(entries=(Entry(value="a model"), Entry(value=0.5, form="fixed", decimals=1))),)
    narrow = Table(title="Few", columns=headers(("Model", "x")), rows=rows, notes=("A note.",))
    heads = headers([f"Column {number}" for number in range(14)])
    wide = Table(
        title="Many",
        columns=heads,
        rows=(Row(entries=(Entry(value="a model"),) * 14),),
        notes=("A note.",),
    )
    path = tmp_path / "tables.html"
    path.write_text(html.render([narrow, wide]), encoding="utf-8")
    page, _ = _open(browser, path, DESKTOP)
    tables, notes = page.locator(".wide"), page.locator(".notes")
    boxes = [(tables.nth(at).bounding_box(), notes.nth(at).bounding_box()) for at in (0, 1)]
    (table, note), (other_table, other_note) = boxes
    assert table and note and other_table and other_note
    assert note["x"] >= table["x"] + table["width"]
    assert note["y"] < table["y"] + table["height"]
    assert other_note["y"] >= other_table["y"] + other_table["height"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(
    browser: Browser, report: Path, dark: bool
) -> None:
    page, _ = _open(browser, report, DESKTOP, dark=dark)
    ratios: dict[str, float] = page.evaluate(CONTRAST, [TEXTS])
    assert set(ratios) == set(TEXTS)
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


def test_dark_and_light_change_by_keyboard(browser: Browser, report: Path) -> None:
    page, _ = _open(browser, report, DESKTOP)
    paper = f"getComputedStyle({_OF_HTML}).getPropertyValue('--paper')"
    light = page.evaluate(paper)
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert page.evaluate(paper) != light
    page.keyboard.press("Space")
    assert page.evaluate(paper) == light
    dark, _ = _open(browser, report, DESKTOP, dark=True)
    assert dark.locator("#theme").get_attribute("aria-pressed") == "true"


def _column(page: Page, at: int) -> list[str]:
    rows = page.locator("#leaderboards table").first.locator("tbody tr")
    return [rows.nth(row).locator("th, td").nth(at).inner_text() for row in range(rows.count())]


def test_tables_sort_by_keyboard_and_keep_blanks_last(browser: Browser, report: Path) -> None:
    page, _ = _open(browser, report, DESKTOP)
    heads = page.locator("#leaderboards table").first.locator("thead th")
    speed = list(heads.all_inner_texts()).index("Docs/s")
    heads.nth(speed).locator("button").focus()
    for key, order, reverse in (("Enter", "descending", True), ("Space", "ascending", False)):
        page.keyboard.press(key)
        assert heads.nth(speed).get_attribute("aria-sort") == order
        values = _column(page, speed)
        numbers = [float(value) for value in values if value]
        assert numbers == sorted(numbers, reverse=reverse)
        assert values[len(numbers) :] == [""]
    heads.nth(0).locator("button").click()
    assert heads.nth(speed).get_attribute("aria-sort") is None
    assert heads.nth(0).get_attribute("aria-sort") == "ascending"
    names = _column(page, 0)
    assert names.index("owner/model-0") < names.index("owner/model-1")


def test_a_keyboard_reaches_the_content_and_every_table(browser: Browser, report: Path) -> None:
    page, _ = _open(browser, report, PHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for frame in page.locator(".wide").all():
        assert frame.get_attribute("tabindex") == "0"
        assert frame.get_attribute("role") == "region"
        assert frame.get_attribute("aria-label")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.keyboard.press("Tab")
    assert page.evaluate(outline) == "solid"


def test_a_screen_reader_finds_landmarks_pictures_and_buttons(
    browser: Browser, report: Path
) -> None:
    page, _ = _open(browser, report, DESKTOP)
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("img", name="Quality against speed").count() == 1
    assert page.get_by_role("button", name="Dark").count() == 1
    assert page.get_by_role("region", name="Leaderboards", exact=True).count() == 1


def test_without_script_everything_is_there_to_read(browser: Browser, report: Path) -> None:
    page, heard = _open(browser, report, DESKTOP, script=False)
    assert [one for one in heard if not one.startswith("file:")] == []
    assert page.locator("button:visible").count() == 0
    assert page.locator("svg:visible").count() == 7
    page.locator("summary").first.click()
    assert page.locator("details table").first.is_visible()


def test_hostile_names_are_seen_as_they_are_written(browser: Browser, report: Path) -> None:
    page, _ = _open(browser, report, DESKTOP)
    names = page.locator("#leaderboards table").first.locator("tbody th").all_inner_texts()
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[4]} <= set(names)
    assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
