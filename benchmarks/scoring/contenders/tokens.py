"""Token ids for runtimes that bring no tokeniser: the checkpoint's own, without transformers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Inputs = dict[str, npt.NDArray[np.int64]]
_LONGEST = 512


class Tokens:
    """Tokenises pairs and yields length-sorted batches, longest first."""

    def __init__(self, model: Path) -> None:
        """Load tokenizer.json; pairs are cut to the checkpoint's length."""
        from tokenizers import Tokenizer

        config = json.loads((model / "tokenizer_config.json").read_text())
        self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._tokenizer.enable_truncation(min(int(config["model_max_length"]), _LONGEST))
        self._tokenizer.no_padding()
        self._padding = json.loads((model / "config.json").read_text()).get("pad_token_id") or 0

    def lengths(self, texts: Sequence[tuple[str, str]]) -> list[int]:
        """Tokens of each pair, with separators and without padding."""
        return [len(each.ids) for each in self._tokenizer.encode_batch_fast(texts)]

    def batches(
        self, texts: Sequence[tuple[str, str]], size: int, names: frozenset[str]
    ) -> Iterator[tuple[list[int], Inputs]]:
        """Indices into the texts and the inputs that the model names."""
        encoded = self._tokenizer.encode_batch_fast(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(encoded[i].ids))
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            yield batch, self._inputs([encoded[i] for i in batch], names)

    def _inputs(self, rows: Sequence[Any], names: frozenset[str]) -> Inputs:
        shape = len(rows), max(len(row.ids) for row in rows)
        found: Mapping[str, npt.NDArray[np.int64]] = {
            "input_ids": np.full(shape, self._padding, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for number, row in enumerate(rows):
            found["input_ids"][number, : len(row.ids)] = row.ids
            found["attention_mask"][number, : len(row.ids)] = 1
            found["token_type_ids"][number, : len(row.ids)] = row.type_ids
        return {name: matrix for name, matrix in found.items() if name in names}


def score_of(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One score a row: the only logit, or the difference of two."""
    return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
