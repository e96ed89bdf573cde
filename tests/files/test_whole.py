"""Reading with precise complaints, writing whole or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError, StorageError
from rerankbench.files import whole

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _written(folder: Path, body: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def _fail(error: BaseException) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


def test_cache_home_is_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "mine"))
    assert whole.cache_home() == tmp_path / "mine"


@pytest.mark.parametrize("value", [None, ""])
def test_cache_home_is_the_platforms_where_the_variable_says_nothing(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RERANKBENCH_HOME")
    if value is not None:
        monkeypatch.setenv("RERANKBENCH_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    home = whole.cache_home()
    assert home.name == "rerankbench"
    assert tmp_path in home.parents


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_lines_are_the_same_plain_and_gzipped_whatever_the_name(
    compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = _written(tmp_path, compress("eins\nzwölf\n".encode()), "a.txt")
    assert list(whole.read_lines(path)) == [(1, "eins"), (2, "zwölf")]


def test_blank_lines_are_left_out_and_still_counted(tmp_path: Path) -> None:
    path = _written(tmp_path, b"\n \t\na\n\r\n\nb")
    assert list(whole.read_lines(path)) == [(3, "a"), (6, "b")]


def test_line_ends_and_byte_order_mark_are_taken_off_and_nothing_else(tmp_path: Path) -> None:
    path = _written(tmp_path, b"\xef\xbb\xbf a \r\n\tb\xe2\x80\xa8c \n")
    assert list(whole.read_lines(path)) == [(1, " a "), (2, "\tb\u2028c ")]


def test_a_byte_order_mark_further_down_is_text(tmp_path: Path) -> None:
    path = _written(tmp_path, b"a\n\xef\xbb\xbfb\n")
    assert list(whole.read_lines(path)) == [(1, "a"), (2, "\ufeffb")]


@given(lines=st.lists(st.text(alphabet="aé \t😀", min_size=1, max_size=5), max_size=8))
def test_lines_come_back_with_their_numbers(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = _written(tmp_path_factory.mktemp("l"), "\n".join(lines).encode())
    expected = [(i + 1, line) for i, line in enumerate(lines) if line.strip()]
    assert list(whole.read_lines(path)) == expected


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert list(whole.read_lines(_written(tmp_path, b""))) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.tsv: no such file; check the path"):
        whole.open_bytes(tmp_path / "gone.tsv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        whole.open_bytes(tmp_path)


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be opened \(File name too long\)"):
        whole.open_bytes(tmp_path / ("x" * 300))


def test_bytes_that_are_not_utf8_are_found_by_line_and_byte(tmp_path: Path) -> None:
    path = _written(tmp_path, "gut\nzwölf\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"file:2: byte 3 is not UTF-8; convert"):
        list(whole.read_lines(path))


def test_nul_bytes_are_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file:3: holds NUL bytes"):
        list(whole.read_lines(_written(tmp_path, b"a\nb\nc\x00\n")))


def test_a_gzip_stream_that_was_cut_off_is_refused_after_its_whole_lines(tmp_path: Path) -> None:
    body = gzip.compress(b"".join(b"%d\n" % i for i in range(100_000)))
    seen = []
    path = _written(tmp_path, body[: len(body) // 2])
    with pytest.raises(InputError, match=r"the gzip stream is broken .*; fetch the file again"):
        seen += list(whole.read_lines(path))


@pytest.mark.parametrize("place", [2, 15, -6])
def test_a_gzip_stream_with_wrong_bytes_is_refused(place: int, tmp_path: Path) -> None:
    body = bytearray(gzip.compress(b"some text that is long enough to compress\n" * 9))
    body[place] ^= 0xFF
    with pytest.raises(InputError, match="gzip stream is broken"):
        list(whole.read_lines(_written(tmp_path, bytes(body))))


@pytest.mark.parametrize("body", ["zwölf\n", "zwölf\n".encode()])
def test_a_file_is_written_with_the_folders_above_it(body: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    whole.write_whole(path, body)
    assert path.read_bytes() == b"zw\xc3\xb6lf\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = _written(tmp_path, b"a long old text")
    whole.write_whole(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_file_has_the_rights_that_the_user_gives_new_files(
    umask: int, mode: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        whole.write_whole(tmp_path / "f", b"x")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("owner, name", [(os, "fsync"), (Path, "replace"), (Path, "chmod")])
@pytest.mark.parametrize(
    ("error", "raised"),
    [(FULL, StorageError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    owner: object,
    name: str,
    error: BaseException,
    raised: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = _written(tmp_path, b"old")
    monkeypatch.setattr(owner, name, _fail(error))
    with pytest.raises(raised):
        whole.write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", _fail(FULL))
    with pytest.raises(StorageError, match=r"f: cannot be written \(No space left on device\); "):
        whole.write_whole(tmp_path / "f", b"x")


def test_an_error_without_a_reason_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _fail(OSError("odd")))
    with pytest.raises(StorageError, match=r"cannot be written \(odd\)"):
        whole.write_whole(tmp_path / "f", b"x")


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    _written(tmp_path, b"i am no folder", "a")
    with pytest.raises(StorageError, match="cannot be written"):
        whole.write_whole(tmp_path / "a" / "b", b"x")


def test_an_interrupt_before_anything_is_written_passes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", _fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        whole.write_whole(tmp_path / "f", b"x")


def test_the_same_text_gives_the_same_gzip_bytes_at_any_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = whole.gzip_bytes("zwölf\n")
    monkeypatch.setattr("time.time", lambda: 10.0)
    assert whole.gzip_bytes("zwölf\n") == first
    assert gzip.decompress(first) == "zwölf\n".encode()


def test_file_hash_is_sha256_of_its_bytes(tmp_path: Path) -> None:
    path = _written(tmp_path, b"abc")
    # FIPS 180-2, appendix B.1.
    assert whole.sha256_file(path).startswith("ba7816bf8f01cfea414140de5dae2223")
    assert len(whole.sha256_file(path)) == hashlib.sha256().digest_size * 2
