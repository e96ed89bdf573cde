"""A first stage that ranks documents by the words that their titles share with the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rerankbench import Collection, Hit, Json, Progress, Query, Ranking, UsageError
from rerankbench_example_plugin.words import overlap, words


class TitleOverlap:
    """The first stage. One that builds an index would keep it in the folder for caches."""

    def describe(self) -> Mapping[str, Json]:
        """Everything that decides the ranking; it becomes part of the record's key."""
        return {"version": 1}

    def retrieve(
        self, collection: Collection, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        """One ranking a query, in their order, at most `depth` hits each."""
        titles = {document.doc_id: words(document.title) for document in collection.documents()}
        return [_ranking(query, titles, depth) for query in queries]


def _ranking(query: Query, titles: Mapping[str, frozenset[str]], depth: int) -> Ranking:
    query_words = words(query.text)
    hits = [Hit(doc_id, overlap(query_words, title)) for doc_id, title in titles.items()]
    ranking = Ranking.sort(query.query_id, hits)  # by trec_eval's rule for ties
    return Ranking(query_id=query.query_id, hits=ranking.hits[:depth])


def create(arguments: Mapping[str, Json], cache: Path) -> TitleOverlap:
    """Called with the values of `--first-stage-arg` and a folder for caches."""
    if arguments:
        raise UsageError(f"title-overlap takes no arguments, but was given {sorted(arguments)[0]}")
    return TitleOverlap()
