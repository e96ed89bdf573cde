"""What the names mean that users write for collections, first stages, rerankers and metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rerankbench import registry
from rerankbench.config import FirstStageConfig
from rerankbench.errors import UsageError, nearest
from rerankbench.protocols import Collection, FirstStage, Metric, RerankerFactory

# Other tools' names are understood wherever a metric is named; those that differ from ours alone
# in their case need no line here.
_OTHER_NAMES = {
    "ndcg_cut": "nDCG",  # trec_eval
    "map_cut": "MAP",
    "recip_rank": "MRR",
    "ap": "MAP",  # ir_measures
    "rr": "MRR",
    "r": "Recall",
    "precision": "P",  # ir_measures, ranx
}
_FORM = re.compile(r"(?P<name>[A-Za-z][A-Za-z_-]*?)(?:[@_.](?P<cutoff>\d+))?")


def is_path(name: str) -> bool:
    """Whether a name is meant as a place in the file system, there or not."""
    return name.startswith((".", "/", "~")) or Path(name).is_dir()


def open_collection(name: str, split: str | None = None) -> Collection:
    """The collection that a name means: a registered name, a folder, or an ir_datasets id."""
    kind = "ir-datasets"
    if name in registry.names("collections") and name not in ("beir-folder", "ir-datasets"):
        kind = name
    elif is_path(name):
        kind = "beir-folder"
    elif Path(name).exists():
        raise UsageError(f"{name}: is a file; a collection is a folder with corpus.jsonl in it")
    collection: Collection = registry.load("collections", kind)(name, split)
    return collection


def open_first_stage(
    entry: FirstStageConfig, collection_name: str, cache: Path
) -> tuple[str, FirstStage]:
    """Name and plug-in of a first stage; `run:FILE` is short for the argument `path`.

    `{dataset}` in the path stands for the collection's name.
    """
    name, _, path = entry.name.partition(":")
    arguments: dict[str, Any] = entry.arguments
    if path:
        arguments["path"] = path
    if isinstance(arguments.get("path"), str):
        arguments["path"] = arguments["path"].replace("{dataset}", collection_name)
    return name, registry.load("firststages", name)(arguments, cache)


def find_factory(model: str, family: str | None = None) -> RerankerFactory:
    """The family that was named, a registered reranker, or what the model's files tell."""
    kind = family or (model if model in registry.names("rerankers") else "detected")
    factory: RerankerFactory = registry.load("rerankers", kind)
    return factory


def parse_metric(text: str) -> Metric:
    """The metric that `nDCG@10`, `ndcg_cut_10` or `AP` names. Raises UsageError."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"metric '{text}' is not of the form nDCG@10; try: nDCG@10")
    base = match["name"]
    known = {name.lower(): name for name in registry.names("metrics")}
    name = known.get(base.lower()) or _OTHER_NAMES.get(base.lower())
    if name is None:
        raise UsageError(f"no metric '{text}'; {nearest(base, known.values())}")
    cutoff = int(match["cutoff"]) if match["cutoff"] else None
    if cutoff == 0:
        raise UsageError(f"metric '{text}': the cutoff must be at least 1")
    metric: Metric = registry.load("metrics", name)(cutoff)
    return metric
