"""Which queries are documents of the collection themselves, and so no candidates of their own.

ArguAna's queries are arguments out of its corpus: every search would find the query first. BEIR
drops whatever document has the query's id; elsewhere ids may be plain numbers that coincide by
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

    `drops` says so of the collection; `unlike_stay` that some documents with a query's id are
    others and stay. `remark` tells it where no name and no setting did.
    """

    of_queries: frozenset[str] = frozenset()
    drops: bool = False
    unlike_stay: bool = False
    remark: str = ""


def decide(
    collection: Collection, queries: Sequence[Query], setting: Setting = "auto"
) -> IdenticalIds:
    """Follow the setting, or the collection's own rule and its contents."""
    every = frozenset(query.query_id for query in queries)
    if setting is not True and setting is not False:
        return _by_content(collection, every)
    return IdenticalIds(of_queries=every if setting else frozenset(), drops=setting)


def _by_content(collection: Collection, every: frozenset[str]) -> IdenticalIds:
    shared = _shared(collection)
    same = frozenset(query_id for query_id, is_same in shared.items() if is_same)
    # A folder may have the name of such a collection and hold something else, with plain numbers.
    by_chance = [each for each in shared if each.isdecimal() and each not in same]
    if collection.drops_identical_ids and (not shared or 2 * len(by_chance) < len(shared)):
        return IdenticalIds(of_queries=every, drops=True)
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

    Collections that are plug-ins need not say it; then their own rule stands alone.
    """
    return collection.identical_ids() if isinstance(collection, SharedIds) else {}
