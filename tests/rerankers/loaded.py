"""Rerankers that tests load by themselves, without a run around them."""

from __future__ import annotations

from typing import Any

from rerankbench.protocols import RerankerSpec


def load(factory: Any, spec: RerankerSpec, pairs: int | None = None) -> Any:
    """What a factory loads for a job of so many pairs."""
    loadable = factory.identify(spec)
    return loadable.load(loadable.choose_engine(pairs).engine)
