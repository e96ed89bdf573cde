"""Names → plug-ins. Listing names imports nothing; a module is imported when it is asked for.

Built-ins come first, then entry points of installed packages, so anyone can add a reranker, a
first stage, a collection or a metric from their own package with one line in its
pyproject.toml. A plug-in cannot replace a built-in.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from rerankbench.errors import PluginError, UsageError, nearest, show_traceback
from rerankbench.registry.guarded import Plugin, guard

Kind = Literal["collections", "firststages", "rerankers", "metrics", "probes", "objects"]

_SINGULAR: Mapping[Kind, str] = {
    "collections": "collection",
    "firststages": "first stage",
    "rerankers": "reranker",
    "metrics": "metric",
    "probes": "probe",
    "objects": "object",
}
_BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "collections": {
        "demo": "rerankbench.collections.demo:open_collection",
        "beir-folder": "rerankbench.collections.beir_folder:open_collection",
        "ir-datasets": "rerankbench.collections.ir_datasets_id:open_collection",
    },
    "firststages": {
        "bm25": "rerankbench.firststage.bm25:create",
        "rank-bm25": "rerankbench.firststage.rank_bm25:create",
        "run": "rerankbench.firststage.run_file:create",
    },
    "rerankers": {
        "bm25": "rerankbench.rerankers.baselines:first_stage_order",
        "oracle": "rerankbench.rerankers.baselines:oracle",
        "random": "rerankbench.rerankers.baselines:random_order",
        "demo-cross-encoder": "rerankbench.rerankers.sequence_classification:DEMO",
        "detected": "rerankbench.rerankers.detection:FACTORY",
        "sequence-classification": "rerankbench.rerankers.sequence_classification:FACTORY",
        "causal-lm": "rerankbench.rerankers.prompted.factory:CAUSAL_LM",
        "seq2seq": "rerankbench.rerankers.prompted.factory:SEQ_TO_SEQ",
        "bi-encoder": "rerankbench.rerankers.embedding.factory:BI_ENCODER",
        "late-interaction": "rerankbench.rerankers.embedding.factory:LATE_INTERACTION",
        "cross-encoder-modules": "rerankbench.rerankers.embedding.cross_encoder_modules:FACTORY",
        "http": "rerankbench.rerankers.http.factory:FACTORY",
        "head": "rerankbench.rerankers.heads.factory:FACTORY",
        "listwise": "rerankbench.rerankers.listwise.factory:FACTORY",
        "jina-v3": "rerankbench.rerankers.jina_v3.factory:FACTORY",
    },
    "metrics": {
        "nDCG": "rerankbench.metrics.trec_eval:ndcg",
        "MAP": "rerankbench.metrics.trec_eval:average_precision",
        "MRR": "rerankbench.metrics.trec_eval:reciprocal_rank",
        "Recall": "rerankbench.metrics.trec_eval:recall",
        "P": "rerankbench.metrics.trec_eval:precision",
    },
    # What `doctor` asks of rooms that it cannot know.
    "probes": {
        "engines": "rerankbench.rerankers.engines.probes:engines",
        "products": "rerankbench.rerankers.engines.probes:products",
        "sentence-transformers": "rerankbench.rerankers.sentence_transformers_reference:load",
    },
    # What takes the place of a name where Python code hands over the thing itself.
    "objects": {
        "collection": "rerankbench.collections.in_memory:collection_of",
        "reranker": "rerankbench.rerankers.objects.choice:factory_of",
    },
}


def names(kind: Kind) -> list[str]:
    """All known names of a kind, built-ins first."""
    return [*_BUILT_IN[kind], *(name for name in _installed(kind) if name not in _BUILT_IN[kind])]


def built_in(kind: Kind) -> list[str]:
    return list(_BUILT_IN[kind])


def load(kind: Kind, name: str) -> Any:
    """The plug-in of that name, importing its module. Raises UsageError naming the nearest.

    One of another package is held to its contract: whatever it does wrong is a PluginError.
    """
    target = _BUILT_IN[kind].get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        return getattr(importlib.import_module(module), attribute)
    point = _installed(kind).get(name)
    if point is None:
        raise UsageError(f"no {_SINGULAR[kind]} '{name}'; {nearest(name, names(kind))}")
    owner = point.dist.name if point.dist else "a package"
    label = f"{_SINGULAR[kind]} '{name}' of {owner}"
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:
        show_traceback(error)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PluginError(
            f"{label}: cannot be imported ({reason:.100}; RERANKBENCH_TRACEBACK=1 shows where); "
            "mend the plug-in, or uninstall it"
        ) from error
    return guard(kind, Plugin(label), plugin)


@cache
def _installed(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"rerankbench.{kind}")}
