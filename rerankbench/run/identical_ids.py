"""Which queries are documents of the collection themselves, so not their own candidates.

ArguAna's queries are arguments from its corpus: every search would find the query first. BEIR
drops any document with the query's id; elsewhere ids may be plain numbers that coincide by
chance, so here the texts decide (docs/interface.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rerankbench.protocols import Collection, SharedIds
from rerankbench.types import Query

Setting: TypeAlias = Literal["auto"] | bool
"""`drop_identical_ids` of a config; `auto` compares the texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdenticalIds:
    """The queries whose own document is dropped before the cut.

    `drops`: the collection drops some; `unlike_stay`: some documents with a query's id are
    different and stay. `remark` says so if it was decided by the contents alone.
    """

    of_queries: frozenset[str] = frozenset()
    drops: bool = False
    unlike_stay: bool = False
    remark: str = ""


def decide(
    collection: Collection, queries: Sequence[Query], setting: Setting = "auto"
) -> IdenticalIds:
    """Follow the setting, or the collection's own rule and its contents."""
    query_ids = frozenset(query.query_id for query in queries)
    if setting is not True and setting is not False:
        return _by_content(collection, query_ids)
    return IdenticalIds(of_queries=query_ids if setting else frozenset(), drops=setting)


def _by_content(collection: Collection, query_ids: frozenset[str]) -> IdenticalIds:
    shared = _shared(collection)
    same = frozenset(query_id for query_id, is_same in shared.items() if is_same)
    # A folder may have such a collection's name but other contents, with plain numbers as ids.
    by_chance = [query_id for query_id in shared if query_id.isdecimal() and query_id not in same]
    if collection.drops_identical_ids and (not shared or 2 * len(by_chance) < len(shared)):
        return IdenticalIds(of_queries=query_ids, drops=True)
    if not same:
        return IdenticalIds()
    return IdenticalIds(
        of_queries=same,
        drops=True,
        unlike_stay=len(same) < len(shared),
        remark=(
            f"{len(same)} queries are documents of the collection (same id, same text): each is "
            "left out of its own candidates"
        ),
    )


def _shared(collection: Collection) -> Mapping[str, bool]:
    """Ids that a query and a document share → whether the texts are the same.

    Plug-in collections need not provide this; then only their own rule counts.
    """
    return collection.identical_ids() if isinstance(collection, SharedIds) else {}
