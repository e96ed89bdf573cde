"""What a person sees: nothing can drive the terminal, and quiet means quiet."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rerankbench import console
from rerankbench.console import Terminal, printable, showing_log

NASTY = "\x1b[31mred\x07 [bold]x[/bold] \u202eevil\r\nnext"


def _in_a_terminal(verbosity: int = 0) -> tuple[Terminal, io.StringIO]:
    terminal, seen = Terminal(verbosity=verbosity), io.StringIO()
    terminal._console = Console(file=seen, force_terminal=True, width=100, highlight=False)
    return terminal, seen


@given(st.text())
def test_printable_text_has_no_control_characters_and_keeps_the_others(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


def test_control_characters_are_shown_and_not_sent() -> None:
    assert printable("a\x1b[2J\tb\u202ec\x00é漢") == "a\\x1b[2J\\tb\\u202ec\\x00é漢"


@pytest.mark.parametrize("say", [Terminal.note, Terminal.warn, Terminal.error])
def test_messages_go_to_stderr_escaped_with_their_brackets(
    say: Callable[[Terminal, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    say(Terminal(), NASTY)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err and "\x07" not in err and "\u202e" not in err
    assert "\\x1b[31mred\\x07 [bold]x[/bold] \\u202eevil" in err


def test_an_error_of_several_lines_is_several_errors(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().error("one\ntwo")
    assert capsys.readouterr().err == "error: one\nerror: two\n"


def test_long_messages_stay_on_one_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    text = "many words " * 25
    Terminal().warn(text)
    assert capsys.readouterr().err == f"warning: {text}\n"


@pytest.mark.parametrize(("verbosity", "notes"), [(-1, 0), (0, 1), (1, 1)])
def test_quiet_drops_notes_but_never_warnings_and_errors(
    verbosity: int, notes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(verbosity=verbosity)
    terminal.note("a fact")
    terminal.warn("careful")
    terminal.error("over")
    expected = ["a fact"] * notes + ["warning: careful", "error: over"]
    assert capsys.readouterr().err.splitlines() == expected


@pytest.mark.parametrize(
    ("verbosity", "total", "line"),
    [
        (-1, 3, ""),
        (0, 3, ""),
        (1, 12345, "sco\\x1b[b]ring (12,345 pairs)\n"),
        (1, None, "sco\\x1b[b]ring\n"),
    ],
)
def test_a_task_in_a_log_is_named_only_when_verbose(
    verbosity: int, total: int | None, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Terminal(verbosity=verbosity).task("sco\x1b[b]ring", total, "pairs") as advance:
        advance(1)
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("total", [7, None])
def test_a_task_in_a_terminal_is_a_bar_that_moves_and_goes_away(total: int | None) -> None:
    terminal, seen = _in_a_terminal()
    with terminal.task("sco\x07[b]ring", total, "pairs") as advance:
        advance(3)
    shown = seen.getvalue()
    assert "sco\\x07[b]ring" in shown
    assert "\x07" not in shown
    assert f"3/{total or '?'}" in shown.replace(" ", "")
    # The last thing sent erases the line that the bar was on.
    assert shown.endswith("\x1b[2K")


def test_a_quiet_terminal_shows_no_bar() -> None:
    terminal, seen = _in_a_terminal(verbosity=-1)
    with terminal.task("scoring", 7, "pairs") as advance:
        advance(7)
    assert seen.getvalue() == ""


def test_the_module_prints_on_stderr_by_default() -> None:
    assert console.Terminal()._console.stderr


def test_what_the_package_logs_is_shown_as_its_warnings_and_nothing_else_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, others = logging.getLogger("rerankbench.collections.content"), logging.getLogger("theirs")
    with showing_log(Terminal(verbosity=-1)):
        log.warning("%s: does not verify", "a\x1b[2Jb")
        log.info("no line of this")
        others.propagate = False
        others.addHandler(logging.NullHandler())
        others.warning("nor of this")
    assert capsys.readouterr().err == "warning: a\\x1b[2Jb: does not verify\n"
    assert not logging.getLogger("rerankbench").handlers
