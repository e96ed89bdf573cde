"""How the C library hands out memory while a model runs on the CPU.

Every activation is a fresh allocation of megabytes. glibc by default maps such blocks from the
kernel and gives them back at once, so that each is paid for in page faults again. Told to keep
them, it reuses them; what lies scattered between blocks of changing sizes is given back now and
then, else a long run would hold gigabytes that it does not use.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

# malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 2**31 - 1
_TOP_PAD_BYTES = 64 * 2**20


@cache
def keep_freed_memory() -> bool:
    """Let freed blocks be reused instead of returned; False where the C library is another."""
    libc = _glibc()
    return libc is not None and all(
        libc.mallopt(option, value) == 1
        for option, value in (
            (_M_MMAP_THRESHOLD, 2**30),
            (_M_TRIM_THRESHOLD, _LARGEST),
            (_M_TOP_PAD, _TOP_PAD_BYTES),
        )
    )


def return_freed_memory() -> None:
    """Give back to the system what is free at this moment."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
