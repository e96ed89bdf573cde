"""Query–document pairs as token ids: where a pair is too long the document is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import Job

# A longer query would leave too little room for a document (FlagEmbedding draws the line here
# too).
QUERY_SHARE = 0.75
# Pairs tokenised in one call: enough for all threads, little enough for flat memory.
CHUNK = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPairs:
    """Token ids of all pairs of a job, in its order.

    `types` is None for tokenisers without segment ids. Pairs in `done` need no score.
    """

    done: frozenset[int]
    ids: Sequence[npt.NDArray[np.int32]]
    types: Sequence[npt.NDArray[np.int32]] | None
    truncated: Sequence[bool]
    cut_queries: frozenset[str]


def encode(tokenizer: Any, job: Job, max_length: int) -> EncodedPairs:
    """Tokenise all pairs of a job, cut to `max_length` tokens.

    Pairs already done are tokenised too: which pairs share a batch must not depend on them.
    """
    queries = [each.query.text for each in job.candidates]
    special = tokenizer.num_special_tokens_to_add(pair=True)
    most = max(1, min(int(max_length * QUERY_SHARE), max_length - special - 1))
    clipped = _clip(tokenizer, queries, most)
    pairs = [
        (text, document.content)
        for text, candidates in zip(clipped, job.candidates, strict=True)
        for document in candidates.documents
    ]
    has_types = "token_type_ids" in tokenizer.model_input_names
    ids: list[npt.NDArray[np.int32]] = []
    types: list[npt.NDArray[np.int32]] = []
    truncated: list[bool] = []
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        encoded = tokenizer(
            [query for query, _ in chunk],
            [content for _, content in chunk],
            truncation="only_second",
            max_length=max_length,
            return_attention_mask=False,
            return_token_type_ids=has_types,
        )
        ids.extend(np.asarray(row, dtype=np.int32) for row in encoded["input_ids"])
        if has_types:
            types.extend(np.asarray(row, dtype=np.int32) for row in encoded["token_type_ids"])
        truncated.extend(bool(each.overflowing) for each in encoded.encodings)
    return EncodedPairs(
        done=job.done,
        ids=ids,
        types=types if has_types else None,
        truncated=truncated,
        cut_queries=frozenset(
            each.query.query_id
            for each, text in zip(job.candidates, clipped, strict=True)
            if each.query.text != text
        ),
    )


def _clip(tokenizer: Any, queries: Sequence[str], most: int) -> list[str]:
    """Queries of at most `most` tokens; longer ones end where their last token kept ends.

    A character that is several tokens (an emoji in bytes) is kept whole or not at all.
    """
    if not queries:
        return []
    encoded = tokenizer(
        list(queries),
        add_special_tokens=False,
        truncation=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    return [
        query if len(offsets) <= most else query[: _end(offsets, most)]
        for query, offsets in zip(queries, encoded["offset_mapping"], strict=True)
    ]


def _end(offsets: Sequence[tuple[int, int]], kept: int) -> int:
    """Where the text of the first `kept` tokens ends, none of which shares a letter beyond."""
    while kept and offsets[kept][0] < offsets[kept - 1][1]:
        kept -= 1
    return offsets[kept - 1][1] if kept else 0
