"""Ids for texts that have none: made of the text alone, so the same everywhere and always."""

from __future__ import annotations

import hashlib

from rerankbench.interchange.convert.cells import Text

_DIGEST_BYTES = 8
"""Of ten million texts, two share an id with a probability of 3 in a million."""


def text_digest(text: Text) -> bytes:
    parts = f"{len(text.title)}:{text.title}{text.text}"
    return hashlib.blake2b(parts.encode(), digest_size=_DIGEST_BYTES).digest()


def query_id(text: Text) -> str:
    """Its own id, or one such as q-1f0c2a9b77de4413."""
    return text.text_id or f"q-{text_digest(text).hex()}"


def doc_id(text: Text) -> str:
    """Its own id, or one such as d-1f0c2a9b77de4413."""
    return text.text_id or f"d-{text_digest(text).hex()}"
