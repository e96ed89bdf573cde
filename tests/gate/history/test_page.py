"""The example on the page of `history` is what the command prints.

`python -m tests.gate.history.test_page` writes it anew.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rerankbench import cli
from rerankbench.types import Record

from ..records import record
from .repository import Repository

PAGE = Path(__file__).resolve().parents[3] / "docs" / "history.md"
START = "<!-- written by python -m tests.gate.history.test_page -->\n"
END = "\n## How to read it\n"
COMMITS: Sequence[tuple[str, str, int, float]] = (
    ("Keep a baseline", "2.4", 512, 0.0),
    ("Use torch 2.5", "2.5", 512, 0.0),
    ("Cut pairs at 128 tokens", "2.5", 128, -0.05),
    ("Train on harder negatives", "2.5", 128, 0.02),
)
"""Subject, torch, tokens of a pair, and how far queries move in the mean."""


def _record(torch: str, max_length: int, moves: Sequence[float]) -> Record:
    values = [0.5 + at % 10 / 50 + _moved(at, moves) for at in range(40)]
    made = record(values, "ours")
    reranker = replace(made.cell.reranker, max_length=max_length)
    return replace(
        made,
        environment=replace(made.environment, packages={"torch": torch}),
        cell=replace(made.cell, reranker=reranker),
    )


def _moved(at: int, moves: Sequence[float]) -> float:
    """Every commit moves queries up and down; some of them more down than up."""
    uneven = ((at * 4 + 3 * len(moves)) % 11 - 5) * 0.004
    return sum(moves) + uneven * (len(moves) > 1)


def _example() -> str:
    with tempfile.TemporaryDirectory() as place:
        repository = Repository(Path(place))
        moves: list[float] = []
        for subject, torch, max_length, move in COMMITS:
            moves.append(move)
            repository.commit_records(_record(torch, max_length, moves), subject=subject)
        out = io.StringIO()
        with contextlib.chdir(place), contextlib.redirect_stdout(out):
            assert cli._run(["history", "main"]) == 0
    return out.getvalue()


def _page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text[: text.index(START)], text[text.index(END) :]
    return f"{head}{START}\n{_example()}{tail}"


def _without_hashes(text: str) -> str:
    """A commit's hash depends on every byte of a record, whose form may grow."""
    return re.sub(r"\b[0-9a-f]{7}\b", "-------", text)


def test_the_example_is_what_is_printed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert _without_hashes(_page()) == _without_hashes(page)
    assert page.count("2026-12-04") == _without_hashes(page).count("------- | 2026-12-04") + 1


def test_the_page_names_every_option() -> None:
    page = PAGE.read_text()
    options = set(re.findall(r"`(--[a-z]+)", page))
    source = (Path(cli.__file__).parent / "history.py").read_text()
    assert {"--metric", "--model", "--collection", "--format", "--plot"} <= options
    assert set(re.findall(r"^    (\w+): Annotated", source, re.M)) == {
        *("path", "metric", "model", "collection", "format_name", "plot")
    }


if __name__ == "__main__":
    PAGE.write_text(_page(), encoding="utf-8")
