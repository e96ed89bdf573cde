"""One run from Python: the same path as `rerankbench run`, with objects where names may stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rerankbench.api.inputs import (
    CollectionLike,
    FirstStageLike,
    Inputs,
    ModelLike,
    first_stage_entry,
)
from rerankbench.api.result import RunResult
from rerankbench.api.temporary import TemporaryFolder
from rerankbench.console import Terminal, showing_log
from rerankbench.progress import Progress, Silent
from rerankbench.run import command, pipeline
from rerankbench.run.config import validated
from rerankbench.run.work import Report


def run(
    collection: CollectionLike | Sequence[CollectionLike],
    models: ModelLike | Sequence[ModelLike],
    *,
    split: str | None = None,
    first_stage: FirstStageLike = "bm25",
    top_k: int = 100,
    metrics: str | Sequence[str] = "nDCG@10",
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    batch_tokens: int | None = None,
    max_length: int | None = None,
    limit_queries: int | None = None,
    always_include_positives: bool = False,
    speed: bool = False,
    output: str | os.PathLike[str] | None = None,
    suite: str = "default",
    fresh: bool = False,
    progress: bool | Progress = False,
) -> RunResult:
    """Rerank a collection with each of the models, and measure them, as `rerankbench run` does.

    Args:
        collection: A name as for `--dataset`, a folder, the three parts of a collection in memory
            (`{"queries": {id: text}, "corpus": {id: text}, "qrels": {id: {id: grade}}}`, with a
            `name` if you like), or a list of these.
        models: A list of names as for `--model`, entries as in a config, loaded `CrossEncoder`s
            and functions `(query, documents) → scores`; or a mapping that names each of them.
        split: The split of collections that are named.
        first_stage: A name as for `--first-stage`, an entry as in a config
            (`{"name": "bm25", "k1": 1.2}`), or a run in memory (`{query: {document: score}}`).
        top_k: How many documents of each query are reranked.
        metrics: One metric or several; the first is the headline.
        device: `auto`, `cpu`, `cuda` or `cuda:N`, for models that are named.
        dtype: `auto`, `float32`, `bfloat16`, `float16` or `int8`, for models that are named.
        engine: What computes, for models that are named.
        batch_tokens: Padded tokens in one batch, for models that are named.
        max_length: Tokens of a pair, for models that are named.
        limit_queries: Run a seeded sample of so many queries.
        always_include_positives: Add relevant documents that the first stage missed.
        speed: Measure speed too, which takes up to a minute a model.
        output: A results folder: finished cells of named models are taken from it, and all are
            kept there. None works in a temporary folder that lives as long as the result.
        suite: Name of the records' folder below `output`.
        fresh: Ignore finished cells.
        progress: Show progress on stderr, or report it to an object of your own.

    Returns:
        What was measured. The first stage's own order is always among it, as `bm25`.

    Raises:
        RerankbenchError: Where an argument cannot be, or a model fails; the other models are
            measured and kept all the same.
    """
    inputs = Inputs()
    inputs.add_collections(collection, split)
    inputs.add_models(models)
    temporary = TemporaryFolder()
    results = temporary.path / "results" if output is None else Path(output)
    config = validated(
        {
            "datasets": inputs.datasets,
            "models": inputs.models,
            "first_stages": [first_stage_entry(first_stage, temporary.path)],
            "top_k": top_k,
            "metrics": [metrics] if isinstance(metrics, str) else list(metrics),
            "device": device,
            "dtype": dtype,
            "engine": engine,
            "batch_tokens": batch_tokens,
            "max_length": max_length,
            "limit_queries": limit_queries,
            "always_include_positives": always_include_positives,
            "speed": {"enabled": speed},
            "results": results,
            "suite": suite,
        },
        "rerankbench.run",
    )
    shown = _progress(progress)
    with showing_log(shown) if isinstance(shown, Terminal) else nullcontext():
        work = command.prepare(config, shown, fresh=fresh, given=inputs.given)
        report = pipeline.run(work)
    _raise_for_failures(report)
    return RunResult(
        records=report.records, store=work.store, metrics=config.metrics, temporary=temporary
    )


def _progress(progress: bool | Progress) -> Progress:
    if isinstance(progress, bool):
        return Terminal() if progress else Silent()
    return progress


def _raise_for_failures(report: Report) -> None:
    """Raise the failure itself where there is one alone: what caused it hangs on it."""
    if len(report.failures) == 1:
        raise report.failures[0]
    report.raise_for_failures()
