"""Rerankers of other packages."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rerankbench.protocols import EngineChoice, Job, MarkedPairs, MarkedQueries, ScoredBatch
from rerankbench.registry.guarded.plugin import (
    Plugin,
    amount,
    check_fields,
    check_score,
    count,
    json_object,
    texts_of,
)
from rerankbench.types import EngineRef, RerankerRef

_LONGEST_NAME = 200


class GuardedFactory:
    """A family of rerankers of another package."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("its entry point", inner, ("identify", "scores_documents"))
        self._plugin, self._inner = plugin, inner
        self.scores_documents = plugin.being("scores_documents", inner.scores_documents, bool)

    def identify(self, spec: Any) -> GuardedLoadable:
        """As in `protocols`."""
        inner = self._plugin.call("identify", self._inner.identify, spec)
        return GuardedLoadable(self._plugin, inner)


class GuardedLoadable:
    """A reranker of another package that was identified."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("identify", inner, ("ref", "choose_engine", "load"))
        self._plugin, self._inner = plugin, inner
        self.ref = _reranker_ref(plugin, "identify", inner.ref)

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """As in `protocols`."""
        found = self._plugin.call("choose_engine", self._inner.choose_engine, pairs)
        choice = self._plugin.being("choose_engine", found, EngineChoice)
        _engine_ref(self._plugin, "choose_engine", choice.engine)
        for part in ("reason", "warning"):
            if getattr(choice, part) is not None:
                self._plugin.being(f"the {part} of choose_engine", getattr(choice, part), str)
        return choice

    def load(self, engine: EngineRef) -> GuardedReranker:
        """As in `protocols`."""
        inner = self._plugin.call("load", self._inner.load, engine)
        return GuardedReranker(self._plugin, inner)


class GuardedReranker:
    """A loaded reranker of another package."""

    _PARTS = ("ref", "engine", "prepare", "score", "warnings", "peak_device_bytes")

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that all parts are there."""
        plugin.having("load", inner, self._PARTS)
        self._plugin, self._inner = plugin, inner
        self.ref = _reranker_ref(plugin, "ref", inner.ref)
        self.engine = _engine_ref(plugin, "engine", inner.engine)
        kernel = getattr(inner, "attention_kernel", None)
        self.attention_kernel = (
            None if kernel is None else plugin.being("attention_kernel", kernel, str)
        )
        self._texts("about"), self._texts("checks")

    @property
    def about(self) -> Mapping[str, str]:
        """As in `protocols`; empty if the plug-in does not have it."""
        return self._texts("about")

    @property
    def checks(self) -> Mapping[str, str]:
        """As in `protocols`; empty if the plug-in does not have it."""
        return self._texts("checks")

    def _texts(self, part: str) -> Mapping[str, str]:
        # A plug-in may have only one of the two.
        texts = self._plugin.being(part, getattr(self._inner, part, {}), Mapping)  # type: ignore[type-abstract]
        texts_of(self._plugin, part, (*texts.keys(), *texts.values()))
        return texts

    def prepare(self, job: Job) -> GuardedJob:
        """As in `protocols`."""
        return GuardedJob(job, self._plugin.call("prepare", self._inner.prepare, job))

    def score(self, prepared: GuardedJob) -> Iterator[ScoredBatch]:
        """As in `protocols`; checks that every pair gets exactly one score."""
        plugin, job = self._plugin, prepared.job
        batches = plugin.call("score", self._inner.score, prepared.inner)
        total = sum(len(candidates.documents) for candidates in job.candidates)
        open_pairs = set(range(total)) - job.done
        for item in plugin.items_of("score", batches):
            batch = plugin.being("score", item, ScoredBatch)
            pairs = [_place(plugin, pair) for pair in plugin.items_of("score", batch.pairs)]
            scores = list(plugin.items_of("score", batch.scores))
            if len(pairs) != len(scores):
                raise plugin.wrong(f"score gave {len(scores)} scores for {len(pairs)} pairs")
            for pair, score in zip(pairs, scores, strict=True):
                if pair not in open_pairs:
                    raise plugin.wrong(f"score gave a score for pair {pair}, not requested")
                open_pairs.remove(pair)
                check_score(plugin, "score", score)
            # Journals and runs contain Python's own numbers.
            own = [float(score) for score in scores]
            yield replace(_counted(plugin, batch), pairs=pairs, scores=own)
        if open_pairs:
            raise plugin.wrong(f"score left {len(open_pairs)} of {total} pairs without a score")

    def warnings(self) -> Sequence[str]:
        """As in `protocols`."""
        texts = self._plugin.call("warnings", self._inner.warnings)
        return texts_of(self._plugin, "warnings", texts)

    def peak_device_bytes(self) -> int | None:
        """As in `protocols`."""
        peak = self._plugin.call("peak_device_bytes", self._inner.peak_device_bytes)
        return None if peak is None else self._plugin.being("peak_device_bytes", peak, int)


class GuardedJob:
    """The result of a plug-in's `prepare`, with its job."""

    def __init__(self, job: Job, inner: Any) -> None:
        self.job, self.inner = job, inner

    @property
    def truncated(self) -> Sequence[Any]:
        """As in `protocols`; false for every pair if the plug-in does not know."""
        if isinstance(self.inner, MarkedPairs):
            return self.inner.truncated
        return [False] * self.job.starts[-1]

    @property
    def cut_queries(self) -> Collection[str]:
        """As in `protocols`; empty if the plug-in does not know."""
        return self.inner.cut_queries if isinstance(self.inner, MarkedQueries) else ()


def _place(plugin: Plugin, pair: Any) -> int:
    """The index of a pair, of any integer type."""
    try:
        return operator.index(pair)
    except TypeError as error:
        raise plugin.wrong(f"score named the pair {pair!r:.40}, which is not an index") from error


def _counted(plugin: Plugin, batch: ScoredBatch) -> ScoredBatch:
    """The batch with its counts as Python's own numbers."""

    def counted(name: str) -> int:
        return count(plugin, f"the {name} of score", getattr(batch, name))

    answers = plugin.being("the answers of score", batch.answers, Mapping)  # type: ignore[type-abstract]
    failed = plugin.items_of("the failed_attempts_s of score", batch.failed_attempts_s)
    return replace(
        batch,
        tokens=counted("tokens"),
        padded_tokens=counted("padded_tokens"),
        truncated_pairs=counted("truncated_pairs"),
        searches=amount(plugin, "the searches of score", batch.searches),
        lost_s=amount(plugin, "the lost_s of score", batch.lost_s),
        failed_attempts_s=[amount(plugin, "the failed_attempts_s of score", x) for x in failed],
        answers={
            plugin.being("the answers of score", key, str): count(
                plugin, "an answer of score", value
            )
            for key, value in answers.items()
        },
    )


def _reranker_ref(plugin: Plugin, name: str, value: Any) -> RerankerRef:
    ref = plugin.being(name, value, RerankerRef)
    for part in ("name", "family", "revision"):
        plugin.being(f"the {part} of {name}", getattr(ref, part), str)
    json_object(plugin, f"the recipe of {name}", ref.recipe)
    check_fields(plugin, name, ref)
    if ref.recipe.get("scores_lists") and not ref.scores_lists:
        raise plugin.wrong(f"the recipe of {name} says scores_lists; say reads='lists' instead")
    # Names are printed in tables and used in file names.
    if not ref.name.strip() or not ref.name.isprintable() or len(ref.name) > _LONGEST_NAME:
        raise plugin.wrong(
            f"the name of {name} is {ref.name!r:.60}; it must be one line of 1 to {_LONGEST_NAME} "
            "letters"
        )
    return ref


def _engine_ref(plugin: Plugin, name: str, value: Any) -> EngineRef:
    engine = plugin.being(name, value, EngineRef)
    for part in ("engine", "device"):
        plugin.being(f"the {part} of {name}", getattr(engine, part), str)
    check_fields(plugin, name, engine)
    return engine
