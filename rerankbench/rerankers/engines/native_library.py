"""The native encoder's library: the one that the wheel brought, or one compiled for this machine.

What is compiled is kept in the cache folder, so that only the first run waits for it.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import subprocess
from functools import cache, partial
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.files.whole import cache_home
from rerankbench.rerankers.engines import cpu, kept_library, prebuilt
from rerankbench.rerankers.engines.native_structs import check_layout

_LOG = logging.getLogger(__name__)
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
    """The encoder's two functions, compiled where no library fits. Raises ModelError."""
    ready = prebuilt.library()
    if ready is not None:
        try:
            loaded = ctypes.CDLL(str(ready))
        except OSError as error:
            _LOG.warning("engine native: %.150s cannot be loaded (%.120s)", ready, error)
        else:
            check_layout(loaded)
            return loaded
    compiler = cpu.compiler()
    if compiler is None:
        raise ModelError("engine native: no C++ compiler; install g++, or use --engine torch")
    path = cache_home() / "native" / f"encoder-{_fingerprint(compiler)}.so"
    try:
        loaded = kept_library.load(path, partial(_build, compiler), limit_s=COMPILE_LIMIT_S)
    except OSError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ModelError(
            f"engine native: its library cannot be built or loaded ({reason:.120}); "
            "name another cache folder in $RERANKBENCH_HOME, or use --engine torch"
        ) from error
    check_layout(loaded)
    return loaded


def products(dtype: str) -> tuple[int, int]:
    """Addresses of torch's block product for a dtype and of its clean-up. Raises ModelError."""
    import torch

    folder = Path(torch.__file__).parent / "lib"
    try:
        kernels: Any = ctypes.CDLL(str(folder / "libtorch_cpu.so"))
        functions = (kernels[_PRODUCTS[dtype]], kernels[_RELEASE])
    except (OSError, AttributeError):
        raise ModelError(
            f"engine native: torch {torch.__version__} hides its micro-kernels; "
            "use --engine torch or compile"
        ) from None
    product, release = (ctypes.cast(function, ctypes.c_void_p).value for function in functions)
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
    try:
        done = subprocess.run(
            [compiler, *OPTIONS, "-o", str(path), str(SOURCE)],
            capture_output=True,
            text=True,
            timeout=COMPILE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(
            f"engine native: {compiler} cannot be run ({error}); use --engine torch"
        ) from error
    if done.returncode != 0 or not path.is_file():
        reason = next((x for x in done.stderr.splitlines() if "error" in x), "no reason given")
        raise ModelError(f"engine native: {compiler} failed ({reason[:120]}); use --engine torch")
