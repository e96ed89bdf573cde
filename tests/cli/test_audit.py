"""`rerankbench audit` as people and CI call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rerankbench.cli import main

_SOUND = "| M | A | B | Avg |\n|---|---|---|---|\n| a | 0.400 | 0.500 | 0.450 |\n"
_WRONG = _SOUND.replace("0.450", "0.550")


def _run(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["rerankbench", "audit", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.md"
    path.write_text(_WRONG, encoding="utf-8")
    return path


def test_a_sound_table_exits_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sound.md"
    path.write_text(_SOUND, encoding="utf-8")
    assert _run([str(path)], monkeypatch, capsys) == (0, "1 table read: no findings\n", "")


def test_an_error_exits_with_1_and_says_where(
    wrong: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _run([str(wrong)], monkeypatch, capsys)
    assert (code, err) == (1, "")
    first, *_, last = out.splitlines()
    assert first == f"{wrong}:3: error [average]"
    assert last == "1 table read: 1 error"
    assert "printed 0.550, its 2 columns give 0.450" in " ".join(out.split())
    assert all(len(line) <= 80 for line in out.splitlines()[1:])


def test_a_note_alone_exits_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"c": 9, "a": 8, "d": 7, "b": 6, "e": 5}
    rows = "".join(f"| {name} | {at}0 | 0.{at}1 |\n" for name, at in models.items())
    path = tmp_path / "round.md"
    path.write_text(f"| M | Docs/s | nDCG@10 |\n|---|---|---|\n{rows}", encoding="utf-8")
    code, out, _ = _run([str(path)], monkeypatch, capsys)
    assert (code, out.splitlines()[-1]) == (0, "1 table read: 1 note")


def test_json_has_every_field(
    wrong: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run([str(wrong), "--format", "json"], monkeypatch, capsys)
    (finding,) = json.loads(out)
    assert code == 1
    assert (finding["file"], finding["line"], finding["row"]) == (str(wrong), 3, "a")
    assert (finding["printed"], finding["expected"]) == ("0.550", "0.450")


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_what_was_not_read_is_said_in_every_form_and_is_no_failure(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.md"
    path.write_text(f"{_SOUND}| b | 0.4 / 0.5 | 0.500 | 0.475 |\n", encoding="utf-8")
    code, out, _ = _run([str(path), "--format", form], monkeypatch, capsys)
    shown = " ".join(out.split())
    assert code == 0
    assert "not read: no single figure: 0.4 / 0.5 (A)" in shown
    if form == "text":
        assert f"{path}:4: note [unread]" in shown
        assert shown.endswith("1 table read: no findings; not read: 1 row")
    if form == "json":
        (place,) = json.loads(out)
        assert (place["check"], place["severity"], place["row"]) == ("unread", "note", "b")


def test_hostile_names_stay_text_in_markdown_and_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.md"
    name = "\x1b[31m[x](javascript:1)&lt;script&gt;"
    path.write_text(_WRONG.replace("| a |", f"| {name}<script> |"), encoding="utf-8")
    _, text, _ = _run([str(path)], monkeypatch, capsys)
    _, table, _ = _run([str(path), "--format", "markdown"], monkeypatch, capsys)
    assert "\x1b" not in text + table
    assert "<script>" not in table


def test_a_file_that_is_not_there_is_one_line_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _run([str(tmp_path / "none.md")], monkeypatch, capsys)
    assert (code, out) == (2, "")
    assert "no such file" in err and len(err.strip().splitlines()) == 1
