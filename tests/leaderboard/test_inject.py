"""Between the markers everything is replaced, outside of them nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError, UsageError
from rerankbench.leaderboard.inject import inject, replace_block

BEGIN, END = "<!-- rerankbench:begin plain -->", "<!-- rerankbench:end plain -->"
HERE = Path("README.md")
OUTSIDE = st.text().filter(lambda text: "rerankbench" not in text)


def test_the_block_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"# Mine\n\n{BEGIN}\nold\n{END}\n\nThe end, no newline", encoding="utf-8")
    assert inject(path, "plain", "| a |\n| - |\n") is True
    expected = f"# Mine\n\n{BEGIN}\n\n| a |\n| - |\n\n{END}\n\nThe end, no newline"
    assert path.read_text(encoding="utf-8") == expected
    assert [found.name for found in tmp_path.iterdir()] == ["README.md"]


def test_filling_it_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    assert inject(path, "plain", "table\n") is True
    before = path.stat()
    assert inject(path, "plain", "table\n") is False
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_an_empty_body_empties_the_block() -> None:
    text = f"{BEGIN}\nold\n{END}\n".encode()
    assert replace_block(text, "plain", "", path=HERE) == f"{BEGIN}\n\n{END}\n".encode()


def test_crlf_files_stay_crlf() -> None:
    text = f"a\r\n{BEGIN}\r\nold\r\n{END}\r\nb\r\n".encode()
    found = replace_block(text, "plain", "| a |\n| - |\n", path=HERE)
    assert found == f"a\r\n{BEGIN}\r\n\r\n| a |\r\n| - |\r\n\r\n{END}\r\nb\r\n".encode()


def test_the_end_marker_may_close_the_file() -> None:
    text = f"{BEGIN}\n{END}".encode()
    found = replace_block(text, "plain", "x", path=HERE)
    assert found == f"{BEGIN}\n\nx\n\n{END}".encode()


def test_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"\xff\xfe\x00\n" + f"{BEGIN}\n{END}\n".encode() + b"\x80")
    inject(path, "plain", "x")
    found = path.read_bytes()
    assert found.startswith(b"\xff\xfe\x00\n<!--")
    assert found.endswith(b"-->\n\x80")


@given(OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, st.sampled_from(["\n", "\r\n"]))
def test_outside_nothing_changes_and_twice_is_once(
    before: str, inside: str, after: str, body: str, newline: str
) -> None:
    head = f"{before}{newline}{BEGIN}{newline}".encode("utf-8", "surrogatepass")
    tail = f"{END}{newline}{after}".encode("utf-8", "surrogatepass")
    text = head + f"{inside}{newline}".encode("utf-8", "surrogatepass") + tail
    once = replace_block(text, "plain", body, path=HERE)
    assert once.startswith(head)
    assert once.endswith(tail)
    assert replace_block(once, "plain", body, path=HERE) == once


def test_blocks_of_other_names_stay() -> None:
    other = "<!-- rerankbench:begin plain-2 -->\nkeep\n<!-- rerankbench:end plain-2 -->\n"
    text = f"{other}{BEGIN}\nold\n{END}\n{other}".encode()
    found = replace_block(text, "plain", "new", path=HERE).decode()
    assert found == f"{other}{BEGIN}\n\nnew\n\n{END}\n{other}"


def test_a_marker_inside_a_sentence_is_none() -> None:
    text = f"Write `{BEGIN}` there.\n{BEGIN}\n{END}\n".encode()
    assert b"new" in replace_block(text, "plain", "new", path=HERE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nothing",
            f"README.md: no begin marker of the block 'plain'; add a line `{BEGIN}` above",
        ),
        (f"{BEGIN}\n", f"no end marker of the block 'plain'; add a line `{END}` below"),
        (f"{END}\n", "no begin marker"),
        (
            f"{END}\n{BEGIN}\n",
            "README.md:1: the end marker .* above its begin marker; put them in",
        ),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", "begin marker .* stands on lines 1 and 2; keep one"),
        (f"{BEGIN}\n{END}\n\n{END}\n", "end marker .* stands on lines 2 and 4; keep one"),
        ("<!-- rerankbench:begin other -->", "no begin marker of the block 'plain'"),
    ],
)
def test_markers_that_are_not_one_pair_in_order(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace_block(text.encode(), "plain", "x", path=HERE)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file; make the file, with two lines in it"):
        inject(tmp_path / "absent.md", "plain", "x")


def test_a_failed_block_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("no markers\n", encoding="utf-8")
    with pytest.raises(InputError):
        inject(path, "plain", "x")
    assert path.read_text(encoding="utf-8") == "no markers\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target.md"
    target.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    link = tmp_path / "README.md"
    link.symlink_to(target)
    inject(link, "plain", "new")
    assert link.is_symlink()
    assert "new" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "a b", "-->", "x\ny", "-x"])
def test_names_that_cannot_stand_in_a_marker(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a block"):
        replace_block(b"", name, "x", path=HERE)


def test_a_body_with_markers_is_refused() -> None:
    with pytest.raises(UsageError, match="holds a rerankbench marker itself"):
        replace_block(f"{BEGIN}\n{END}\n".encode(), "plain", f"x\n{END}\n", path=HERE)
