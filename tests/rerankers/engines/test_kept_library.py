"""A compiled library is loaded only where nobody but the user could have written it."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rerankbench.errors import ModelError
from rerankbench.rerankers.engines import cpu, kept_library, native_library

pytestmark = pytest.mark.skipif(cpu.compiler() is None, reason="no C++ compiler")


class Place:
    """A library that says 1 when it is built here, and 2 when somebody else made it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "home" / "native" / "encoder-0123.so"
        self.sum = self.path.with_suffix(".sha256")
        self.builds = 0

    def build(self, path: Path, says: int = 1) -> None:
        self.builds += 1
        source = path.with_name("source.cpp")
        source.write_text(f'extern "C" int says() {{ return {says}; }}')
        command = [str(cpu.compiler()), "-shared", "-fPIC", "-o", str(path), str(source)]
        subprocess.run(command, check=True)

    def says(self) -> int:
        return int(kept_library.load(self.path, self.build, limit_s=60).says())

    def foreign(self) -> bytes:
        folder = self.path.parents[1] / "elsewhere"
        folder.mkdir(parents=True)
        self.build(folder / "other.so", says=2)
        self.builds -= 1
        return (folder / "other.so").read_bytes()


@pytest.fixture
def place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Place:
    caplog.set_level(logging.WARNING)
    return Place(tmp_path)


def test_it_is_built_once_and_kept_with_its_checksum(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    assert (place.says(), place.says(), place.builds) == (1, 1, 1)
    assert caplog.messages == []
    written = hashlib.sha256(place.path.read_bytes()).hexdigest()
    assert place.sum.read_text() == f"{written}  encoder-0123.so\n"
    assert sorted(each.name for each in place.path.parent.iterdir()) == [
        "encoder-0123.sha256",
        "encoder-0123.so",
    ]
    assert [oct(each.stat().st_mode & 0o777) for each in (place.path.parent, place.path)] == [
        "0o700",
        "0o700",
    ]


def _foreign_content(place: Place) -> None:
    content = place.foreign()
    place.path.unlink()
    place.path.write_bytes(content)
    place.path.chmod(0o700)


def _cut(place: Place) -> None:
    content = place.path.read_bytes()
    place.path.write_bytes(content[: len(content) // 2])


def _empty(place: Place) -> None:
    place.path.write_bytes(b"")


def _other_sum(place: Place) -> None:
    """Of a library of another name, such as one for another processor."""
    place.sum.write_text(place.sum.read_text().replace("0123", "4567"))


def _foreign_link(place: Place) -> None:
    target = place.path.with_name("other.so")
    target.write_bytes(place.foreign())
    place.path.unlink()
    place.path.symlink_to(target)


def _pipe(place: Place) -> None:
    place.path.unlink()
    os.mkfifo(place.path)


def _hashed_but_no_library(place: Place) -> None:
    place.path.write_bytes(b"no library")
    written = hashlib.sha256(b"no library").hexdigest()
    place.sum.write_text(f"{written}  encoder-0123.so\n")


DISTRUSTED: dict[str, tuple[Callable[[Place], Any], str]] = {
    "replaced": (_foreign_content, "is not what was built"),
    "cut": (_cut, "is not what was built"),
    "empty": (_empty, "is not what was built"),
    "a link": (_foreign_link, "is a symbolic link"),
    "a pipe": (_pipe, "is no regular file"),
    "no checksum": (lambda place: place.sum.unlink(), "has no checksum beside it"),
    "no text": (lambda place: place.sum.write_bytes(b"\xff\0"), "checksum that cannot be read"),
    "another's checksum": (_other_sum, "checksum that cannot be read"),
    "group may write": (lambda place: place.path.chmod(0o770), "may be written by others"),
    "all may write": (lambda place: place.path.chmod(0o707), "may be written by others"),
    "open checksum": (lambda place: place.sum.chmod(0o660), "may be written by others"),
    "open folder": (lambda place: place.path.parent.chmod(0o775), "others could write"),
    "no library": (_hashed_but_no_library, "cannot be loaded"),
}


@pytest.mark.parametrize("change", DISTRUSTED)
def test_what_cannot_be_trusted_is_built_anew_in_one_line(
    place: Place, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    spoil, told = DISTRUSTED[change]
    place.says()
    spoil(place)
    assert (place.says(), place.builds) == (1, 2)
    (line,) = caplog.messages
    assert told in line
    assert line.endswith("it is built anew")
    assert "\n" not in line
    # It is mended: the next run has nothing to say.
    assert (place.says(), place.builds) == (1, 2)
    assert len(caplog.messages) == 1


def test_a_foreign_file_without_any_checksum_is_never_run(place: Place) -> None:
    content = place.foreign()
    place.path.parent.mkdir(mode=0o700)
    place.path.write_bytes(content)
    place.path.chmod(0o700)
    assert place.says() == 1


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_belongs_to_another_user_is_not_loaded(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    place.says()
    if what == "file":
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(place.path, 12345, 12345)
        assert (place.says(), place.builds) == (1, 2)
        assert "belongs to another user" in caplog.messages[0]
        return
    someone = os.geteuid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: someone)
        # What is built in the meantime is the real user's, so it is refused as well: no library.
        patch.setattr(kept_library, "_load", lambda path, expected: path)
        found: Any = kept_library.load(place.path, place.build, limit_s=60)
    assert found.parent != place.path.parent
    assert not found.exists(), "it was left behind"
    (line,) = caplog.messages
    assert "lies in a folder of another user; it is built anew, for this run alone" in line
    assert place.says() == 1


def test_a_folder_that_is_a_link_is_not_used(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place.path.parent.parent.mkdir()
    (tmp_path / "target").mkdir()
    place.path.parent.symlink_to(tmp_path / "target")
    assert place.says() == 1
    assert list((tmp_path / "target").iterdir()) == []
    assert "no folder of its own" in caplog.messages[0]


def test_a_cache_that_cannot_be_written_is_told_and_used_without(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.path.parent.parent.write_text("a file where the cache should be")
    assert place.says() == 1
    (line,) = caplog.messages
    assert "folder that cannot be made" in line


def test_a_file_that_is_cut_while_it_is_in_use_harms_nobody(place: Place) -> None:
    library = kept_library.load(place.path, place.build, limit_s=60)
    again = kept_library.load(place.path, place.build, limit_s=60)
    place.path.write_bytes(b"")
    assert (library.says(), again.says(), place.builds) == (1, 1, 1)


def test_what_cut_builds_left_is_cleared(place: Place) -> None:
    old, new = (place.path.parent / f"build-{name}" for name in ("old", "new"))
    for each in (old, new):
        each.mkdir(parents=True)
        (each / "half.so").write_bytes(b"half")
    place.path.parent.chmod(0o700)
    os.utime(old, (time.time() - 1000,) * 2)
    place.says()
    assert (old.exists(), new.exists()) == (False, True)


def test_two_processes_may_build_at_once(tmp_path: Path) -> None:
    """The slower one replaces what the faster one built; either can be loaded afterwards."""
    first, second = Place(tmp_path), Place(tmp_path)

    def build(path: Path) -> None:
        second.says()
        first.build(path)

    assert kept_library.load(first.path, build, limit_s=60).says() == 1
    assert (first.says(), first.builds, second.builds) == (1, 1, 1)


def test_a_library_that_cannot_be_loaded_even_new_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "c++"
    fake.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-2], 'w').write('text')\n")
    fake.chmod(0o755)
    monkeypatch.setenv("CXX", str(fake))
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "home"))
    with pytest.raises(ModelError, match=r"cannot be built or loaded \(.*\); name another cache"):
        native_library.library.__wrapped__()
