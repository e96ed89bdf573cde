"""Floating-point operations of a BERT-like cross-encoder, counted from its config."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of an encoder with a pooler (or dense head) and a classifier."""

    layers: int
    hidden: int
    intermediate: int
    labels: int

    @classmethod
    def read(cls, model: Path) -> Shape:
        """Read the sizes from the checkpoint's config.json."""
        config = json.loads((model / "config.json").read_text())
        return cls(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            intermediate=config["intermediate_size"],
            labels=len(config.get("id2label", {"0": "", "1": ""})),
        )

    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of a layer's linear maps; query, key and value are one."""
        h, i = self.hidden, self.intermediate
        return (h, 3 * h), (h, h), (h, i), (i, h)

    def of_pair(self, tokens: int) -> int:
        """FLOPs of one pair of so many tokens: matrix multiplications only, no padding."""
        linear = sum(2 * inputs * outputs for inputs, outputs in self.matrices())
        attention = 4 * tokens * self.hidden
        head = 2 * self.hidden * (self.hidden + self.labels)
        return tokens * self.layers * (linear + attention) + head

    def mean_of(self, lengths: Iterable[int]) -> float:
        """Mean FLOPs a pair, over pairs of these lengths."""
        counts = [self.of_pair(tokens) for tokens in lengths]
        return sum(counts) / len(counts)
