"""Which pairs go through the model together: similar lengths, at most so many padded tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def batches(
    lengths: Sequence[int] | npt.NDArray[np.int64], pairs: Sequence[int], budget: int
) -> list[list[int]]:
    """Split `pairs` (indices into `lengths`) into batches, longest first.

    Each batch padded to its longest pair holds at most `budget` tokens, or is a single pair.
    Longest first finds a lack of memory at once. Equal lengths keep their order, so the result
    depends on the arguments alone.
    """
    if not len(pairs):
        return []
    keys = np.asarray(pairs, dtype=np.int64)
    sizes = np.asarray(lengths, dtype=np.int64)[keys]
    ordered = keys[np.argsort(-sizes, kind="stable")]
    chunks: list[list[int]] = []
    start = 0
    while start < len(ordered):
        longest = max(1, int(lengths[ordered[start]]))
        end = start + max(1, budget // longest)
        chunks.append(ordered[start:end].tolist())
        start = end
    return chunks
