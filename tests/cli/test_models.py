"""`rerankbench models` prints what is known, whole, at any width."""

from __future__ import annotations

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from rerankbench.cli.models import models
from rerankbench.known import models as known_models
from rerankbench.known.models import KnownModel

from .conftest import Command


def printed(*arguments: str, columns: int = 80) -> str:
    app = typer.Typer()
    app.command()(models)
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_fits_eighty_columns_and_holds_every_model() -> None:
    text = printed()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text and "\x1b" not in text
    together = re.sub(r"\s", "", text)
    for entry in known_models.known():
        assert entry.name[:40] in text
        # A name that is wider than its column goes on in the next line.
        assert entry.name in text or entry.name[-3:] in together
        assert f"{entry.provider}, {entry.family}\n" in text
        if entry.price:
            assert "".join(entry.price.text.split()) in together


def test_a_row_holds_licence_month_size_and_length() -> None:
    row = next(line for line in printed("MiniLM-L-12").splitlines() if line.startswith("cross-"))
    assert row.split() == [
        "cross-encoder/ms-marco-MiniLM-L12-v2",
        "Apache-2.0",
        "2021-04",
        "33.4M",
        "512",
    ]


def test_columns_stand_below_each_other_in_all_sections() -> None:
    header, *rows = printed().splitlines()
    places = [
        row.index("Apache-2.0")
        for row in rows
        if row.startswith(("BAAI/", "Qwen/")) and "Apache-2.0" in row
    ]
    assert len(places) == 5 and set(places) == {header.index("Licence")}


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_loses_nothing(columns: int) -> None:
    lines = printed(columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)


def test_a_very_long_name_goes_on_in_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "organisation/" + "x" * 70
    entry = KnownModel(name=name, family="http")
    monkeypatch.setattr(known_models, "known", lambda: (entry,))
    text = printed()
    assert max(map(len, text.splitlines())) <= 80
    assert name in re.sub(r"\s", "", text)
    assert "\n\n\n" not in text


def test_json_holds_every_field_and_reads_back() -> None:
    entries = json.loads(printed("--format", "json"))
    assert len(entries) == len(known_models.known())
    for entry in entries:
        price = entry.pop("price")
        aliases = tuple(entry.pop("aliases"))
        known = known_models.find(entry["name"])
        assert known is not None
        back = KnownModel(**entry, aliases=aliases, price=known.price)
        assert back == known
        if known.price is None:
            assert price is None
        else:
            known_price = known.price
            assert price == {
                "amount": known_price.amount,
                "currency": known_price.currency,
                "unit": known_price.unit,
                "date": known_price.date,
            }


def test_markdown_is_a_table() -> None:
    lines = printed("--format", "markdown").splitlines()
    assert len(lines) == 2 + len(known_models.known())
    assert {line.count(" | ") for line in lines} == {8}
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    family, note = "sequence-classification", ""
    row = ["BAAI/bge-reranker-base", "MIT", "2023-09-12", "278M", "512", family, "BAAI", "", note]
    assert row in cells


def test_markdown_escapes_what_could_end_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = KnownModel(name="a|b", family="http", provider="<c>", note="*d*")
    monkeypatch.setattr(known_models, "known", lambda: (entry,))
    last = printed("--format", "markdown").splitlines()[-1]
    cells = last.removeprefix("| ").removesuffix(" |").split(" | ")
    assert [cell.strip() for cell in cells if cell.strip()] == [
        *(r"a\|b", "http", "&lt;c&gt;", r"\*d\*"),
    ]


def test_a_filter_leaves_the_others_out() -> None:
    names = [entry["name"] for entry in json.loads(printed("voyage", "--format", "json"))]
    assert names == ["rerank-2.5", "rerank-2.5-lite", "rerank-3", "rerank-3-lite"]


def test_a_filter_that_fits_nothing_is_one_line_and_exit_code_2(command: Command) -> None:
    done = command("models", "no-such-model")
    assert (done.code, done.out) == (2, "")
    assert "no known model has 'no-such-model' in its name" in " ".join(done.err.split())


def test_the_command_is_registered(command: Command) -> None:
    done = command("models", "zephyr")
    assert done.code == 0
    assert "castorini/rank_zephyr_7b_v1_full" in done.out
