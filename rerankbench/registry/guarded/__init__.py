"""Plug-ins of other packages, held to the contracts of `protocols`.

Whatever such a plug-in does wrong (it raises, lacks a method, takes other arguments, gives back
something else than it should) ends in one line that names it. Plug-ins of our own are not guarded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rerankbench.registry.guarded.plugin import Plugin, kind_of
from rerankbench.registry.guarded.rerankers import GuardedFactory
from rerankbench.registry.guarded.retrieval import (
    GuardedCollection,
    GuardedFirstStage,
    GuardedMetric,
)

__all__ = ["Plugin", "guard"]


def guard(kind: str, plugin: Plugin, target: Any) -> Any:
    """The plug-in of that kind as its contract has it. Raises PluginError where it is none."""
    if kind == "rerankers":
        return GuardedFactory(plugin, target)
    if not callable(target):
        raise plugin.wrong(f"its entry point must be a function, and is {kind_of(target)}")
    made: Mapping[str, Callable[[Plugin, Any], Any]] = {
        "collections": GuardedCollection,
        "firststages": GuardedFirstStage,
        "metrics": GuardedMetric,
    }
    wrapped = made[kind]
    return lambda *arguments: wrapped(plugin, plugin.call("its function", target, *arguments))
