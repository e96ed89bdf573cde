"""Ratings in tables: the layout `ratings`, and columns of games in layouts of one's own."""

from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from rerankbench.compare.rated import by_name, rate
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

from .records import make_record

RATINGS = load_layout("ratings")


def _record(name: str, collection: str, skill: int, **keys: object) -> Record:
    rng = random.Random(f"{name}/{collection}")
    values = [rng.randrange(4 + skill) / (4 + skill) for _ in range(40)]
    return make_record(name, {"nDCG@10": values}, collection=collection, **keys)  # type: ignore[arg-type]


def _suite() -> list[Record]:
    skills = {"weak": 0, "strong": 9, "middle": 2}
    found = [_record(name, c, skill) for name, skill in skills.items() for c in ("one", "two")]
    found += [_record("bm25", c, 1, family="baseline") for c in ("one", "two")]
    oracle = {"family": "baseline", "recipe": {"order": "oracle"}}
    return [*found, *(_record("oracle", c, 50, **oracle) for c in ("one", "two"))]


def _grid(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row.entries] for row in table.rows]


def _layout(*columns: dict[str, object], **keys: object) -> Layout:
    table = {"columns": [{"kind": "model"}, *columns]}
    return Layout.model_validate({"tables": [table], **keys})


def test_the_layout_shows_ratings_falling_over_all_collections_and_on_each() -> None:
    records = _suite()
    overall, each, games = build(RecordSet(records), RATINGS)
    rated = rate(by_name(records))
    assert _grid(overall) == [
        [
            one.name,
            f"{one.rating:.0f} ({one.low:.0f}–{one.high:.0f})",
            one.ranks_text or "",
            f"{100 * one.win_rate:.1f}",
            one.record_text,
        ]
        for one in rated.overall.standings
    ]
    assert [row[0] for row in _grid(each)] == [row[0] for row in _grid(overall)]
    assert [column.text for column in each.columns] == ["Reranker", "one", "two"]
    for table, text in ((each, 1), (games, 4)):
        for at, task in enumerate(rated.tasks, start=1):
            for row in _grid(table):
                standing = task.ratings.find(row[0])
                assert standing is not None
                shown = f"{standing.rating:.0f} ({standing.low:.0f}–{standing.high:.0f})"
                assert row[at] == (shown if text == 1 else standing.record_text)


def test_one_collection_is_shown_once() -> None:
    records = [one for one in _suite() if one.cell.collection.name == "one"]
    (table,) = build(RecordSet(records), RATINGS)
    assert table.title == "Ratings by nDCG@10, one"
    assert table.notes
    (standing, *_) = rate(by_name(records)).overall.standings
    assert _grid(table)[0][0] == standing.name
    assert [column.text for column in table.columns][1:] == [
        "Rating",
        "Ranks",
        "Win rate %",
        "W-L-T",
    ]


def test_tables_stay_where_none_would_be_left() -> None:
    table = {"columns": [{"kind": "model"}, {"kind": "rating"}], "fewest_collections": 2}
    layout = Layout.model_validate({"tables": [table, table]})
    assert len(build(RecordSet(_suite()), layout)) == 2


def test_added_positives_play_in_no_column_of_games_beside_plain_records() -> None:
    plain = [one for one in _suite() if one.cell.reranker.name != "strong"]
    added = [
        _record(name, one, 3, adds_positives=True)
        for name in ("strong", "other")
        for one in ("one", "two")
    ]
    show_added = {"kind": "metric", "collection": "one", "adds_positives": True}
    layout = _layout({"kind": "record"}, show_added)
    (table,) = build(RecordSet([*plain, *added]), layout)
    shown = {row[0]: row[1] for row in _grid(table)}
    expected = {one.name: one.record_text for one in rate(by_name(plain)).overall.standings}
    assert shown == {**expected, "strong": "", "other": "", "oracle": ""}


def test_equal_ratings_stand_in_the_order_of_names() -> None:
    values = {"zeta": [0.1, 0.9, 0.5] * 11, "alpha": [0.9, 0.1, 0.5] * 11, "mid": [0.5] * 33}
    records = [make_record(name, {"nDCG@10": each}) for name, each in values.items()]
    (table,) = build(RecordSet(records), RATINGS)
    assert [row[0] for row in _grid(table)] == ["alpha", "mid", "zeta"]


def test_games_without_a_rating_are_explained_too() -> None:
    (table,) = build(RecordSet(_suite()), _layout({"kind": "record"}))
    assert any("A game is one query and two rerankers" in note for note in table.notes)


def test_the_oracle_has_no_row_in_it() -> None:
    assert "oracle" not in [row[0] for row in _grid(build(RecordSet(_suite()), RATINGS)[0])]


def test_notes_say_how_and_what_not_to_read_into_it() -> None:
    records = [
        one
        for one in _suite()
        if (one.cell.reranker.name, one.cell.collection.name) != ("weak", "two")
    ]
    notes = "\n".join(build(RecordSet(records), RATINGS)[-1].notes)
    assert "A game is one query and two rerankers" in notes
    assert "count every collection alike" in notes
    assert "bm25: the first stage's own order, which plays and has no rank." in notes
    assert "Caution: weak did not run on every collection" in notes


def test_a_row_that_wins_everything_is_cautioned_about() -> None:
    records = [make_record("a", {"nDCG@10": [0.9] * 9}), make_record("b", {"nDCG@10": [0.1] * 9})]
    tables = build(RecordSet(records), RATINGS)
    assert "Caution: on scifact some rows won, or lost, every game" in "\n".join(tables[-1].notes)
    assert _grid(tables[0])[0][1].startswith("1756 ")


def test_columns_of_games_keep_to_their_collection_metric_and_margin() -> None:
    records = _suite()
    layout = _layout(
        {"kind": "rating", "collection": "two", "interval": False, "margin": 1},
        {"kind": "win_rate", "members": ["one", "two"], "decimals": 3},
        {"kind": "record", "collection": "one", "margin": 0.25},
        order="rating",
    )
    (table,) = build(RecordSet(records), layout)
    rated = rate(by_name(records), margin=0.25)
    expected = {one.name: one.record_text for one in rated.tasks[0].ratings.standings}
    rates = {
        one.name: f"{100 * one.win_rate:.3f}" for one in rate(by_name(records)).overall.standings
    }
    # A margin of 1 makes all games ties, so all ratings are the mean and names decide the order.
    assert _grid(table)[:-1] == [
        [name, "1500", rates[name], expected[name]] for name in sorted(expected)
    ]
    assert _grid(table)[-1] == ["oracle", "", "", ""]


def test_with_a_table_for_each_collection_its_own_games_are_shown() -> None:
    layout = _layout({"kind": "rating"}, per_collection=True, order="rating")
    records = _suite()
    for table, task in zip(
        build(RecordSet(records), layout), rate(by_name(records)).tasks, strict=True
    ):
        shown = {row[0]: row[1].split(" ")[0] for row in _grid(table) if row[1]}
        assert shown == {one.name: f"{one.rating:.0f}" for one in task.ratings.standings}


def test_one_row_alone_has_blanks() -> None:
    (table,) = build(
        RecordSet([make_record("a")]), _layout({"kind": "rating"}, {"kind": "record"})
    )
    assert _grid(table) == [["a", "", ""]]


def test_models_under_other_names_play_as_one() -> None:
    records = [
        _record("new", "one", 5),
        _record("old", "two", 5),
        _record("rival", "one", 0),
        _record("rival", "two", 0),
    ]
    families = [{"title": "F", "models": [{"name": "new", "also": "old"}, "rival"]}]
    layout = _layout({"kind": "record"}, families=families)
    (table,) = build(RecordSet(records), layout)
    wins, losses, ties = (int(part[:-1]) for part in _grid(table)[0][1].split("-"))
    assert wins + losses + ties == 80


def test_a_column_can_name_its_collections_in_one_way_only() -> None:
    with pytest.raises(ValidationError, match="at most one of"):
        _layout({"kind": "rating", "collection": "one", "every_collection": True})
    with pytest.raises(ValidationError, match="name none"):
        _layout({"kind": "rating", "collection": "one"}, per_collection=True)
    with pytest.raises(ValidationError):
        _layout({"kind": "rating", "margin": -0.1})
