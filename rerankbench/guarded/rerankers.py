"""Rerankers of other packages."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rerankbench.guarded.plugin import Plugin, check_score, json_object, kind_of, texts_of
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.types import EngineRef, RerankerRef


class GuardedFactory:
    """A family of rerankers of another package."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("its entry point", inner, ("identify", "load", "scores_documents"))
        self._plugin, self._inner = plugin, inner
        self.scores_documents = plugin.being("scores_documents", inner.scores_documents, bool)

    def identify(self, spec: Any) -> tuple[RerankerRef, EngineRef]:
        """As in `protocols`."""
        found = self._plugin.call("identify", self._inner.identify, spec)
        if not (isinstance(found, tuple) and len(found) == 2):
            raise self._plugin.wrong(
                f"identify must give a RerankerRef and an EngineRef, and gave {kind_of(found)}"
            )
        ref = _reranker_ref(self._plugin, "identify", found[0])
        return ref, _engine_ref(self._plugin, "identify", found[1])

    def load(self, spec: Any) -> GuardedReranker:
        """As in `protocols`."""
        found = self._plugin.call("load", self._inner.load, spec)
        return GuardedReranker(self._plugin, found)


class GuardedReranker:
    """A loaded reranker of another package; what it has besides its contract is its own."""

    _PARTS = ("ref", "engine", "prepare", "score", "warnings", "peak_device_bytes")

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("load", inner, self._PARTS)
        self._plugin, self._inner = plugin, inner
        self.ref = _reranker_ref(plugin, "ref", inner.ref)
        self.engine = _engine_ref(plugin, "engine", inner.engine)
        kernel = getattr(inner, "attention_kernel", None)
        self.attention_kernel = (
            None if kernel is None else plugin.being("attention_kernel", kernel, str)
        )

    def __getattr__(self, name: str) -> Any:
        """Parts that not every reranker has: `about`, `checks`, `whole_job`."""
        return getattr(self._inner, name)

    def prepare(self, job: Job) -> Prepared:
        """As in `protocols`."""
        return Prepared(job, self._plugin.call("prepare", self._inner.prepare, job))

    def score(self, prepared: Prepared) -> Iterator[ScoredBatch]:
        """As in `protocols`; every pair must get one score, and only one."""
        plugin, job = self._plugin, prepared.job
        found = plugin.call("score", self._inner.score, prepared.inner)
        total = sum(len(each.documents) for each in job.candidates)
        open_pairs = set(range(total)) - job.done
        for each in plugin.each("score", found):
            batch = plugin.being("score", each, ScoredBatch)
            pairs = [_place(plugin, pair) for pair in plugin.each("score", batch.pairs)]
            scores = list(plugin.each("score", batch.scores))
            if len(pairs) != len(scores):
                raise plugin.wrong(f"score gave {len(scores)} scores for {len(pairs)} pairs")
            for pair, score in zip(pairs, scores, strict=True):
                if pair not in open_pairs:
                    raise plugin.wrong(f"score gave a score for pair {pair}, not asked for")
                open_pairs.remove(pair)
                check_score(plugin, "score", score)
            # Journals and runs hold Python's own numbers.
            yield replace(batch, pairs=pairs, scores=[float(score) for score in scores])
        if open_pairs:
            raise plugin.wrong(f"score left {len(open_pairs)} of {total} pairs without a score")

    def warnings(self) -> Sequence[str]:
        """As in `protocols`."""
        found = self._plugin.call("warnings", self._inner.warnings)
        return texts_of(self._plugin, "warnings", found)

    def peak_device_bytes(self) -> int | None:
        """As in `protocols`."""
        found = self._plugin.call("peak_device_bytes", self._inner.peak_device_bytes)
        return None if found is None else self._plugin.being("peak_device_bytes", found, int)


class Prepared:
    """What a plug-in's `prepare` gave, with the job that it is for."""

    def __init__(self, job: Job, inner: Any) -> None:
        """Keep both."""
        self.job, self.inner = job, inner

    def __getattr__(self, name: str) -> Any:
        """What the plug-in tells of it: `truncated`, `lengths`."""
        return getattr(self.inner, name)


def _place(plugin: Plugin, pair: Any) -> int:
    """The index of a pair, of whatever integer type."""
    try:
        return operator.index(pair)
    except TypeError as error:
        raise plugin.wrong(f"score named the pair {pair!r:.40}, which is no index") from error


def _reranker_ref(plugin: Plugin, name: str, found: Any) -> RerankerRef:
    ref = plugin.being(name, found, RerankerRef)
    for part in ("name", "family", "revision"):
        plugin.being(f"the {part} of {name}", getattr(ref, part), str)
    json_object(plugin, f"the recipe of {name}", ref.recipe)
    return ref


def _engine_ref(plugin: Plugin, name: str, found: Any) -> EngineRef:
    engine = plugin.being(name, found, EngineRef)
    for part in ("engine", "device"):
        plugin.being(f"the {part} of {name}", getattr(engine, part), str)
    return engine
