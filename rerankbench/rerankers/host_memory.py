"""How the C library hands out memory while a model runs on the CPU.

Every activation is a fresh allocation of megabytes. glibc by default maps such blocks from the
kernel and gives them back at once, so that each is paid for in page faults again. Told to keep
them, it reuses them.
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
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        mallopt(option, value) == 1
        for option, value in (
            (_M_MMAP_THRESHOLD, 2**30),
            (_M_TRIM_THRESHOLD, _LARGEST),
            (_M_TOP_PAD, _TOP_PAD_BYTES),
        )
    )
