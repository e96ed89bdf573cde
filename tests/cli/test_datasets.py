"""`rerankbench datasets` prints the catalogue, whole, at any width."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from rerankbench.cli.datasets import datasets
from rerankbench.known import collections


def printed(*arguments: str, columns: int = 80) -> str:
    app = typer.Typer()
    app.command()(datasets)
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_fits_eighty_columns_and_holds_every_id() -> None:
    lines = printed().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    for entry in collections.known():
        row = next(line for line in lines if line.startswith(f"{entry.name} "))
        assert (entry.shown_id or "none") in row
        assert f"{entry.documents:,}" in row
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_loses_nothing(columns: int) -> None:
    lines = printed(columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)


def test_json_holds_every_field() -> None:
    entries = json.loads(printed("--format", "json"))
    assert [entry["name"] for entry in entries] == [entry.name for entry in collections.known()]
    quora = next(entry for entry in entries if entry["slug"] == "quora")
    assert quora["ids"] == ["beir/quora/test"] and quora["drops_identical_ids"] is True


def test_markdown_is_a_table() -> None:
    lines = printed("--format", "markdown").splitlines()
    assert len(lines) == 2 + len(collections.known())
    assert {line.count(" | ") for line in lines} == {6}
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert ["SciFact", "beir/scifact/test", "test", "300", "5,183", "", ""] in cells
