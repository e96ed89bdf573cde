"""Which documents are dropped for having their query's id: by the texts, whatever the name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from rerankbench.protocols import Collection
from rerankbench.run.identical_ids import IdenticalIds, Setting, decide
from rerankbench.types import Query


class Fake:
    """Four queries, of which some have the id of a document: with the same text or another."""

    def __init__(self, shared: Mapping[str, bool], *, named: bool = False) -> None:
        self.shared = shared
        self.drops_identical_ids = named

    def identical_ids(self) -> Mapping[str, bool]:
        return self.shared


class Plugin:
    """A collection that says nothing about texts."""

    drops_identical_ids = True


QUERIES = [Query(query_id=each, text="t") for each in "abcd"]
EVERY = frozenset("abcd")


def decided(collection: object, setting: Setting = "auto") -> tuple[str, bool, bool, bool]:
    found: IdenticalIds = decide(cast(Collection, collection), QUERIES, setting)
    ids = "".join(sorted(found.of_queries))
    return ids, found.drops, found.unlike_stay, bool(found.remark)


@pytest.mark.parametrize(
    ("shared", "named", "expected"),
    [
        ({}, False, ("", False, False, False)),
        ({}, True, ("abcd", True, False, False)),  # nothing to drop, but the rule as it was
        ({"a": True, "b": True}, False, ("ab", True, False, True)),
        ({"a": True, "b": False}, False, ("a", True, True, True)),
        ({"a": False, "b": False}, False, ("", False, False, False)),  # numbers that coincide
        ({"a": True, "b": True, "c": False}, True, ("abcd", True, False, False)),
        ({"a": False, "b": False}, True, ("abcd", True, False, False)),  # no numbers: no chance
        ({"1": False, "2": False}, True, ("", False, False, False)),  # only called so
        ({"1": True, "2": False}, True, ("1", True, True, True)),
        ({"1": True, "2": True, "3": False}, True, ("abcd", True, False, False)),
    ],
)
def test_texts_decide_and_a_known_name_where_they_do_not_contradict(
    shared: Mapping[str, bool], named: bool, expected: tuple[str, bool, bool, bool]
) -> None:
    assert decided(Fake(shared, named=named)) == expected


@pytest.mark.parametrize("shared", [{}, {"a": True}, {"a": False}])
@pytest.mark.parametrize("named", [True, False])
def test_a_setting_decides_alone(shared: Mapping[str, bool], named: bool) -> None:
    assert decided(Fake(shared, named=named), True) == ("abcd", True, False, False)
    assert decided(Fake(shared, named=named), False) == ("", False, False, False)


def test_a_plug_ins_own_rule_stands() -> None:
    assert decided(Plugin()) == ("abcd", True, False, False)


def test_the_remark_counts_the_queries() -> None:
    found = decide(cast(Collection, Fake({"a": True, "b": True, "c": False})), QUERIES)
    assert found.remark.startswith(
        "2 queries are documents of the collection (same id, same text)"
    )
