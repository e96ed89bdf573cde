"""Which records are read side by side."""

from __future__ import annotations

import pytest

from rerankbench.compare.pairs import Pairing, pair_places, pair_rerankers
from rerankbench.errors import UsageError
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record
from tests.leaderboard.records import make_record


def _pairs(found: Pairing) -> list[tuple[str, str, str]]:
    return [
        (
            pair.a.record.cell.collection.name,
            pair.a.record.cell.reranker.name,
            pair.b.record.cell.reranker.name,
        )
        for pair in found.pairs
    ]


def _places(a: list[Record], b: list[Record]) -> Pairing:
    return pair_places((RecordSet(a), RecordSet(b)), ("main", "branch"))


def test_two_rerankers_meet_on_every_task_that_both_answered() -> None:
    archive = RecordSet(
        [
            make_record("b", collection="scifact"),
            make_record("a", collection="nq"),
            make_record("c", collection="nq"),
            make_record("a", collection="scifact"),
            make_record("b", collection="nq"),
            make_record("a", collection="fiqa"),
        ]
    )
    found = pair_rerankers(archive, "a", "b")
    assert _pairs(found) == [("nq", "a", "b"), ("scifact", "a", "b")]
    assert [(pair.a.label, pair.b.label) for pair in found.pairs] == [("a", "b")] * 2
    assert found.notes == ("only in a: a on fiqa",)


def test_what_is_not_the_same_task_is_never_a_pair() -> None:
    archive = RecordSet(
        [
            make_record("a", depth=100),
            make_record("b", depth=50, first_stage_parameters={"k1": 1.2, "b": 0.75}),
            make_record("a", collection="nq"),
            make_record("b", collection="nq"),
        ]
    )
    found = pair_rerankers(archive, "a", "b")
    assert _pairs(found) == [("nq", "a", "b")]
    told = "a and b have different tasks on scifact (different: first-stage parameters, depth)"
    assert found.notes[0] == told


def test_two_without_a_common_task_are_refused_with_the_reason() -> None:
    archive = RecordSet([make_record("a", sampled_queries=5), make_record("b")])
    with pytest.raises(UsageError, match=r"nothing to compare: .*different: queries\)"):
        pair_rerankers(archive, "a", "b")


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("modell", "other", "no reranker 'modell' in these records; did you mean 'model'?"),
        ("model", "zzz", "no reranker 'zzz' in these records; known: model, other"),
        ("model", "model", "'model' is named twice"),
    ],
)
def test_a_name_that_cannot_be_is_told(a: str, b: str, message: str) -> None:
    archive = RecordSet([make_record("model"), make_record("other")])
    with pytest.raises(UsageError) as caught:
        pair_rerankers(archive, a, b)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_speeds_that_compare_are_preferred_then_what_is_newer() -> None:
    old, new = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
    archive = RecordSet(
        [
            make_record("a", device="cpu", started_at=old),
            make_record("a", device="cuda", started_at=new),
            make_record("b", device="cpu", started_at=old),
            make_record("b", device="cpu", started_at=new),
        ]
    )
    (pair,) = pair_rerankers(archive, "a", "b").pairs
    assert (pair.a.record.cell.engine.device, pair.a.record.started_at) == ("cpu", old)
    assert (pair.b.record.started_at, pair.chosen_among) == (new, 4)


def test_places_pair_equal_rerankers_on_equal_tasks() -> None:
    found = _places(
        [make_record("a"), make_record("b"), make_record("gone")],
        [make_record("b"), make_record("a"), make_record("new"), make_record("b", depth=9)],
    )
    assert _pairs(found) == [("scifact", "a", "a"), ("scifact", "b", "b")]
    assert found.notes == (
        "only in main: gone on scifact",
        "only in branch: new on scifact, b on scifact",
    )


def test_places_with_other_contents_say_what_differs() -> None:
    with pytest.raises(UsageError, match=r"a and a have different tasks .*different: depth\)"):
        _places([make_record("a"), make_record("x")], [make_record("a", depth=9)])


def test_two_single_records_are_a_pair_whatever_their_names() -> None:
    assert _pairs(_places([make_record("a")], [make_record("b")])) == [("scifact", "a", "b")]
    with pytest.raises(UsageError, match="a and b have different tasks on scifact"):
        _places([make_record("a")], [make_record("b", depth=9)])


def test_many_without_a_partner_are_named_in_part() -> None:
    alone = [make_record(f"m{number}") for number in range(5)]
    found = _places([make_record("a"), *alone], [make_record("a"), make_record("b")])
    assert found.notes[0].endswith("main: m0 on scifact, m1 on scifact, m2 on scifact, …")
