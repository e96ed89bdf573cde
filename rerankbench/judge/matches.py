"""Records → which two rankings are to be judged on which queries, with the texts to show."""

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
    """One query with what each of the two shows at its top."""

    query_id: str
    text: str
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two rerankers on one task; `sampled_queries` is None where all queries are asked."""

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
    """Every pair of rerankers on every task; of several records of a reranker, the newest.

    Without `models` they are all but oracle and random. Raises UsageError for an unknown name,
    where there are no two to compare, or where texts or rankings are missing.
    """
    row_names.check(models, archive.records)
    found = [
        match
        for records in _by_task(archive, models)
        for match in _matches(archive, library, records, top_k, snippet_chars, queries)
    ]
    if not found:
        raise UsageError("no two rerankers answered one task; name others, or run another one")
    return found


def _by_task(archive: RecordSet, models: Sequence[str]) -> Iterator[list[Record]]:
    """The newest record of every wanted reranker, task by task; rerankers in order of name."""
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
    asked = _queries(collection, records[0], queries)
    shown = _shown(
        collection,
        [tops[name][each] for name in tops for each in asked if each in tops[name]],
        snippet_chars,
    )

    def texts(record: Record, query_id: str) -> tuple[str, ...]:
        return tuple(shown[each] for each in tops[record.cell.reranker.name].get(query_id, ()))

    for a, b in combinations(records, 2):
        yield Match(
            task_key=a.cell.task.digest,
            a=a,
            b=b,
            store=_store(archive, a),
            sampled_queries=queries if queries is not None and len(asked) == queries else None,
            queries=tuple(
                MatchQuery(query_id=each, text=text, a=texts(a, each), b=texts(b, each))
                for each, text in asked.items()
            ),
        )


def _tops(archive: RecordSet, record: Record, top_k: int) -> dict[str, list[str]]:
    rankings: Sequence[Ranking] | None = archive.rankings(record)
    if rankings is None:
        raise UsageError(
            f"the run file of {record.cell.reranker.name} on {record.cell.collection.name} is "
            "missing, or another machine's; restore it from git, or score that cell again with "
            "`rerankbench run --fresh`"
        )
    return {each.query_id: [hit.doc_id for hit in each.hits[:top_k]] for each in rankings}


def _queries(collection: Collection, record: Record, most: int | None) -> dict[str, str]:
    """query_id → text of those that count and have one; a larger sample holds the smaller one."""
    judged = next(iter(record.per_query.values()), {})
    texts = {each.query_id: each.text for each in collection.queries() if each.query_id in judged}
    if not texts:
        raise UsageError(f"no query of {collection.name} that counts has a text to show")
    chosen = sorted(texts, key=_draw)[:most]
    return {query_id: texts[query_id] for query_id in sorted(chosen)}


def _draw(query_id: str) -> str:
    return hashlib.sha256(f"{SAMPLE_SEED} {query_id}".encode()).hexdigest()


def _shown(
    collection: Collection, lists: Sequence[Sequence[str]], snippet_chars: int
) -> Mapping[str, str]:
    """doc_id → the beginning of its text, on one line."""
    wanted = {doc_id for each in lists for doc_id in each}
    found = collection.lookup(wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        raise UsageError(
            f"{collection.name} holds no document '{missing[0]}', which a run file ranks"
        )
    return {
        doc_id: " ".join(document.content.split())[:snippet_chars]
        for doc_id, document in found.items()
    }


def _store(archive: RecordSet, record: Record) -> Store:
    store = archive.store(record)
    if store is None:
        raise UsageError(
            f"{record.cell.reranker.name}: its record lies outside of a results folder; "
            "name the folder instead"
        )
    return store
