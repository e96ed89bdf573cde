"""Builds the native encoder for this very processor, once, and keeps it in the cache folder."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.files import cache_home
from rerankbench.rerankers.engines import cpu

SOURCE = Path(__file__).with_name("native_encoder.cpp")
# No -ffast-math: sums may be reordered where the source says so, nowhere else.
OPTIONS = (
    *("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared"),
    *("-mprefer-vector-width=512", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd"),
)
COMPILE_LIMIT_S = 300
# at::native::cpublas, mangled; torch exports oneDNN's micro-kernels under these names.
_PRODUCTS = {
    "float32": "_ZN2at6native7cpublas6brgemmEllllllbPKfS3_Pfb",
    "bfloat16": "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
}
_RELEASE = "_ZN2at6native7cpublas14brgemm_releaseEb"


@cache
def library() -> ctypes.CDLL:
    """The encoder's two functions, built where they are not yet. Raises ModelError."""
    compiler = cpu.compiler()
    if compiler is None:
        raise ModelError("engine native: no C++ compiler; install g++, or use --engine torch")
    path = cache_home() / "native" / f"encoder-{_fingerprint(compiler)}.so"
    if not path.exists():
        _build(compiler, path)
    return ctypes.CDLL(str(path))


def products(dtype: str) -> tuple[int, int]:
    """Addresses of torch's block product for a dtype and of its clean-up. Raises ModelError."""
    import torch

    folder = Path(torch.__file__).parent / "lib"
    try:
        kernels: Any = ctypes.CDLL(str(folder / "libtorch_cpu.so"))
        found = (kernels[_PRODUCTS[dtype]], kernels[_RELEASE])
    except (OSError, AttributeError):
        raise ModelError(
            f"engine native: torch {torch.__version__} hides its micro-kernels; "
            "use --engine torch or compile"
        ) from None
    product, release = (ctypes.cast(each, ctypes.c_void_p).value for each in found)
    return int(product or 0), int(release or 0)


def _fingerprint(compiler: str) -> str:
    """Names a build: another source, processor or compiler makes another."""
    stat = Path(compiler).resolve().stat()
    parts = (
        SOURCE.read_text(encoding="utf-8"),
        " ".join(OPTIONS),
        " ".join(sorted(cpu.flags())),
        f"{Path(compiler).resolve()} {stat.st_size} {stat.st_mtime_ns}",
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _build(compiler: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and renamed: two processes may build at once.
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".so")
    os.close(handle)
    unfinished = Path(name)
    try:
        done = subprocess.run(
            [compiler, *OPTIONS, "-o", name, str(SOURCE)],
            capture_output=True,
            text=True,
            timeout=COMPILE_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            reason = next((x for x in done.stderr.splitlines() if "error" in x), "no reason given")
            raise ModelError(
                f"engine native: {compiler} failed ({reason[:120]}); use --engine torch"
            )
        unfinished.chmod(0o755)
        unfinished.replace(path)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(
            f"engine native: {compiler} cannot be run ({error}); use --engine torch"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
