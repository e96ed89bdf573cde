"""Collections, first stages and metrics of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rerankbench.protocols import (
    FirstStageWarnings,
    GradedMetric,
    LevelledCollection,
    LevelledMetric,
    ProvidedMetric,
    SharedIds,
)
from rerankbench.registry.guarded.plugin import Plugin, check_score, json_object, texts_of
from rerankbench.types import CollectionHashes, Document, Hit, Qrels, Query, Ranking, Run


class GuardedCollection:
    """A collection of another package."""

    _METHODS = (
        *("hashes", "documents", "document_count", "queries", "qrels", "lookup", "warnings"),
    )

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that all parts are there."""
        plugin.having("its function", inner, ("name", "source", "split", *self._METHODS))
        self._plugin, self._inner = plugin, inner
        self.name = plugin.being("name", inner.name, str)
        self.source = plugin.being("source", inner.source, str)
        self.split = plugin.being("split", inner.split, str)
        drops = getattr(inner, "drops_identical_ids", None)
        self.drops_identical_ids = plugin.being("drops_identical_ids", drops, bool)
        level = inner.relevance_level if isinstance(inner, LevelledCollection) else 1
        self.relevance_level = plugin.being("relevance_level", level, int)
        if self.relevance_level < 1:
            raise plugin.wrong(f"relevance_level must be 1 or more, and is {level}")

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._plugin.call(name, getattr(self._inner, name), *arguments)

    def hashes(self) -> CollectionHashes:
        """As in `protocols`."""
        return self._plugin.being("hashes", self._call("hashes"), CollectionHashes)

    def documents(self) -> Iterator[Document]:
        """As in `protocols`."""
        for item in self._plugin.items_of("documents", self._call("documents")):
            yield self._plugin.being("documents", item, Document)

    def document_count(self) -> int | None:
        """As in `protocols`."""
        number = self._call("document_count")
        return None if number is None else self._plugin.being("document_count", number, int)

    def queries(self) -> Sequence[Query]:
        """As in `protocols`."""
        items = self._plugin.items_of("queries", self._call("queries"))
        return [self._plugin.being("queries", item, Query) for item in items]

    def qrels(self) -> Mapping[str, Mapping[str, int]]:
        """As in `protocols`."""
        judgments = self._plugin.being("qrels", self._call("qrels"), Mapping)  # type: ignore[type-abstract]
        for query, grades in judgments.items():
            self._plugin.being("qrels", query, str)
            for doc_id, grade in self._plugin.being("qrels", grades, Mapping).items():  # type: ignore[type-abstract]
                self._plugin.being("qrels", doc_id, str)
                self._plugin.being("qrels", grade, int)
        return judgments

    def identical_ids(self) -> Mapping[str, bool]:
        """As in `protocols`; empty if the plug-in does not know."""
        if not isinstance(self._inner, SharedIds):
            return {}
        same = self._plugin.being("identical_ids", self._call("identical_ids"), Mapping)  # type: ignore[type-abstract]
        for query_id, is_same_text in same.items():
            self._plugin.being("identical_ids", query_id, str)
            self._plugin.being("identical_ids", is_same_text, bool)
        return same

    def lookup(self, doc_ids: Any) -> Mapping[str, Document]:
        """As in `protocols`."""
        documents = self._plugin.being("lookup", self._call("lookup", doc_ids), Mapping)  # type: ignore[type-abstract]
        for document in documents.values():
            self._plugin.being("lookup", document, Document)
        return documents

    def warnings(self) -> Sequence[str]:
        """As in `protocols`."""
        return texts_of(self._plugin, "warnings", self._call("warnings"))


class GuardedFirstStage:
    """A first stage of another package."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that all parts are there."""
        plugin.having("its function", inner, ("describe", "retrieve"))
        self._plugin, self._inner = plugin, inner

    def describe(self) -> Mapping[str, Any]:
        """As in `protocols`."""
        description = self._plugin.call("describe", self._inner.describe)
        return json_object(self._plugin, "describe", description)

    def retrieve(self, *arguments: Any, **named: Any) -> Sequence[Ranking]:
        """As in `protocols`."""
        plugin = self._plugin
        results = plugin.call("retrieve", self._inner.retrieve, *arguments, **named)
        rankings = [
            plugin.being("retrieve", x, Ranking) for x in plugin.items_of("retrieve", results)
        ]
        for ranking in rankings:
            for hit in plugin.items_of("retrieve", ranking.hits):
                _check_hit(plugin, hit)
        return rankings

    def warnings(self) -> Sequence[str]:
        """As in `protocols`; empty if the plug-in has none."""
        if not isinstance(self._inner, FirstStageWarnings):
            return ()
        return texts_of(
            self._plugin, "warnings", self._plugin.call("warnings", self._inner.warnings)
        )


def _check_hit(plugin: Plugin, hit: Any) -> None:
    doc_id, score = plugin.being("retrieve", hit, Hit)
    plugin.being("retrieve", doc_id, str)
    check_score(plugin, "retrieve", score)


class GuardedMetric:
    """A metric of another package; it has the optional abilities that the plug-in has."""

    at_level: Callable[[int], GuardedMetric]
    provider: GuardedProvider

    def __init__(self, plugin: Plugin, inner: Any, source: str = "its function") -> None:
        """Check that it has all of its parts; `source` is what gave it."""
        plugin.having(source, inner, ("name", "per_query"))
        self._plugin, self.inner = plugin, inner
        self.name = plugin.being("name", inner.name, str)
        graded = inner.is_graded if isinstance(inner, GradedMetric) else False
        self.is_graded = plugin.being("is_graded", graded, bool)
        if isinstance(inner, LevelledMetric):
            self.at_level = self._at_level
        if isinstance(inner, ProvidedMetric):
            self.provider = GuardedProvider(plugin, inner.provider)

    def per_query(self, qrels: Qrels, run: Run) -> Mapping[str, float]:
        """As in `protocols`."""
        found = self._plugin.call("per_query", self.inner.per_query, qrels, run)
        return _values(self._plugin, found, qrels)

    def _at_level(self, level: int) -> GuardedMetric:
        levelled = self._plugin.call("at_level", self.inner.at_level, level)
        return GuardedMetric(self._plugin, levelled, "at_level")


class GuardedProvider:
    """What computes several metrics of another package; equal where the plug-in's are."""

    def __init__(self, plugin: Plugin, inner: Any) -> None:
        """Check that it has all of its parts."""
        plugin.having("provider", inner, ("per_query",))
        self._plugin, self._inner = plugin, inner

    def __eq__(self, other: object) -> bool:
        """Whether metrics of both go together."""
        return isinstance(other, GuardedProvider) and bool(self._inner == other._inner)

    def __hash__(self) -> int:
        """The plug-in's own."""
        return hash(self._inner)

    def per_query(
        self, metrics: Sequence[Any], qrels: Qrels, run: Run
    ) -> Mapping[str, Mapping[str, float]]:
        """As in `protocols`."""
        inner = [metric.inner for metric in metrics]
        plugin = self._plugin
        found = plugin.call("per_query", self._inner.per_query, inner, qrels, run)
        of_metrics = plugin.being("per_query", found, Mapping)  # type: ignore[type-abstract]
        missing = [metric.name for metric in metrics if metric.name not in of_metrics]
        if missing:
            raise plugin.wrong(f"per_query gave no values for the metric '{missing[0]:.40}'")
        return {metric.name: _values(plugin, of_metrics[metric.name], qrels) for metric in metrics}


def _values(plugin: Plugin, found: Any, qrels: Qrels) -> dict[str, float]:
    """A finite number for every query of the qrels."""
    values = plugin.being("per_query", found, Mapping)  # type: ignore[type-abstract]
    missing = [query for query in qrels if query not in values]
    if missing:
        raise plugin.wrong(f"per_query gave no value for the query '{missing[0]:.40}'")
    for value in values.values():
        check_score(plugin, "per_query", value)
    return {query: float(values[query]) for query in qrels}
