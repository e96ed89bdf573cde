"""Finds pairs of rankings to be judged on queries, with the texts to show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rerankbench.errors import UsageError
from rerankbench.protocols import Collection
from rerankbench.results import derived, grouping, row_names
from rerankbench.results.find_texts import CollectionFinder
from rerankbench.results.record_set import RecordSet
from rerankbench.results.store import Store
from rerankbench.types import Ranking, Record, TaskKey

SAMPLE_SEED = 20_240_617


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchQuery:
    """One query and the texts at the top of both rankings."""

    query_id: str
    text: str
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two rerankers on one task; `sampled_queries` is None if all queries are used."""

    task_key: str
    a: Record
    b: Record
    store: Store
    sampled_queries: int | None
    queries: tuple[MatchQuery, ...]


def find_matches(
    archive: RecordSet,
    library: CollectionFinder,
    *,
    models: Sequence[str],
    top_k: int,
    snippet_chars: int,
    queries: int | None,
) -> list[Match]:
    """Every pair of rerankers on every task, with the newest record of each.

    Without `models`, all except oracle and random. Raises UsageError for an unknown name, if
    there are no two to compare, or if texts or rankings are missing.
    """
    row_names.check(models, archive.records)
    matches = [
        match
        for records in _by_task(archive, models)
        for match in _matches(archive, library, records, top_k, snippet_chars, queries)
    ]
    if not matches:
        raise UsageError("no two rerankers have the same task; name others, or run another one")
    return matches


def _by_task(archive: RecordSet, models: Sequence[str]) -> Iterator[list[Record]]:
    """The newest record of every selected reranker, task by task; rerankers in order of name."""
    tasks: dict[TaskKey, dict[str, Record]] = {}
    for record in sorted(grouping.in_order(archive.records), key=grouping.age):
        name = record.cell.reranker.name
        plain = not derived.is_baseline(record) or derived.is_first_stage(record)
        if name in models or (not models and plain):
            tasks.setdefault(record.task, {})[name] = record
    for _, newest in sorted(tasks.items()):
        yield [record for _, record in sorted(newest.items())]


def _matches(
    archive: RecordSet,
    library: CollectionFinder,
    records: Sequence[Record],
    top_k: int,
    snippet_chars: int,
    queries: int | None,
) -> Iterator[Match]:
    if len(records) < 2:
        return
    tops = {record.cell.reranker.name: _tops(archive, record, top_k) for record in records}
    collection = library.collection(records[0].cell.collection)
    query_texts = _queries(collection, records[0], queries)
    shown = _shown(
        collection,
        [
            tops[name][query_id]
            for name in tops
            for query_id in query_texts
            if query_id in tops[name]
        ],
        snippet_chars,
    )

    def texts(record: Record, query_id: str) -> tuple[str, ...]:
        return tuple(shown[doc_id] for doc_id in tops[record.cell.reranker.name].get(query_id, ()))

    for a, b in combinations(records, 2):
        yield Match(
            task_key=a.cell.task.digest,
            a=a,
            b=b,
            store=_store(archive, a),
            sampled_queries=queries
            if queries is not None and len(query_texts) == queries
            else None,
            queries=tuple(
                MatchQuery(
                    query_id=query_id, text=text, a=texts(a, query_id), b=texts(b, query_id)
                )
                for query_id, text in query_texts.items()
            ),
        )


def _tops(archive: RecordSet, record: Record, top_k: int) -> dict[str, list[str]]:
    rankings: Sequence[Ranking] | None = archive.rankings(record)
    if rankings is None:
        raise UsageError(
            f"the run file of {record.cell.reranker.name} on {record.cell.collection.name} is "
            "missing, or another machine made it; restore it from git, or score it again with "
            "`rerankbench run --fresh`"
        )
    return {ranking.query_id: [hit.doc_id for hit in ranking.hits[:top_k]] for ranking in rankings}


def _queries(collection: Collection, record: Record, most: int | None) -> dict[str, str]:
    """query_id → text of judged queries with a text; larger samples include smaller ones."""
    judged = next(iter(record.per_query.values()), {})
    texts = {
        query.query_id: query.text for query in collection.queries() if query.query_id in judged
    }
    if not texts:
        raise UsageError(f"no judged query of {collection.name} has a text to show")
    chosen = sorted(texts, key=_draw)[:most]
    return {query_id: texts[query_id] for query_id in sorted(chosen)}


def _draw(query_id: str) -> str:
    return hashlib.sha256(f"{SAMPLE_SEED} {query_id}".encode()).hexdigest()


def _shown(
    collection: Collection, lists: Sequence[Sequence[str]], snippet_chars: int
) -> Mapping[str, str]:
    doc_ids = {doc_id for listed in lists for doc_id in listed}
    documents = collection.lookup(doc_ids)
    missing = sorted(doc_ids - documents.keys())
    if missing:
        raise UsageError(
            f"{collection.name} has no document '{missing[0]}', which a run file ranks"
        )
    return {
        doc_id: " ".join(document.content.split())[:snippet_chars]
        for doc_id, document in documents.items()
    }


def _store(archive: RecordSet, record: Record) -> Store:
    store = archive.store(record)
    if store is None:
        raise UsageError(
            f"{record.cell.reranker.name}: its record is not in a results folder; "
            "name the folder instead"
        )
    return store
