"""Plug-ins of other packages, held to the contracts of `protocols`.

Whatever such a plug-in does wrong (it raises, lacks a method, takes other arguments, gives back
something else than it should) ends in one line that names it. Plug-ins of our own are not guarded.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rerankbench.errors import PluginError, RerankbenchError, show_traceback
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.types import (
    CollectionHashes,
    Document,
    EngineRef,
    Hit,
    Query,
    Ranking,
    RerankerRef,
)

_Found = TypeVar("_Found")


class Plugin:
    """What messages say of a plug-in, such as `reranker 'mine' of my-package`."""

    def __init__(self, told: str) -> None:
        """`told` begins every complaint."""
        self._told = told

    def wrong(self, what: str) -> PluginError:
        """The complaint to raise."""
        return PluginError(f"{self._told}: {what}; mend the plug-in, or uninstall it")

    def call(self, name: str, function: Any, *arguments: Any, **named: Any) -> Any:
        """What a plug-in's function gives back. Raises PluginError for whatever it raises."""
        if not callable(function):
            raise self.wrong(f"its {name} is no function but {_kind(function)}")
        try:
            return function(*arguments, **named)
        except (Exception, SystemExit) as error:
            raise self._raised(name, error) from error

    def each(self, name: str, found: Any) -> Iterator[Any]:
        """What an iterable of a plug-in holds, read as it goes."""
        if not hasattr(found, "__iter__"):
            raise self.wrong(f"{name} gave {_kind(found)}, which cannot be gone through")
        try:
            yield from found
        except (Exception, SystemExit) as error:
            raise self._raised(name, error) from error

    def having(self, what: str, found: Any, names: Sequence[str]) -> None:
        """Check that an object has all these attributes."""
        missing = [name for name in names if not hasattr(found, name)]
        if missing:
            raise self.wrong(f"{what} gave {_kind(found)}, which has no '{missing[0]}'")

    def being(self, name: str, found: Any, kind: type[_Found]) -> _Found:
        """Check what came back."""
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise self.wrong(f"{name} must give {kind.__name__}, and gave {_kind(found)}")
        return found

    def _raised(self, name: str, error: BaseException) -> RerankbenchError:
        if isinstance(error, RerankbenchError):
            return error  # Said on purpose.
        show_traceback(error)
        reason = (str(error).strip().splitlines() or [""])[0][:100]
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        return self.wrong(f"{name} raised {said} (RERANKBENCH_TRACEBACK=1 shows where)")


def _kind(found: Any) -> str:
    return "None" if found is None else f"a {type(found).__name__}"


def _texts(plugin: Plugin, name: str, found: Any) -> list[str]:
    return [plugin.being(name, each, str) for each in plugin.each(name, found)]


def guard(kind: str, plugin: Plugin, target: Any) -> Any:
    """The plug-in of that kind as its contract has it. Raises PluginError where it is none."""
    if kind == "rerankers":
        return GuardedFactory(plugin, target)
    if not callable(target):
        raise plugin.wrong(f"its entry point must be a function, and is {_kind(target)}")
    made: Mapping[str, Callable[[Plugin, Any], Any]] = {
        "collections": GuardedCollection,
        "firststages": GuardedFirstStage,
        "metrics": GuardedMetric,
    }
    wrapped = made[kind]
    return lambda *arguments: wrapped(plugin, plugin.call("its function", target, *arguments))


class GuardedCollection:
    """A collection of another package."""

    _METHODS = (
        *("hashes", "documents", "document_count", "queries", "qrels", "lookup", "warnings"),
    )

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("its function", inner, ("name", "source", "split", *self._METHODS))
        self._plugin, self._inner = plugin, inner
        self.name = plugin.being("name", inner.name, str)
        self.source = plugin.being("source", inner.source, str)
        self.split = plugin.being("split", inner.split, str)
        drops = getattr(inner, "drops_identical_ids", None)
        self.drops_identical_ids = plugin.being("drops_identical_ids", drops, bool)

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._plugin.call(name, getattr(self._inner, name), *arguments)

    def hashes(self) -> CollectionHashes:
        """As in `protocols`."""
        return self._plugin.being("hashes", self._call("hashes"), CollectionHashes)

    def documents(self) -> Iterator[Document]:
        """As in `protocols`."""
        for each in self._plugin.each("documents", self._call("documents")):
            yield self._plugin.being("documents", each, Document)

    def document_count(self) -> int | None:
        """As in `protocols`."""
        found = self._call("document_count")
        return None if found is None else self._plugin.being("document_count", found, int)

    def queries(self) -> Sequence[Query]:
        """As in `protocols`."""
        found = self._plugin.each("queries", self._call("queries"))
        return [self._plugin.being("queries", each, Query) for each in found]

    def qrels(self) -> Mapping[str, Mapping[str, int]]:
        """As in `protocols`."""
        found = self._plugin.being("qrels", self._call("qrels"), Mapping)  # type: ignore[type-abstract]
        for query, grades in found.items():
            self._plugin.being("qrels", query, str)
            for doc_id, grade in self._plugin.being("qrels", grades, Mapping).items():  # type: ignore[type-abstract]
                self._plugin.being("qrels", doc_id, str)
                self._plugin.being("qrels", grade, int)
        return found

    def lookup(self, doc_ids: Any) -> Mapping[str, Document]:
        """As in `protocols`."""
        found = self._plugin.being("lookup", self._call("lookup", doc_ids), Mapping)  # type: ignore[type-abstract]
        for each in found.values():
            self._plugin.being("lookup", each, Document)
        return found

    def warnings(self) -> Sequence[str]:
        """As in `protocols`."""
        return _texts(self._plugin, "warnings", self._call("warnings"))


class GuardedFirstStage:
    """A first stage of another package."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("its function", inner, ("describe", "retrieve"))
        self._plugin, self._inner = plugin, inner

    def describe(self) -> Mapping[str, Any]:
        """As in `protocols`."""
        found = self._plugin.call("describe", self._inner.describe)
        return _json_object(self._plugin, "describe", found)

    def retrieve(self, *arguments: Any, **named: Any) -> Sequence[Ranking]:
        """As in `protocols`."""
        plugin = self._plugin
        found = plugin.call("retrieve", self._inner.retrieve, *arguments, **named)
        rankings = [plugin.being("retrieve", x, Ranking) for x in plugin.each("retrieve", found)]
        for ranking in rankings:
            for hit in plugin.each("retrieve", ranking.hits):
                _check_hit(plugin, hit)
        return rankings


def _check_hit(plugin: Plugin, hit: Any) -> None:
    doc_id, score = plugin.being("retrieve", hit, Hit)
    plugin.being("retrieve", doc_id, str)
    _check_score(plugin, "retrieve", score)


def _check_score(plugin: Plugin, name: str, score: Any) -> None:
    # NumPy's numbers are floats by their __float__ alone.
    try:
        finite = not isinstance(score, str | bytes) and math.isfinite(score)
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite:
        raise plugin.wrong(f"{name} gave the score {score!r:.40}, which is no finite number")


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
    _json_object(plugin, f"the recipe of {name}", ref.recipe)
    return ref


def _engine_ref(plugin: Plugin, name: str, found: Any) -> EngineRef:
    engine = plugin.being(name, found, EngineRef)
    for part in ("engine", "device"):
        plugin.being(f"the {part} of {name}", getattr(engine, part), str)
    return engine


def _json_object(plugin: Plugin, name: str, found: Any) -> Mapping[str, Any]:
    checked = plugin.being(name, found, Mapping)  # type: ignore[type-abstract]
    try:
        json.dumps(dict(checked), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise plugin.wrong(f"{name} gave what is no JSON ({error!s:.60})") from error
    return checked


class GuardedMetric:
    """A metric of another package."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("its function", inner, ("name", "per_query"))
        self._plugin, self._inner = plugin, inner
        self.name = plugin.being("name", inner.name, str)

    def per_query(self, qrels: Any, run: Any) -> Mapping[str, float]:
        """As in `protocols`."""
        found = self._plugin.call("per_query", self._inner.per_query, qrels, run)
        values = self._plugin.being("per_query", found, Mapping)  # type: ignore[type-abstract]
        missing = [query for query in qrels if query not in values]
        if missing:
            raise self._plugin.wrong(f"per_query gave no value for the query '{missing[0]:.40}'")
        for value in values.values():
            _check_score(self._plugin, "per_query", value)
        return {query: float(values[query]) for query in qrels}


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
                f"identify must give a RerankerRef and an EngineRef, and gave {_kind(found)}"
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
                _check_score(plugin, "score", score)
            # Journals and runs hold Python's own numbers.
            yield replace(batch, pairs=pairs, scores=[float(score) for score in scores])
        if open_pairs:
            raise plugin.wrong(f"score left {len(open_pairs)} of {total} pairs without a score")

    def warnings(self) -> Sequence[str]:
        """As in `protocols`."""
        found = self._plugin.call("warnings", self._inner.warnings)
        return _texts(self._plugin, "warnings", found)

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
