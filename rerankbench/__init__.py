"""Choose, compare and guard rerankers: measured nDCG@10, measured docs/sec, publishable tables.

The names below are the public ones, described in docs/python.md and docs/plugins.md. Importing the
package imports nothing heavy: a name is fetched from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import pandas as pd

    from rerankbench.api.evaluating import evaluator
    from rerankbench.api.result import RunResult
    from rerankbench.api.running import run
    from rerankbench.errors import (
        ConfigError,
        InputError,
        ModelError,
        RerankbenchError,
        UsageError,
    )
    from rerankbench.known.models import KnownModel
    from rerankbench.known.models import find as find_model
    from rerankbench.progress import Progress
    from rerankbench.protocols import (
        Collection,
        EngineChoice,
        FirstStage,
        Job,
        LoadableReranker,
        Metric,
        MetricProvider,
        ProvidedMetric,
        Reranker,
        RerankerFactory,
        RerankerSpec,
        ScoredBatch,
    )
    from rerankbench.types import (
        Candidates,
        CollectionHashes,
        Document,
        EngineRef,
        Hit,
        Json,
        Qrels,
        Query,
        Ranking,
        RerankerRef,
        Run,
    )

__version__ = "0.1.0"
__all__ = [
    "Candidates",
    "Collection",
    "CollectionHashes",
    "ConfigError",
    "Document",
    "EngineChoice",
    "EngineRef",
    "FirstStage",
    "Hit",
    "InputError",
    "Job",
    "Json",
    "KnownModel",
    "LoadableReranker",
    "Metric",
    "MetricProvider",
    "ModelError",
    "Progress",
    "ProvidedMetric",
    "Qrels",
    "Query",
    "Ranking",
    "RerankbenchError",
    "Reranker",
    "RerankerFactory",
    "RerankerRef",
    "RerankerSpec",
    "Run",
    "RunResult",
    "ScoredBatch",
    "UsageError",
    "__version__",
    "evaluator",
    "find_model",
    "load_per_query",
    "load_results",
    "run",
]

# Where a name lies, and what it is called there if not the same; looked up in this order.
_MODULES = (
    *("errors", "protocols", "types", "progress", "known.models"),
    *("api.running", "api.result", "api.evaluating"),
)
_CALLED = {"find_model": "find"}

# The function `run` has the name of a room. Python puts a room into its package when it is first
# imported: that is done here and undone at once, so that it never takes the function's place.
import_module("rerankbench.run")
globals().pop("run")


def load_results(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = "results",
) -> pd.DataFrame:
    """One row per record below folders, or in record files: names, means, speeds, warnings.

    Raises `rerankbench.errors.InputError` for a path that is missing or has no records.
    """
    from rerankbench.interchange import frame

    return frame.load(paths, frame.records_frame)


def load_per_query(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = "results",
) -> pd.DataFrame:
    """One row per record, metric and judged query, the query's value in the column `value`.

    Raises `rerankbench.errors.InputError` for a path that is missing or has no records.
    """
    from rerankbench.interchange import frame

    return frame.load(paths, frame.per_query_frame)


def __getattr__(name: str) -> object:
    """A public name of another module; Python calls this once for each."""
    if name in __all__:
        for module in _MODULES:
            public = getattr(import_module(f"rerankbench.{module}"), _CALLED.get(name, name), None)
            if public is not None:
                globals()[name] = public
                return public
    raise AttributeError(f"module 'rerankbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
