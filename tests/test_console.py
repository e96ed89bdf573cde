"""What a person sees: nothing can drive the terminal, and quiet means quiet."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rerankbench import console
from rerankbench.console import Terminal, printable, showing_log
from rerankbench.console.terminal import _Line
from rerankbench.console.text import fitted
from rerankbench.progress import Left, Pace

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
    assert (" 42% " if total else " 3 pairs ") in shown
    assert "0:00 so far" in shown
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


@dataclass
class Clock:
    """A clock that is set."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


class SecondOfSix:
    """A place from which as much is left again after the cell as within it, and a minute."""

    text = "cell 2 of 6"

    def left(self, pace: Pace) -> Left:
        if pace.left_s is None:
            return Left(cell_s=None)
        return Left(cell_s=pace.left_s, run_s=2 * pace.left_s + 60, is_rough=pace.left_s < 100)


def test_without_a_terminal_a_line_every_30_seconds_says_what_is_done_how_fast_and_how_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    terminal = Terminal(clock=clock)
    said: list[tuple[float, str]] = []
    with terminal.task("scifact: candidates of bm25", None, ""):
        for clock.now_s in (10.0, 29.0, 30.0, 31.0):
            terminal.say_if_due()
            said += [(clock.now_s, line) for line in capsys.readouterr().err.splitlines()]
    terminal.place(SecondOfSix())
    with terminal.task("tiny", 10_000, "docs") as advance:
        advance(1_000)
        for clock.now_s in map(float, range(32, 102)):
            # The first thousand were there before: 20 a second make 8,600 last 430 seconds.
            advance(20)
            terminal.say_if_due()
            said += [(clock.now_s, line) for line in capsys.readouterr().err.splitlines()]
    terminal.say_if_due()
    assert said == [
        (30.0, "scifact: candidates of bm25: 0:30 so far"),
        (
            60.0,
            "cell 2 of 6, tiny: 15%, 1,580 of 10,000 docs, 20 docs/s, 7:01 left, run 15:02",
        ),
        (
            90.0,
            "cell 2 of 6, tiny: 21%, 2,180 of 10,000 docs, 20 docs/s, 6:31 left, run 14:02",
        ),
    ]
    assert capsys.readouterr().err == ""


def test_quiet_says_nothing_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    terminal = Terminal(verbosity=-1, clock=clock)
    with terminal.task("scoring", 7, "docs"):
        threads = [each.name for each in threading.enumerate()]
    assert "progress" not in threads
    assert capsys.readouterr().err == ""


def test_a_log_is_spoken_to_while_nothing_advances(capsys: pytest.CaptureFixture[str]) -> None:
    spoken = threading.Event()
    terminal = Terminal(clock=Clock())
    terminal.say_if_due = spoken.set  # type: ignore[method-assign]
    with terminal.task("loading tiny", None, ""):
        assert spoken.wait(60)
    assert "progress" not in [each.name for each in threading.enumerate()]


@pytest.mark.parametrize(
    "label",
    ["tiny", "loading cross-encoder/ms-marco-MiniLM-L6-v2", "Alibaba-NLP/gte-x: measuring speed"],
)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_in_a_terminal_has_all_facts_and_fits(label: str, width: int) -> None:
    clock, seen = Clock(), io.StringIO()
    terminal = Terminal(verbosity=-1, clock=clock)
    terminal.place(SecondOfSix())
    with terminal.task(label, 100_000, "docs") as advance:
        advance(0)
        clock.now_s = 10.0
        advance(13_450)
        Console(file=seen, width=width).print(_Line(terminal))
    (line,) = seen.getvalue().splitlines()
    line = line.rstrip()
    assert len(line) <= width
    assert "cell 2 of 6: " in line
    assert line.endswith("1:04 left, run ~3:09")
    assert ("1,345 docs/s" in line) is (width >= 80 or label == "tiny")
    if label == "tiny":
        assert (" tiny " in line) and ("━" in line) is (width >= 80)


@pytest.mark.parametrize(
    ("label", "width", "shown"),
    [
        ("tiny-l2-h128-ce: measuring speed", 40, "tiny-l2-h128-ce: measuring speed"),
        ("tiny-l2-h128-ce: measuring speed", 28, "tiny-l2…: measuring speed"),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", 25, "ms-marco-MiniLM-L6-v2"),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", 18, "ms-marco-MiniLM…"),
        ("loading cross-encoder/ms-marco-MiniLM-L6-v2", 29, "loading ms-marco-MiniLM-L6-v2"),
        ("onewordthatislong", 8, "oneword…"),
    ],
)
def test_a_label_is_shortened_at_a_joint(label: str, width: int, shown: str) -> None:
    assert fitted(label, width) == shown


@given(st.text(alphabet="ab-/: ", max_size=40), st.integers(min_value=1, max_value=30))
def test_no_label_is_wider_than_its_room(label: str, width: int) -> None:
    assert len(fitted(label, width)) <= width
