"""The error tree: exit codes, one-line messages, hints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench import errors
from rerankbench.errors import InputError, NewerFileError, RerankbenchError, nearest, shortened


def _all_errors() -> dict[str, type[RerankbenchError]]:
    found: dict[str, type[RerankbenchError]] = {}
    pending = [RerankbenchError]
    while pending:
        each = pending.pop()
        found[each.__name__] = each
        pending += each.__subclasses__()
    return {name: each for name, each in found.items() if each.__module__ == errors.__name__}


def test_the_tree_in_the_docstring_names_every_error_with_its_exit_code() -> None:
    drawn = re.findall(r"^[│├└─ ]*(\w+Error) +(\d)", errors.__doc__ or "", flags=re.MULTILINE)
    assert {name: int(code) for name, code in drawn} == {
        name: each.exit_code for name, each in _all_errors().items()
    }


def test_only_failed_cells_exit_with_1() -> None:
    assert {name for name, each in _all_errors().items() if each.exit_code == 1} == {
        "CellsFailedError"
    }


@pytest.mark.parametrize(
    ("line", "remedy", "message"),
    [
        (None, "", "a/b.tsv: is odd"),
        (7, "", "a/b.tsv:7: is odd"),
        (None, "mend it", "a/b.tsv: is odd; mend it"),
        (7, "mend it", "a/b.tsv:7: is odd; mend it"),
    ],
)
def test_input_error_is_one_line_place_problem_remedy(
    line: int | None, remedy: str, message: str
) -> None:
    assert str(InputError(Path("a/b.tsv"), "is odd", line=line, remedy=remedy)) == message


def test_newer_file_names_the_file_both_schemas_and_says_to_upgrade() -> None:
    message = str(NewerFileError(Path("r.json"), 12, 3))
    assert message.startswith("r.json: ")
    assert "12" in message and "3" in message and "upgrade" in message


def test_nearest_names_the_closest_known_name() -> None:
    assert nearest("bm52", ["oracle", "bm25", "random"]) == "did you mean 'bm25'?"


def test_nearest_lists_all_names_in_order_where_none_is_close() -> None:
    assert nearest("xyz", ["oracle", "bm25"]) == "known: bm25, oracle"


@given(st.text(st.characters(categories=["L", "P", "Zs"]), max_size=800))
def test_a_shortened_message_fits_and_a_short_one_stays(text: str) -> None:
    line = shortened(text)
    assert len(line) <= 300
    if len(text) <= 300:
        assert line == text


def test_shortening_takes_the_middle_of_names_and_leaves_the_remedy() -> None:
    path, value = "/folder" * 80, "many words " * 40
    line = shortened(f"{path}/mine.yaml:3: '{value}' is no device; choose auto, cpu or cuda")
    assert line.startswith("/folder/folder")
    assert line.endswith("' is no device; choose auto, cpu or cuda")
    assert "/mine.yaml:3: 'many words" in line and "…" in line


def test_a_message_of_short_words_alone_loses_its_middle() -> None:
    line = shortened("first " + "word " * 200 + "last")
    assert len(line) == 300
    assert line.startswith("first word") and line.endswith("word last")
