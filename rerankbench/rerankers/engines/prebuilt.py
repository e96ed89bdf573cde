"""The native encoder as a wheel brings it: built ahead, once for each kind of processor."""

from __future__ import annotations

from pathlib import Path

from rerankbench.rerankers.engines import cpu

FOLDER = Path(__file__).with_name("libraries")
# The instruction sets that CMakeLists.txt builds for, best first, as Linux names their parts.
_V4 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
NEEDED_FLAGS = {"x86-64-v4-bf16": _V4 | {"avx512_bf16"}, "x86-64-v4": _V4}


def library() -> Path | None:
    """The best library in this package that the processor runs; None where there is none.

    Source installs and wheels for other systems have none: there the encoder is compiled.
    """
    paths = (FOLDER / f"{name}.so" for name, flags in NEEDED_FLAGS.items() if flags <= cpu.flags())
    return next((path for path in paths if path.is_file()), None)
