"""What an object is as a reranker."""

from __future__ import annotations

import sys
from typing import Any
from uuid import uuid4

from rerankbench.errors import UsageError
from rerankbench.protocols import RerankerFactory
from rerankbench.rerankers.objects import callables, cross_encoders

_FORMS = (
    "give a name, a loaded CrossEncoder, or a function (query, documents) → one score a document"
)


def factory_of(model: Any, name: str | None = None) -> RerankerFactory:
    """What runs an object, under that name or its own. Raises UsageError for what is none."""
    own_key = uuid4().hex[:12]
    if _is(model, "sentence_transformers", "CrossEncoder"):
        return cross_encoders.reranker_of(model, name, own_key)
    kind = type(model).__name__
    if _is(model, "torch.nn", "Module"):
        raise UsageError(f"a {kind} takes no texts; {_FORMS}")
    if not callable(model):
        raise UsageError(f"a {kind} is no reranker; {_FORMS}")
    return callables.reranker_of(model, name, own_key)


def _is(model: Any, module: str, name: str) -> bool:
    """Whether it is of that class; a package that was never imported has made no objects."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(model, kind)
