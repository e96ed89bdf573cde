"""Pages at a terminal: the figures of the Markdown, within its width, and nothing is obeyed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from rerankbench.report.card.publish import card_text
from rerankbench.report.comparison.publish import publish
from rerankbench.types import Record
from tests.report.suite import HOSTILE, models_of, write_suite

ESCAPE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")
FIGURE = re.compile(r"\d+\.\d+")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


def _compare(folder: Path, a: str, b: str, format_name: str | None = None) -> str:
    return publish(a, b, [folder], format_name, metric=None, queries=2, library=None)


def _figures(text: str) -> list[str]:
    """Those with a point; stars of Markdown and lines of the terminal stand between them."""
    return sorted(FIGURE.findall(ESCAPE.sub("", text)))


def _is_for_terminals(text: str) -> bool:
    shown = ESCAPE.sub("", text)
    too_wide = [line for line in shown.splitlines() if len(line.rstrip()) > 80]
    return not too_wide and "| ---" not in shown and "\x1b" not in shown


@pytest.mark.usefixtures("terminal")
def test_a_comparison_at_a_terminal_has_the_figures_of_markdown(tmp_path: Path) -> None:
    write_suite(tmp_path, models_of(2), ["scifact", "nfcorpus"])
    first, second = models_of(2)
    shown = _compare(tmp_path, first, second)
    assert _is_for_terminals(shown)
    assert _figures(shown) == _figures(_compare(tmp_path, first, second, "markdown"))


@pytest.mark.usefixtures("terminal")
def test_a_card_at_a_terminal_has_the_figures_of_markdown(tmp_path: Path) -> None:
    records = write_suite(tmp_path, models_of(2), ["scifact", "nfcorpus"]).records
    shown = card_text(records, models_of(1)[0], None)
    assert _is_for_terminals(shown)
    assert _figures(shown) == _figures(card_text(records, models_of(1)[0], "markdown"))


def _all_cards(records: Sequence[Record]) -> list[str]:
    return [card_text(records, name, None) for name in {r.cell.reranker.name for r in records}]


@pytest.mark.usefixtures("terminal")
def test_hostile_names_command_no_terminal(tmp_path: Path) -> None:
    names = [*HOSTILE, "[bold red]x[/]\x1b[31m", "a\nb"]
    records = write_suite(tmp_path, names, ["<b>x</b>"]).records
    for text in [*_all_cards(records), _compare(tmp_path, names[-1], names[-2])]:
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    assert "[bold red]x[/]" in _compare(tmp_path, names[-1], names[-2])


def test_piped_is_markdown(tmp_path: Path) -> None:
    records = write_suite(tmp_path, models_of(2), ["scifact"]).records
    name, other = models_of(2)
    assert card_text(records, name, None) == card_text(records, name, "markdown")
    assert _compare(tmp_path, name, other) == _compare(tmp_path, name, other, "markdown")
