"""Position ids of pairs that lie one after another, as each architecture counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.rerankers.engines.contract import TokenRows

# Those that run native or packed.
SHIFTED_MODEL_TYPES = frozenset({"roberta", "xlm-roberta", "camembert"})


def padding_before_positions(config: Any) -> int | None:
    """The padding id that positions are counted from; None for models that begin at 0."""
    return int(config.pad_token_id) if config.model_type in SHIFTED_MODEL_TYPES else None


def positions(rows: TokenRows, padding: int | None) -> npt.NDArray[np.int64]:
    """Position ids, from 0 in each pair; with a `padding` id as RoBERTa counts them."""
    starts = np.repeat(rows.offsets[:-1], rows.lengths)
    if padding is None:
        return np.arange(len(rows.ids)) - starts
    is_token = rows.ids != padding
    before = np.concatenate(([0], np.cumsum(is_token)))
    counted: npt.NDArray[np.int64] = (before[1:] - before[starts]) * is_token
    return counted + padding
