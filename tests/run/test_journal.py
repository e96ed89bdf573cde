"""The journal of scores: what survives a killed process, and what is not believed."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import StorageError
from rerankbench.protocols import ScoredBatch
from rerankbench.run.journal import Journal

HEADER: dict[str, object] = {"cell": "k", "packages": ["1.0", None]}
BATCHES = [
    ScoredBatch(pairs=[4, 0], scores=[0.1, -2.5e-8], truncated_pairs=1),
    ScoredBatch(pairs=[2], scores=[7.0]),
    ScoredBatch(pairs=[3, 1], scores=[1 / 3, 0.1 + 0.2], truncated_pairs=2),
]
ALL = {4: 0.1, 0: -2.5e-8, 2: 7.0, 3: 1 / 3, 1: 0.1 + 0.2}


def _journalled(path: Path, batches: list[ScoredBatch] = BATCHES) -> bytes:
    with Journal(path, HEADER) as journal:
        for batch in batches:
            journal.add(batch)
    return path.read_bytes()


def _picked_up(path: Path, header: Mapping[str, object] = HEADER) -> tuple[dict[int, float], int]:
    journal = Journal(path, header)
    return journal.scores, journal.truncated_pairs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "key" / "scores.jsonl"


def test_what_was_added_is_picked_up_exactly(path: Path) -> None:
    _journalled(path)
    assert _picked_up(path) == (ALL, 3)


def test_a_new_journal_is_empty_and_makes_its_folder(path: Path) -> None:
    with Journal(path, HEADER) as journal:
        assert (journal.scores, journal.truncated_pairs) == ({}, 0)
    assert path.parent.is_dir()


def test_a_batch_is_on_disk_before_the_journal_is_closed(path: Path) -> None:
    with Journal(path, HEADER) as journal:
        journal.add(BATCHES[0])
        assert _picked_up(path) == ({4: 0.1, 0: -2.5e-8}, 1)


def test_picking_up_and_going_on_equals_one_process(path: Path) -> None:
    whole = _journalled(path)
    path.unlink()
    _journalled(path, BATCHES[:1])
    assert _journalled(path, BATCHES[1:]) == whole


@given(data=st.data())
def test_a_journal_cut_off_anywhere_gives_back_its_whole_batches_and_can_go_on(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "scores.jsonl"
    whole = _journalled(path)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    batches = max(0, whole[:cut].count(b"\n") - 1)
    expected = {pair: ALL[pair] for batch in BATCHES[:batches] for pair in batch.pairs}
    assert _picked_up(path)[0] == expected
    assert _journalled(path, BATCHES[batches:]) == whole


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe\x00",
        b"{}",
        b"[]",
        b"3",
        b'"text"',
        b'{"pairs":[9]}',
        b'{"pairs":[9],"scores":[1.0,2.0],"truncated":0}',
        b'{"pairs":[[9]],"scores":[1.0],"truncated":0}',
        b'{"pairs":[9],"scores":[1.0]}',
        b'{"pairs":[9],"scores":[1.0],"truncated":null}',
        b'{"pairs":["x"],"scores":[1.0],"truncated":0}',
        b'{"pairs":[9],"scores":[null],"truncated":0}',
        b'{"pairs":[9],"scores":[NaN],"truncated":0}',
        b'{"pairs":[9],"scores":[1.0],"truncated":0,"answers":[]}',
        b'{"pairs":[9],"scores":[1.0],"truncated":0,"answers":{"ok":null}}',
        b"<<<<<<< HEAD",
        b"",
    ],
)
def test_nothing_from_a_damaged_line_on_is_believed(damage: bytes, path: Path) -> None:
    lines = _journalled(path).split(b"\n")
    lines[2] = damage
    path.write_bytes(b"\n".join(lines))
    assert _picked_up(path) == ({4: 0.1, 0: -2.5e-8}, 1)


def test_a_damaged_end_is_cut_off_before_new_batches_follow(path: Path) -> None:
    whole = _journalled(path)
    path.write_bytes(_shortened(whole) + b"garbage\n" + b'{"pairs"')
    assert _journalled(path, BATCHES[2:]) == whole


def _shortened(whole: bytes) -> bytes:
    return b"".join(whole.splitlines(keepends=True)[:3])


def test_no_flipped_bit_is_believed(path: Path) -> None:
    whole = _journalled(path)
    noticed = 0
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            journal = Journal(path, HEADER)
            assert journal.scores.items() <= ALL.items(), f"bit {bit} of byte {place}"
            assert journal.truncated_pairs <= 3
            # Without its last line end the last line looks as if a kill had torn it off.
            is_last_line_end = place == len(whole) - 1
            assert (journal.damage is None) == is_last_line_end, f"bit {bit} of byte {place}"
            noticed += journal.damage is not None
    assert noticed == 8 * (len(whole) - 1)


def test_the_line_that_does_not_verify_is_named(path: Path) -> None:
    path.write_bytes(_journalled(path).replace(b"7.0", b"9.0"))
    journal = Journal(path, HEADER)
    assert journal.scores == {4: 0.1, 0: -2.5e-8}
    assert journal.damage == "line 3 does not verify: it and all after it are scored again"


def test_lines_of_another_journal_do_not_verify(path: Path) -> None:
    other = _journalled(path, BATCHES).splitlines(keepends=True)
    path.unlink()
    with Journal(path, {**HEADER, "cell": "l"}):
        pass
    path.write_bytes(path.read_bytes() + b"".join(other[1:]))
    assert _picked_up(path, {**HEADER, "cell": "l"}) == ({}, 0)


def _of_format_1(path: Path) -> None:
    """What the version before wrote: the same lines without checksums."""
    path.parent.mkdir(parents=True)
    lines: list[Mapping[str, object]] = [
        HEADER,
        *(
            {"pairs": each.pairs, "scores": each.scores, "truncated": each.truncated_pairs}
            for each in BATCHES
        ),
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_journal_of_the_version_before_is_picked_up_and_gets_checksums(path: Path) -> None:
    _of_format_1(path)
    assert _picked_up(path) == (ALL, 3)
    with Journal(path, HEADER) as journal:
        assert journal.damage is None
    written = path.read_bytes()
    path.unlink()
    assert written == _journalled(path)


def test_lines_with_checksums_are_not_believed_under_a_header_without(path: Path) -> None:
    header, *lines = _journalled(path).decode().splitlines()
    changed = lines[0].replace('"scores":[', '"scores":[9', 1)
    path.write_text("\n".join([json.dumps(HEADER), changed, *lines[1:]]) + "\n")
    assert header != json.dumps(HEADER)
    assert "line 2 does not verify" in (Journal(path, HEADER).damage or "")
    assert _picked_up(path) == ({}, 0)


def test_a_torn_end_is_what_kills_leave_and_no_damage(path: Path) -> None:
    path.write_bytes(_journalled(path)[:-9])
    assert Journal(path, HEADER).damage is None


def test_a_journal_that_is_a_folder_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    assert (
        Journal(path, HEADER).damage
        == "cannot be read (Is a directory): everything is scored again"
    )


@pytest.mark.parametrize("header", [{}, {**HEADER, "cell": "l"}, {**HEADER, "more": 1}])
def test_scores_under_another_header_are_dropped(header: dict[str, object], path: Path) -> None:
    _journalled(path)
    assert _picked_up(path, header) == ({}, 0)
    with Journal(path, header):
        pass
    assert _picked_up(path) == ({}, 0)
    assert path.read_text().count("\n") == 1


def test_answers_are_counted_over_batches_and_processes(path: Path) -> None:
    for answers in ({"ok": 3, "missing": 1}, {}, {"ok": 1}):
        with Journal(path, HEADER) as journal:
            pair = len(journal.scores)
            journal.add(ScoredBatch(pairs=[pair], scores=[1.0], answers=answers))
    assert Journal(path, HEADER).answers == {"ok": 4, "missing": 1}


def test_batches_that_do_not_belong_are_neither_believed_nor_kept(path: Path) -> None:
    _journalled(path)
    with Journal(path, HEADER, belongs=lambda pairs: 2 not in pairs) as journal:
        assert journal.scores.keys() == ALL.keys() - {2}
        with pytest.raises(ValueError, match="part of a list"):
            journal.add(BATCHES[1])
    assert _picked_up(path)[0].keys() == ALL.keys() - {2}


def test_the_order_of_header_keys_does_not_matter(path: Path) -> None:
    _journalled(path)
    assert _picked_up(path, dict(reversed(HEADER.items()))) == (ALL, 3)


def test_a_batch_appended_twice_counts_its_truncated_pairs_once(path: Path) -> None:
    header, *lines = _journalled(path).splitlines(keepends=True)
    path.write_bytes(b"".join([header, lines[0], lines[0], *lines[1:], lines[2]]))
    assert _picked_up(path) == (ALL, 3)


def test_only_looking_leaves_the_file_alone(path: Path) -> None:
    whole = _journalled(path)
    path.write_bytes(whole + b"torn")
    Journal(path, HEADER)
    assert path.read_bytes() == whole + b"torn"


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("no folder")
    with (
        pytest.raises(StorageError, match="cannot be written"),
        Journal(tmp_path / "work" / "scores.jsonl", HEADER),
    ):
        pass


def test_a_full_disk_is_a_storage_error_and_keeps_earlier_batches(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    journal = Journal(path, HEADER)
    with journal:
        journal.add(BATCHES[0])
        assert isinstance(journal._handle, io.TextIOWrapper)
        monkeypatch.setattr(journal, "_handle", _Refusing(journal._handle, full))
        with pytest.raises(StorageError, match=r"\(No space left on device\); free space"):
            journal.add(BATCHES[1])
    assert _picked_up(path) == ({4: 0.1, 0: -2.5e-8}, 1)


def test_a_process_that_dies_while_it_resumes_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _journalled(path)

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt), Journal(path, HEADER):
        pass
    assert path.read_bytes() == whole


def test_a_journal_that_cannot_be_opened_is_a_storage_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with (
        pytest.raises(StorageError, match=r"\(Permission denied\); .*set RERANKBENCH_HOME"),
        Journal(path, HEADER),
    ):
        pass


class _Refusing:
    """A handle whose writes fail."""

    def __init__(self, handle: io.TextIOWrapper, refuse: object) -> None:
        self.write = refuse
        self.close = handle.close


def test_a_batch_with_more_pairs_than_scores_is_a_programming_error(path: Path) -> None:
    with Journal(path, HEADER) as journal, pytest.raises(ValueError, match="shorter"):
        journal.add(ScoredBatch(pairs=[1, 2], scores=[1.0]))


def test_adding_to_a_journal_that_is_not_open_is_a_programming_error(path: Path) -> None:
    with pytest.raises(AssertionError):
        Journal(path, HEADER).add(BATCHES[0])


def test_the_file_is_one_json_value_a_line(path: Path) -> None:
    header, *lines = _journalled(path).splitlines()
    assert json.loads(header) == {**HEADER, "journal": 2}
    assert [json.loads(line)["pairs"] for line in lines] == [[4, 0], [2], [3, 1]]
