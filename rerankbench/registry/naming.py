"""What the names mean that users write for collections, first stages, rerankers and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from rerankbench import registry
from rerankbench.errors import UsageError, nearest
from rerankbench.files.part_files import convert_line
from rerankbench.known import metric_name
from rerankbench.known import models as known_models
from rerankbench.protocols import (
    Collection,
    FirstStage,
    GradedMetric,
    LevelledMetric,
    Metric,
    Reranker,
    RerankerFactory,
    RerankerSpec,
)

HIGHEST_CUTOFF = 1_000_000
"""Far beyond any list; trec_eval loses what its own integers cannot hold."""


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
        line = convert_line(Path(name))
        advice = f"make a collection of it: {line}" if line else "name a folder with corpus.jsonl"
        raise UsageError(f"{name}: is a file, not a folder; {advice}")
    collection: Collection = registry.load("collections", kind)(name, split)
    return collection


def open_first_stage(
    name: str, arguments: Mapping[str, Any], collection_name: str, cache: Path
) -> tuple[str, FirstStage]:
    """Name and plug-in of a first stage; `run:FILE` is short for the argument `path`.

    `{dataset}` in the path stands for the collection's name.
    """
    if ":" not in name and name not in registry.names("firststages") and _is_run_file(name):
        raise UsageError(f"no first stage '{name}'; for a run file write run:{name}")
    name, _, path = name.partition(":")
    settings = dict(arguments)
    if path:
        settings["path"] = path
    if isinstance(settings.get("path"), str):
        settings["path"] = settings["path"].replace("{dataset}", collection_name)
    return name, registry.load("firststages", name)(settings, cache)


def find_factory(model: str, family: str | None = None) -> RerankerFactory:
    """The family that was named, a registered reranker, or what the model's files tell."""
    kind = family or (model if model in registry.names("rerankers") else "detected")
    if kind == "detected" and "/" not in model and not Path(model).exists():
        _suggest_model(model)
    factory: RerankerFactory = registry.load("rerankers", kind)
    return factory


def _is_run_file(name: str) -> bool:
    endings = (".trec", ".run", ".res")
    return name.removesuffix(".gz").endswith(endings) or Path(name).is_file()


def _suggest_model(name: str) -> None:
    """Raise UsageError where a name without an owner, rare on the hub, is nearly one of ours."""
    names = {each.casefold(): each for each in registry.names("rerankers")}
    names |= {each.name.rpartition("/")[2].casefold(): each.name for each in known_models.known()}
    close = get_close_matches(name.casefold(), names, n=1, cutoff=0.8)
    if close:
        raise UsageError(f"no model '{name}'; did you mean '{names[close[0]]}'?")


def load_reranker(factory: RerankerFactory, spec: RerankerSpec) -> Reranker[Any]:
    """The reranker alone, as for a short job. Raises ModelError, UsageError."""
    loadable = factory.identify(spec)
    return loadable.load(loadable.choose_engine().engine)


def parse_metric(text: str, usual_level: int = 1) -> Metric:
    """The metric that `nDCG@10`, `ndcg_cut_10`, `AP` or `RR(rel=2)@10` names. Raises UsageError.

    `usual_level` is the lowest grade that counts as relevant where the name says nothing of it.
    """
    parts = metric_name.split(text)
    if parts is None:
        raise UsageError(f"metric '{text}' is not of the form nDCG@10; try: nDCG@10")
    name = _own_name(parts.base)
    if name is None:
        raise UsageError(f"no metric '{text}'; {nearest(parts.base, registry.names('metrics'))}")
    if parts.parameters or parts.level == 0:
        raise UsageError(
            f"metric '{text}' is not of the form nDCG@10 or MAP(rel=2)@10; in brackets only rel=N "
            "is known, N the lowest grade that is relevant"
        )
    if parts.cutoff == 0:
        raise UsageError(f"metric '{text}': the cutoff must be at least 1")
    if (parts.cutoff or 0) > HIGHEST_CUTOFF:
        raise UsageError(f"metric '{text}': the cutoff must be at most {HIGHEST_CUTOFF:,}")
    metric: Metric = registry.load("metrics", name)(parts.cutoff)
    return _at_level(metric, parts.level, usual_level)


def metric_as_held(text: str) -> str:
    """The name under which records hold a metric that other tools name otherwise.

    A level of 1 stays where it was said. What is no known metric stays as it is: records may hold
    those of a plug-in that is not installed here.
    """
    parts = metric_name.split(text)
    if parts is None or parts.parameters:
        return text
    name = str(replace(parts, base=_own_name(parts.base) or parts.base))
    return metric_name.explicit(name) if parts.level == 1 else name


def name_elsewhere(base: str, tool: str) -> str | None:
    """What a tool calls one of our metrics, both without cutoff; None where it has no name."""
    if base not in registry.built_in("metrics"):
        return None
    name: str | None = registry.load("metrics", base).names_elsewhere.get(tool)
    return name


def _own_name(base: str) -> str | None:
    """What we call a metric without its level and cutoff; None where it is none of ours."""
    known = {name.lower(): name for name in registry.names("metrics")}
    return known.get(base.lower()) or _names_of_other_tools().get(base.lower())


@cache
def _names_of_other_tools() -> Mapping[str, str]:
    """Another tool's name in lower case → ours."""
    return {
        name.lower(): ours
        for ours in registry.built_in("metrics")
        for name in registry.load("metrics", ours).names_elsewhere.values()
    }


def _at_level(metric: Metric, named: int | None, usual: int) -> Metric:
    """At the level that was named; else at the usual one, if the metric knows levels at all."""
    if not isinstance(metric, LevelledMetric):
        if named not in (None, 1):
            raise UsageError(f"{metric.name} knows no level of relevance: leave (rel={named}) out")
        return metric
    if named is None and isinstance(metric, GradedMetric) and metric.is_graded:
        return metric
    return metric.at_level(usual if named is None else named)
