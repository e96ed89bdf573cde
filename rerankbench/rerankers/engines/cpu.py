"""Abilities of this machine's processor and C++ compiler, found without torch."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")


@cache
def flags() -> frozenset[str]:
    """The processor's feature flags as Linux names them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    named = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(named[0]) if named else frozenset()


def multiplies_bfloat16() -> bool:
    """Whether bfloat16 matrix products run in hardware, several times as fast as float32."""
    return not flags().isdisjoint(BFLOAT16_FLAGS)


def compiler() -> str | None:
    """Path of a C++ compiler: `$CXX`, else g++ or clang++ where they are installed."""
    candidates = (os.environ.get("CXX"), "g++", "clang++")
    return next((path for name in candidates if name and (path := shutil.which(name))), None)
