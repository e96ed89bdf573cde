"""Pipes, devices and descriptors: refused as inputs, written into as outputs, never replaced."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rerankbench.errors import InputError, StorageError
from rerankbench.files import special_files, whole

ROOT = Path(__file__).resolve().parents[2]
DEVICES = {"null": os.makedev(1, 3), "zero": os.makedev(1, 5), "full": os.makedev(1, 7)}
# More than a pipe holds, so that it cannot be written in one go.
LONG = bytes(range(256)) * 1000


def _device(folder: Path, name: str) -> Path:
    """A device of one's own: a wrong program must not get hold of the machine's."""
    path = folder / name
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, DEVICES[name])
        path.open("rb").close()
    except OSError:
        pytest.skip("devices cannot be made here")
    return path


def _pipe(folder: Path) -> Path:
    path = folder / "pipe"
    os.mkfifo(path)
    return path


@contextmanager
def _reader(path: Path) -> Iterator[list[bytes]]:
    """What is read from the pipe until its writer closes it."""
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    thread.start()
    yield found
    thread.join(20)


@pytest.mark.parametrize("read", [whole.open_bytes, whole.read_whole, whole.sha256_file])
@pytest.mark.parametrize("kind", ["pipe", "null", "zero", "socket"])
def test_what_is_no_regular_file_is_refused_at_once(
    kind: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    if kind == "socket":
        path = tmp_path / "socket"
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    else:
        path = _pipe(tmp_path) if kind == "pipe" else _device(tmp_path, kind)
    called = kind if kind in ("pipe", "socket") else "device"
    for named in (path, tmp_path / "link"):
        if named != path:
            named.symlink_to(path)
        with pytest.raises(InputError, match=rf"is a {called}, not a regular file; save its"):
            read(named)


def test_a_pipe_with_a_writer_is_refused_too(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(InputError, match="is a pipe, not a regular file"):
            whole.open_bytes(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
        os.close(writing)


def test_a_folder_is_searched_for_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    special_files.refuse_special_in(tmp_path)
    os.mkfifo(tmp_path / "inside" / "config.json")
    with pytest.raises(InputError, match=r"config\.json: is a pipe"):
        special_files.refuse_special_in(tmp_path)


def test_more_than_is_wanted_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert whole.read_whole(path, 5) == b"12345"
    with pytest.raises(InputError, match="is larger than 4 bytes"):
        whole.read_whole(path, 4)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "LONGEST_LINE", 5)
    path = tmp_path / "file"
    path.write_bytes(b"1234\n12345678")
    lines = whole.read_lines(path)
    assert next(lines) == (1, "1234")
    with pytest.raises(InputError, match=r":2: is longer than 5 bytes"):
        next(lines)


def test_a_device_is_written_into_and_stays_one(tmp_path: Path) -> None:
    path = _device(tmp_path, "null")
    whole.write_whole(path, LONG)
    assert stat.S_ISCHR(path.stat().st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["null"]


def test_a_full_device_is_told_in_one_line(tmp_path: Path) -> None:
    path = _device(tmp_path, "full")
    with pytest.raises(StorageError, match=r"cannot be written into \(No space left"):
        whole.write_whole(path, b"x")
    assert stat.S_ISCHR(path.stat().st_mode)


@pytest.mark.parametrize("by_link", [False, True])
def test_a_pipe_gets_all_of_it_and_stays_one(by_link: bool, tmp_path: Path) -> None:
    path = _pipe(tmp_path)
    named = path
    if by_link:
        named = tmp_path / "link"
        named.symlink_to(path)
    with _reader(path) as found:
        whole.write_whole(named, LONG)
    assert found == [LONG]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_pipe_that_nobody_reads_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_files, "READER_WAIT_S", 0.05)
    with pytest.raises(StorageError, match="nobody reads this pipe; start its reader first"):
        whole.write_whole(_pipe(tmp_path), b"x")


def test_a_reader_that_takes_nothing_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_files, "STALL_S", 0.05)
    path = _pipe(tmp_path)
    held = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(StorageError, match="its reader takes nothing for"):
            whole.write_whole(path, LONG)
    finally:
        os.close(held)


def test_a_reader_that_goes_away_is_told_in_one_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(StorageError, match=r"cannot be written into \(Broken pipe\)"):
            whole.write_whole(Path(f"/dev/fd/{writing}"), b"x")
    finally:
        os.close(writing)


def test_an_open_file_is_written_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as handle:
        handle.write(b"before ")
        whole.write_whole(Path(f"/dev/fd/{handle.fileno()}"), b"now ")
        handle.write(b"after")
    assert path.read_bytes() == b"before now after"


@pytest.mark.parametrize("number", ["0", "9999", "9" * 30])
def test_a_descriptor_that_cannot_be_written_is_told_in_one_line(number: str) -> None:
    with pytest.raises(StorageError, match="cannot be written"), Path("/dev/null").open() as held:
        whole.write_whole(Path(f"/dev/fd/{held.fileno() if number == '0' else number}"), b"x")


def test_standard_output_keeps_what_was_printed_before(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from rerankbench.files.whole import write_whole
sys.stdout.write("one ")
write_whole(Path("/dev/stdout"), "two ")
sys.stdout.write("three")
"""
    out = tmp_path / "out"
    out.write_text("zero ")
    with out.open("ab") as handle:
        subprocess.run([sys.executable, "-c", code], stdout=handle, cwd=ROOT, check=True)
    assert out.read_text() == "zero one two three"
    assert Path("/dev/stdout").is_symlink()


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    for name in ("there", "absent"):
        link = tmp_path / f"link-{name}"
        link.symlink_to(f"to-{name}")
        if name == "there":
            (tmp_path / "to-there").write_text("old")
        whole.write_whole(link, "new")
        assert link.is_symlink()
        assert (tmp_path / f"to-{name}").read_text() == "new"


def test_links_in_a_circle_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError, match=r"cannot be written.*symbolic links.*fix the link"):
        whole.write_whole(tmp_path / "a", b"x")


@pytest.mark.parametrize("length", [200, 255])
def test_the_longest_name_can_be_written(length: int, tmp_path: Path) -> None:
    path = tmp_path / ("é" * (length // 2) + "x" * (length % 2))
    whole.write_whole(path, b"x")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["x" * 256, "a\0b"])
def test_a_name_that_no_file_can_have_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="choose a shorter name"):
        whole.write_whole(tmp_path / name, b"x")
    with pytest.raises(InputError, match="check the path"):
        whole.open_bytes(tmp_path / name)


def test_appending_to_a_file_and_into_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("one ", "two"):
        whole.append(path, text)
    assert path.read_text() == "one two"
    pipe = _pipe(tmp_path)
    with _reader(pipe) as found:
        whole.append(pipe, "three")
    assert found == [b"three"]


def _facts(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_nlink


@pytest.mark.parametrize("body", [b"", b"new", b"a text that is longer than the old one"])
@pytest.mark.parametrize("links", ["", "hard", "symbolic", "both"])
def test_rewriting_keeps_mode_owner_and_links(body: bytes, links: str, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"a long old text")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    names = [path]
    if links in ("hard", "both"):
        names.append(tmp_path / "second")
        os.link(path, names[-1])
    if links in ("symbolic", "both"):
        names.append(tmp_path / "link")
        names[-1].symlink_to(path.name)
    before = _facts(path)
    whole.rewrite(names[-1], body)
    assert [each.read_bytes() for each in names] == [body] * len(names)
    assert _facts(path) == before
    assert names[-1].is_symlink() == (links in ("symbolic", "both"))
    assert len(list(tmp_path.iterdir())) == len(names)


@pytest.mark.parametrize("links", [1, 2])
def test_a_rewrite_that_the_disk_refuses_leaves_the_old_text(links: int, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"old")
    if links == 2:
        os.link(path, tmp_path / "second")
    code = f"""
import resource, signal, sys
from pathlib import Path
from rerankbench.errors import StorageError
from rerankbench.files.whole import rewrite
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    rewrite(Path({str(path)!r}), b"x" * 10_000)
except StorageError as error:
    sys.exit(str(error))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
    )
    assert "cannot be written (File too large)" in done.stderr
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == links


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("no extended attributes here")
    whole.rewrite(path, b"new")
    assert os.getxattr(path, "user.note") == b"kept"


@pytest.mark.parametrize("read", [whole.open_bytes, whole.read_whole, whole.sha256_file])
def test_a_file_that_cannot_be_read_is_named(read: Callable[[Path], object]) -> None:
    path = Path("/proc/self/mem")  # A regular file whose first bytes nobody may read.
    if not path.exists():
        pytest.skip("needs Linux")
    with pytest.raises(
        InputError, match=r"^/proc/self/mem: cannot be read \(Input/output error\); "
    ):
        read(path)
