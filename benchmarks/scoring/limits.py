"""How fast this machine multiplies matrices of the model's own shapes, in each number format.

Run as a child beside the contenders, so that its figures come from the same minutes as theirs.
torch's kernels stand for the machine; a contender with better ones may exceed the limit.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.scoring import talk
from benchmarks.scoring.flops import Shape

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "int8")
ROWS = 4096
_REPETITIONS = 8


def weighted(rates: Mapping[tuple[int, int], float]) -> float:
    """One rate from a rate for each matrix (inputs × outputs): all the work by all the time."""
    work = {matrix: matrix[0] * matrix[1] for matrix in rates}
    return sum(work.values()) / sum(work[matrix] / rate for matrix, rate in rates.items())


def best_of(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The highest rate of each dtype over all rounds: a limit is what was possible once."""
    return {dtype: max(each[dtype] for each in rounds) for dtype in (rounds[0] if rounds else ())}


def main(model: str, threads: str) -> None:
    """Answer every line with {dtype: FLOP/s}; dtypes without a kernel are left out."""
    talk.serve(lambda: _start(Shape.read(Path(model)), int(threads)))


def _start(shape: Shape, threads: int) -> tuple[dict[str, Any], talk.Answer]:
    import torch

    torch.set_num_threads(threads)
    works = {dtype: _works(shape, dtype) for dtype in DTYPES}
    return {}, lambda: {dtype: _rate(work) for dtype, work in works.items() if work}


def _works(shape: Shape, dtype: str) -> dict[tuple[int, int], Callable[[], object]]:
    """One multiplication for each matrix of a layer; empty where torch has none."""
    found: dict[tuple[int, int], Callable[[], object]] = {}
    for inputs, outputs in shape.matrices():
        work = _work(inputs, outputs, dtype)
        try:
            work()
        except RuntimeError:
            return {}
        found[inputs, outputs] = work
    return found


def _work(inputs: int, outputs: int, dtype: str) -> Callable[[], torch.Tensor]:
    import torch

    if dtype == "int8":
        left = torch.randint(-127, 128, (ROWS, inputs), dtype=torch.int8)
        right = torch.randint(-127, 128, (inputs, outputs), dtype=torch.int8)
        return lambda: torch._int_mm(left, right)
    rows = torch.randn(ROWS, inputs).to(getattr(torch, dtype))
    weight = torch.randn(outputs, inputs).to(getattr(torch, dtype))
    return lambda: torch.nn.functional.linear(rows, weight)


def _rate(works: Mapping[tuple[int, int], Callable[[], object]]) -> float:
    rates = {
        (inputs, outputs): 2 * ROWS * inputs * outputs / min(_seconds(work))
        for (inputs, outputs), work in works.items()
    }
    return weighted(rates)


def _seconds(work: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(_REPETITIONS):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
