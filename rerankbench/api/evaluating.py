"""An evaluator for sentence-transformers' trainers: a collection's metrics while training."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rerankbench.api.inputs import CollectionLike, FirstStageLike, Inputs, first_stage_entry
from rerankbench.api.temporary import TemporaryFolder
from rerankbench.errors import UsageError
from rerankbench.progress import Silent
from rerankbench.registry import naming
from rerankbench.results import derived
from rerankbench.run import cells, command
from rerankbench.run.config import validated
from rerankbench.run.plan import Group
from rerankbench.run.work import Work
from rerankbench.types import CandidateLists, Record


def evaluator(
    collection: CollectionLike,
    *,
    split: str | None = None,
    first_stage: FirstStageLike = "bm25",
    top_k: int = 100,
    metrics: str | Sequence[str] = ("nDCG@10", "MRR@10", "MAP"),
    limit_queries: int | None = None,
    always_include_positives: bool = False,
    name: str | None = None,
    write_csv: bool = True,
) -> Any:
    """An evaluator for `CrossEncoderTrainer`: reranks a collection, as `run` does, at every call.

    Candidates are retrieved once. A call gives the metrics by name, `NAME_nDCG@10`, and those of
    the first stage's own order, `NAME_base_nDCG@10`; `primary_metric` is the first.

    Args:
        collection: As for `run`; one collection.
        split: The split of a collection that is named.
        first_stage: As for `run`.
        top_k: How many documents of each query are reranked.
        metrics: One metric or several; the first is the primary one.
        limit_queries: Evaluate on a seeded sample of so many queries.
        always_include_positives: Add relevant documents that the first stage missed.
        name: What the metrics' names begin with; the collection's name unless given.
        write_csv: Append every call's metrics to a file in the output folder, where there is one.

    Returns:
        A `SentenceEvaluator` of sentence-transformers.

    Raises:
        RerankbenchError: Where an argument cannot be, or sentence-transformers is missing.
    """
    inputs = Inputs()
    inputs.add_collections(collection, split)
    evaluation = Evaluation(
        inputs,
        {
            "top_k": top_k,
            "metrics": [metrics] if isinstance(metrics, str) else list(metrics),
            "limit_queries": limit_queries,
            "always_include_positives": always_include_positives,
        },
        first_stage,
    )
    return _evaluator_class()(evaluation, name or evaluation.collection, write_csv)


class Evaluation:
    """Measures one model after the other on the same candidates."""

    def __init__(
        self, inputs: Inputs, settings: dict[str, Any], first_stage: FirstStageLike
    ) -> None:
        """Read the collection and retrieve the candidates."""
        self._temporary = TemporaryFolder()
        folder = self._temporary.path
        self._settings = {
            **settings,
            "first_stages": [first_stage_entry(first_stage, folder)],
            "speed": {"enabled": False},
            "results": folder / "results",
        }
        work, group = self._prepare(inputs)
        # The object that is open now is used again: it knows its content already.
        self._collection = group.collection
        self.collection = group.collection.name
        self.metrics = tuple(work.plan.config.metrics)
        self._lists: CandidateLists = cells.find_candidates(work, group)
        self.base = self._values(cells.run_cell(work, group, group.cells[0], self._lists))

    def _prepare(self, inputs: Inputs) -> tuple[Work, Group]:
        models = inputs.models or [{"model": "bm25"}]
        values = {**self._settings, "datasets": inputs.datasets, "models": models}
        config = validated(values, "rerankbench.evaluator")
        work = command.prepare(config, Silent(), fresh=True, given=inputs.given)
        return work, command.only_group(work.plan, work.progress)

    @property
    def described(self) -> dict[str, Any]:
        """What decides the figures besides the model."""
        (stage,) = self._settings["first_stages"]
        given = ("top_k", "limit_queries", "always_include_positives")
        return {"first_stage": stage["name"], **{key: self._settings[key] for key in given}}

    def measure(self, model: Any) -> dict[str, float]:
        """Metric → mean of a model's rankings. Raises ModelError, UsageError."""
        inputs = Inputs()
        inputs.add_collections(self._collection, None)
        inputs.add_models({"model": model})
        work, group = self._prepare(inputs)
        return self._values(cells.run_cell(work, group, group.cells[-1], self._lists))

    def _values(self, record: Record) -> dict[str, float]:
        held = [naming.metric_as_held(metric) for metric in self.metrics]
        return {
            derived.metric_in(record, name): derived.mean_of(record, name) or 0.0 for name in held
        }


@cache
def _evaluator_class() -> Any:
    """A class of sentence-transformers' kind, made when it is needed. Raises UsageError."""
    base = _base_class()

    class RerankbenchEvaluator(base):  # type: ignore[valid-type, misc]
        """Called by a trainer; `evaluator` describes it."""

        def __init__(self, evaluation: Evaluation, name: str, write_csv: bool) -> None:
            super().__init__()
            self.name = name
            self.write_csv = write_csv
            self.csv_file = f"rerankbench_{name.replace('/', '-')}_results.csv"
            self._evaluation = evaluation
            self.primary_metric = f"{name}_{next(iter(evaluation.base))}"

        def __call__(
            self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
        ) -> dict[str, float]:
            """The metrics of a CrossEncoder, or of anything else that `run` takes as a model."""
            values = self._evaluation.measure(model)
            base = {f"base_{metric}": value for metric, value in self._evaluation.base.items()}
            found: dict[str, float] = self.prefix_name_to_metrics({**values, **base}, self.name)
            if hasattr(model, "model_card_data"):
                self.store_metrics_in_model_card_data(model, found, epoch, steps)
            if output_path is not None and self.write_csv:
                _append(Path(output_path) / self.csv_file, epoch, steps, values)
            return found

        def get_config_dict(self) -> dict[str, Any]:
            """What the model card says of it."""
            return self._evaluation.described

        @property
        def description(self) -> str:
            """What the model card calls it."""
            return "Reranking of first-stage candidates"

    return RerankbenchEvaluator


def _base_class() -> Any:
    try:
        from sentence_transformers.base.evaluation import BaseEvaluator
    except ImportError:
        pass
    else:
        return BaseEvaluator
    try:  # Before version 6 it lay elsewhere, under another name.
        from sentence_transformers.evaluation import SentenceEvaluator
    except ImportError:
        raise UsageError(
            "an evaluator needs sentence-transformers; pip install sentence-transformers"
        ) from None
    return SentenceEvaluator


def _append(path: Path, epoch: int, steps: int, values: dict[str, float]) -> None:
    """One line a call, after a header, as sentence-transformers' evaluators write them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        if is_new:
            writer.writerow(["epoch", "steps", *values])
        writer.writerow([epoch, steps, *values.values()])
