"""The input and output of engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRows:
    """Pairs as token ids, one after another, without padding.

    Pair i is `ids[offsets[i]:offsets[i + 1]]`; `types` (segment ids) lies alike and is None for
    tokenisers without it. A row of `places` (pairs × 4), where someone needs it, is where in its
    pair the query starts and ends, then the document.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int32] | None
    offsets: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64] | None = None

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each pair."""
        return np.diff(self.offsets)

    def padded(
        self, values: npt.NDArray[np.int32], width: int, filler: int, *, left: bool = False
    ) -> npt.NDArray[np.int64]:
        """`ids` or `types` as a matrix (pairs × width), filled up on the right or the left."""
        matrix = np.full((len(self.offsets) - 1, width), filler, dtype=np.int64)
        matrix[self.mask(width, left=left)] = values
        return matrix

    def mask(self, width: int, *, left: bool = False) -> npt.NDArray[np.bool_]:
        """True where a padded matrix (pairs × width) holds a token."""
        if left:
            return np.arange(width) >= width - self.lengths[:, None]
        return np.arange(width) < self.lengths[:, None]


class Engine(Protocol):
    """A model made ready on its device."""

    @property
    def attention_kernel(self) -> str | None:
        """The attention implementation, as records show it."""

    @property
    def pads(self) -> bool:
        """Whether pairs of a batch are filled up to a common width."""

    @property
    def in_flight(self) -> int:
        """Batches that may be in progress while the next one is prepared."""

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Begin to score one batch; the call that it returns waits for the float32 logits.

        Logits are pairs × labels, on the host, in the order of the rows. `width` is what an engine
        that pads must pad to: a pair's score then does not depend on which of its neighbours are
        left out because they are done.
        """

    def peak_device_bytes(self) -> int | None:
        """Most accelerator memory held since loading; None on the CPU."""
