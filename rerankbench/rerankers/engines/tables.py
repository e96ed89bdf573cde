"""How many rows the tables of a model have: what a token, a position and a segment are read from.

An id beyond a table is memory of something else to an engine that does not look, and a traceback
to one that does. So all ids are compared with the tables before anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.config_defaults import COUNTED_AFTER_PADDING

# What transformers calls its tables of learned positions, and of segments.
_POSITIONS = frozenset({"position_embeddings", "position_embedding", "embed_positions", "wpe"})
_SEGMENTS = frozenset({"token_type_embeddings"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Rows of each table; None where a model has none, or hides it.

    `tokens` counts the vocabulary, `length` the tokens of the longest text that has positions.
    """

    tokens: int | None
    length: int | None
    segments: int | None

    def filler(self, padding: int | None) -> int:
        """The id that pads rows: the padding id if the model knows it, else 0."""
        if padding is None or padding < 0:
            return 0
        return padding if self.tokens is None or padding < self.tokens else 0


def tables_of(model: Any) -> Tables:
    """The tables of a model of transformers. Raises ModelError for one that cannot count."""
    return Tables(
        tokens=_words(model),
        length=_length(model),
        segments=min((table.num_embeddings for table in _named(model, _SEGMENTS)), default=None),
    )


def _words(model: Any) -> int | None:
    try:
        weight = getattr(model.get_input_embeddings(), "weight", None)
    except (NotImplementedError, AttributeError):  # CANINE hashes letters; a model's own code.
        return None
    return None if weight is None else len(weight)


def _length(model: Any) -> int | None:
    """Positions begin behind the padding id where transformers says so of the table."""
    config = model.config
    limits: list[int] = []
    for table in _named(model, _POSITIONS):
        padding = -1 if table.padding_idx is None else table.padding_idx
        limits.append(table.num_embeddings - (padding + 1) % table.num_embeddings)
    if not limits:
        return None
    counted = config.model_type in COUNTED_AFTER_PADDING
    if counted and getattr(config, "pad_token_id", None) is None:
        raise ModelError(
            f"{config.model_type} counts positions from pad_token_id, which config.json sets to "
            "null; write the id of its padding token there"
        )
    stated = getattr(config, "max_position_embeddings", None)
    # Some tables have extra rows that no text position uses.
    return min(*limits, stated) if isinstance(stated, int) and stated > 0 else min(limits)


def _named(model: Any, names: frozenset[str]) -> Iterator[Any]:
    """Each table of such a name."""
    from torch.nn import Embedding

    for parent in model.modules():
        for name, table in parent.named_children():
            if name in names and isinstance(table, Embedding):
                yield table
