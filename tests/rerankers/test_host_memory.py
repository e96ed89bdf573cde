"""Memory advice to the C library: given where it is glibc, withheld elsewhere."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator

import pytest

from rerankbench.rerankers import host_memory


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    host_memory.keep_freed_memory.cache_clear()
    host_memory._glibc.cache_clear()
    yield
    host_memory.keep_freed_memory.cache_clear()
    host_memory._glibc.cache_clear()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise AssertionError("no library may be opened")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert host_memory.keep_freed_memory() is False
    host_memory.return_freed_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library is not glibc")
def test_glibc_takes_the_advice() -> None:
    assert host_memory.keep_freed_memory() is True
    host_memory.return_freed_memory()
