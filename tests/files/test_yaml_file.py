"""YAML is plain, strict about keys, and bounded before any value is made of it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rerankbench import cli
from rerankbench.errors import InputError
from rerankbench.files import yaml_file

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
MERGED = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 40)
)
LONG_TEXT = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
AS_KEYS = "a: &a {x: 1}\nb: &b {y: [" + ", ".join(["*a"] * 40_000) + "]}\n"


def _read(folder: Path, text: str | bytes) -> Any:
    path = folder / "mine.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return yaml_file.read_yaml(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LAUGHS, r":5: .*stands for more than 20,000 values"),
        (MERGED, r"stands for more than 20,000 values"),
        (LONG_TEXT, r"stands for more than 20,000 values"),
        (AS_KEYS, r"stands for more than 20,000 values"),
        ("- a\n" * 20_001, r"stands for more than 20,000 values"),
        ("a: &a [*a]\n", r":1: .*an anchor that holds itself"),
        ("b: 1\na: &a {x: {y: *a}}\n", r":2: .*an anchor that holds itself"),
        ("[" * 100_000, r":1: .*nested deeper than 50 levels"),
        ("- " * 100_000, r":1: .*nested deeper than 50 levels"),
        ("{a: " * 100, r":1: .*nested deeper than 50 levels"),
        ("x: " + "y" * 300_000, r"is larger than 262,144 bytes"),
        ("#\n" * 200_000, r"is larger than 262,144 bytes"),
        (gzip.compress(b"# nothing\n" * 100_000), r"is larger than 262,144 bytes"),
        ("a: 1\nb: 2\na: 3\n", r":3: .*the key 'a' is given twice"),
        ("a: !!bool maybe\n", r":1: .*a value that its type does not have"),
        ("b: 1\na: !!int ''\n", r":2: .*a value that its type does not have"),
        ("a: !!float x\n", r":1: .*a value that its type does not have"),
        ("a: !!timestamp soon\n", r":1: .*a value that its type does not have"),
        ("a: 2026-13-45\n", r":1: .*a value that its type does not have"),
        ("a: " + "9" * 5000 + "\n", r":1: .*a value that its type does not have"),
        ('b: 1\na: "x\\0y"\n', r":2: .*a character that no file can hold"),
        ('a: "\\ud83d\\ude00"\n', r":1: .*write it itself, not as an escape"),
        ('"\\ud800": 1\n', r":1: .*a character that no file can hold"),
        ("a: !!python/object/apply:os.getcwd []\n", r":1: .*could not determine a constructor"),
        ("a: *b\n", r":1: .*undefined alias"),
        ("a: 1\n---\nb: 2\n", r":2: .*another document"),
        ("a: \x07\n", r"special characters are not allowed|unacceptable character"),
    ],
)
def test_what_would_grow_or_is_broken_is_refused_at_once(
    text: str | bytes, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        _read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.yaml'}:")


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("010", "010 means 8 in YAML; write 8 or 10, or '010' for text"),
        ("-010", "-010 means -8 in YAML; write -8 or -10, or '-010' for text"),
        ("00", "00 means 0 in YAML; write 0, or '00' for text"),
        ("0_10", "0_10 means 8 in YAML; write 8 or 10, or '0_10' for text"),
        ("1:30", "1:30 means 90 in YAML; write 90, or '1:30' for text"),
        ("1:30.5", "1:30.5 means 90.5 in YAML; write 90.5, or '1:30.5' for text"),
        ("2026_11", "2026_11 means 202611 in YAML; write 202611, or '2026_11' for text"),
        ("1_0.5", "1_0.5 means 10.5 in YAML; write 10.5, or '1_0.5' for text"),
        ("0x_ff", "0x_ff means 255 in YAML; write 255, or '0x_ff' for text"),
        ("!!int 010", "010 means 8 in YAML; write 8 or 10, or '010' for text"),
    ],
)
def test_numbers_that_mean_another_one_are_refused(number: str, line: str, tmp_path: Path) -> None:
    for text in (f"b: 1\ntop_k: {number}\n", f"b: 1\na: [x, {number}]\n", f"b: 1\n{number}: x\n"):
        with pytest.raises(InputError) as caught:
            _read(tmp_path, text)
        assert str(caught.value) == f"{tmp_path / 'mine.yaml'}:2: {line}"
    quoted = number.removeprefix("!!int ")
    assert _read(tmp_path, f"top_k: '{quoted}'\n") == {"top_k": quoted}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("0", 0), ("10", 10), ("-7", -7), ("+7", 7), ("0x10", 16)),
        *(("0.5", 0.5), (".5", 0.5), ("00.5", 0.5), ("-0.0", 0.0), (".inf", float("inf"))),
        *(("1e-3", 0.001), ("1e3", 1000.0), ("2.5E2", 250.0), ("-1.e+1", -10.0)),
        *(("1_000", 1000), ("4_386_049", 4386049), ("-1_000.5", -1000.5)),
        # Texts, among them commits, names and times.
        *(("1234e56", "1234e56"), ("12e345", "12e345"), ("e5-base", "e5-base"), ("1e", "1e")),
        *(("08", "08"), ("1:75", "1:75"), ("a:1", "a:1"), ("_1", "_1"), ("1-2", "1-2")),
    ],
)
def test_other_numbers_and_texts_are_read_as_they_look(
    text: str, value: Any, tmp_path: Path
) -> None:
    read = _read(tmp_path, f"a: {text}\n")["a"]
    assert (read, type(read)) == (value, type(value))


def test_cards_keep_the_numbers_of_those_who_wrote_them() -> None:
    assert yaml_file.parse("a: 010\nb: 1:30\nc: 2026_11\n") == {"a": 8, "b": 90, "c": 202611}


def test_anchors_that_stay_small_are_read(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: [2]}\nmore: [*base, *base]\nnew: {<<: *base, a: 3}\n"
    base = {"a": 1, "b": [2]}
    assert _read(tmp_path, text) == {
        "base": base,
        "more": [base, base],
        "new": {"a": 3, "b": [2]},
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab é😀:#-'\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text("xyz", min_size=1), VALUES, min_size=1))
def test_what_is_no_trick_is_read_as_pyyaml_reads_it(values: dict[str, Any]) -> None:
    text = yaml.safe_dump(values, allow_unicode=True)
    assert yaml_file.parse(text) == yaml.safe_load(text) == values


@pytest.mark.parametrize("kind", ["config", "layout", "card"])
@pytest.mark.parametrize("text", [LAUGHS, MERGED, LONG_TEXT], ids=["lists", "merged", "text"])
def test_commands_refuse_it_in_one_short_line(
    kind: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "card":
        from rerankbench.rerankers.files import model_card

        Path("README.md").write_text(f"---\n{text}\n---\n")
        assert model_card.facts(tmp_path) == {}
        return
    Path("mine.yaml").write_text(f"models: *a29\n{text}" if kind == "layout" else text)
    words = {"config": ["run", "mine.yaml"], "layout": ["leaderboard", "--layout", "mine.yaml"]}
    assert cli._run(words[kind]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: mine.yaml:") and len(line) <= 300


def test_hundreds_of_mistakes_are_told_in_a_few_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("".join(f"key{n}: 1\n" for n in range(2000)))
    assert cli._run(["run", "mine.yaml"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1].endswith("more; mend these first")
