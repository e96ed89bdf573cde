"""A judge's stored answers in tables: the same games as a loop over the answers counts."""

from __future__ import annotations

import math
import random
import re
import socket
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from rerankbench.errors import ConfigError, UsageError
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.judge import with_judge
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.results.record_set import open_archive
from rerankbench.results.verdicts import JudgedMatch
from rerankbench.types import Record

from ..compare.judged_suites import random_answers, write_all_pairs, write_pair
from ..compare.suites import write_cell
from .records import make_record

RATINGS = load_layout("ratings")
MODELS = ("a", "b", "c")
QUERIES = 30


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something is asked over the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def _write(folder: Path, collection: str, name: str, **keys: object) -> Record:
    chance = random.Random(f"{collection} {name}")
    values = [chance.random() for _ in range(QUERIES)]
    family = "baseline" if name in ("bm25", "oracle") else "x"
    recipe = {"order": "oracle"} if name == "oracle" else None
    record = make_record(
        name,
        {"nDCG@10": values},
        collection=collection,
        family=family,
        recipe=recipe,
        **keys,  # type: ignore[arg-type]
    )
    return write_cell(folder, record, {"q0": [f"{collection}-{name}"]})


def _suite(folder: Path, collection: str) -> list[Record]:
    return [_write(folder, collection, name) for name in (*MODELS, "bm25", "oracle")]


def _players(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.cell.reranker.name != "oracle"]


def _counts(judged: Iterable[JudgedMatch]) -> dict[str, str]:
    """Games of every reranker, straight from the answers."""
    won: dict[str, Counter[str]] = defaultdict(Counter)
    for each in judged:
        for answers in each.answers.values():
            a_wins, b_wins = list(answers) == ["a", "a"], list(answers) == ["b", "b"]
            won[each.a.reranker]["W" if a_wins else "L" if b_wins else "T"] += 1
            won[each.b.reranker]["L" if a_wins else "W" if b_wins else "T"] += 1
    return {name: f"{its['W']}W-{its['L']}L-{its['T']}T" for name, its in won.items()}


def _ratings(judged: Iterable[JudgedMatch]) -> dict[str, float]:
    """Bradley–Terry by the fixed point of its likelihood (Zermelo 1929), mean 1500."""
    points: dict[tuple[str, str], float] = defaultdict(float)
    for each in judged:
        a, b = each.a.reranker, each.b.reranker
        for answers in each.answers.values():
            got = 1.0 if answers == ("a", "a") else 0.0 if answers == ("b", "b") else 0.5
            points[a, b] += got
            points[b, a] += 1 - got
    names = {a for a, _ in points}
    strength = dict.fromkeys(names, 1.0)
    for _ in range(5000):
        strength = {
            i: sum(points[i, j] for j in names - {i})
            / sum((points[i, j] + points[j, i]) / (strength[i] + strength[j]) for j in names - {i})
            for i in names
        }
    logs = {name: 400 * math.log10(value) for name, value in strength.items()}
    mean = sum(logs.values()) / len(logs)
    return {name: 1500 + value - mean for name, value in logs.items()}


def _column(table: Table, head: str) -> dict[str, str]:
    at = [column.text for column in table.columns].index(head)
    return {row.entries[0].text: row.entries[at].text for row in table.rows}


def _judged_tables(folder: Path, judge: str = "judge-1", layout: Layout = RATINGS) -> list[Table]:
    whole = layout.model_copy(update={"notes": "all"})
    return build(open_archive([folder]), with_judge(whole, judge))


def test_games_and_ratings_are_those_of_the_answers(tmp_path: Path) -> None:
    judged = write_all_pairs(tmp_path, _players(_suite(tmp_path, "one")))
    (table,) = _judged_tables(tmp_path)
    assert table.title == "Ratings by the judge judge-1, one"
    assert _column(table, "W-L-T") == _counts(judged)
    expected = _ratings(judged)
    assert {name: int(text.split(" ")[0]) for name, text in _column(table, "Rating").items()} == {
        name: round(rating) for name, rating in expected.items()
    }
    assert list(_column(table, "Rating")) == sorted(
        expected, key=lambda name: (-round(expected[name], 6), name)
    )
    (by_metric,) = build(open_archive([tmp_path]), RATINGS)
    assert by_metric.title == "Ratings by nDCG@10, one"
    assert _column(by_metric, "W-L-T") != _column(table, "W-L-T")


def test_a_note_says_who_decided_and_how_surely(tmp_path: Path) -> None:
    judged = write_all_pairs(tmp_path, _players(_suite(tmp_path, "one")))
    every = [answers for each in judged for answers in each.answers.values()]
    malformed = sum("malformed" in answers for answers in every)
    identical = sum(not answers for answers in every)
    disagreed = sum(len(set(answers)) == 2 and "malformed" not in answers for answers in every)
    note = next(note for note in _judged_tables(tmp_path)[-1].notes if "The judge" in note)
    assert [int(each) for each in re.findall(r"(?<![-\w])\d+", note)] == [
        sum(map(len, every)),
        len(every),
        disagreed,
        malformed,
        identical,
    ]
    assert "judge-1" in note and "both orders" in note
    notes = "\n".join(_judged_tables(tmp_path)[-1].notes)
    assert "higher nDCG@10" not in notes
    assert "not judged" not in notes


def test_several_collections_have_tables_of_their_own(tmp_path: Path) -> None:
    judged = {
        name: write_all_pairs(tmp_path, _players(_suite(tmp_path, name)))
        for name in ("one", "two")
    }
    overall, _, games = _judged_tables(tmp_path)
    assert overall.title == "Ratings by the judge judge-1, all collections alike"
    assert _column(overall, "W-L-T") == _counts([*judged["one"], *judged["two"]])
    for name, found in judged.items():
        assert _column(games, name) == _counts(found)


def test_what_was_not_judged_is_left_out_and_named(tmp_path: Path) -> None:
    one, two = _suite(tmp_path, "one"), _suite(tmp_path, "two")
    a, b, c, bm25 = _players(one)
    pairs = [
        write_pair(tmp_path, *pair, random_answers(pair, [f"q{n}" for n in range(9)]))
        for pair in ((a, b), (b, c), (a, bm25))
    ]
    (table,) = _judged_tables(tmp_path)
    assert _column(table, "W-L-T") == _counts(pairs)
    caution = "a and c on one, b and bm25 on one, bm25 and c on one, two."
    assert f"Caution: not judged by judge-1, so left out: {caution}" in table.notes
    write_all_pairs(tmp_path, [each for each in two if each.cell.reranker.name in "ab"])
    tables = _judged_tables(tmp_path)
    assert _column(tables[2], "two").keys() == {"a", "b", "c", "bm25"}
    assert [_column(tables[2], "two")[name] for name in ("c", "bm25")] == ["", ""]
    notes = "\n".join(tables[-1].notes)
    better_first = [name for name in _column(tables[0], "Rating") if name in ("c", "bm25")]
    told = "were not judged on every collection; their rating rests on what they played"
    assert f"{', '.join(better_first)} {told}" in notes


def test_a_collection_counts_whole_though_one_of_its_tasks_was_not_judged(tmp_path: Path) -> None:
    layout = Layout.model_validate(
        {
            "tables": [{"columns": [{"kind": "model"}, {"kind": "win_rate", "decimals": 6}]}],
            "families": [{"title": "", "models": ["a", "b"]}],
        }
    )
    shares = []
    for name in ("one", "cqadupstack/android"):
        judged = write_all_pairs(tmp_path, [_write(tmp_path, name, each) for each in "ab"])
        wins, _, ties = (int(part[:-1]) for part in _counts(judged)["a"].split("-"))
        shares.append((wins + ties / 2) / QUERIES)
    for each in "ab":
        _write(tmp_path, "cqadupstack/english", each)
    (table,) = _judged_tables(tmp_path, layout=layout)
    assert float(_column(table, "Win rate %")["a"]) == pytest.approx(100 * sum(shares) / 2)


def test_a_table_for_each_collection_says_where_nobody_judged(tmp_path: Path) -> None:
    judged = write_all_pairs(tmp_path, _players(_suite(tmp_path, "one")))
    _suite(tmp_path, "two")
    layout = Layout.model_validate(
        {
            "per_collection": True,
            "judge": "judge-1",
            "drop_empty": True,
            "tables": [
                {
                    "title": "{collections}: {decided_by}",
                    "columns": [{"kind": "model"}, {"kind": "record"}],
                }
            ],
        }
    )
    one, two = build(open_archive([tmp_path]), layout)
    assert _column(one, "W-L-T") == {**_counts(judged), "oracle": ""}
    assert (one.title, two.title) == ("one: the judge judge-1", "two: the judge judge-1")
    assert [column.text for column in two.columns] == ["Reranker"]
    assert "Caution: judge-1 judged no two of these rerankers." in two.notes


def test_a_model_under_another_name_keeps_its_games(tmp_path: Path) -> None:
    one = [_write(tmp_path, "one", name) for name in ("new", "rival")]
    two = [_write(tmp_path, "two", name) for name in ("old", "rival")]
    judged = [*write_all_pairs(tmp_path, one), *write_all_pairs(tmp_path, two)]
    counts = _counts(replace(each, a=replace(each.a, reranker="new")) for each in judged)
    families = [{"title": "F", "models": [{"name": "new", "also": "old"}, "rival"]}]
    layout = Layout.model_validate(
        {"tables": [{"columns": [{"kind": "model"}, {"kind": "record"}]}], "families": families}
    )
    (table,) = _judged_tables(tmp_path, layout=layout)
    assert _column(table, "W-L-T") == counts


def test_a_layout_file_says_the_same_as_the_option(tmp_path: Path) -> None:
    write_all_pairs(tmp_path, _players(_suite(tmp_path, "one")))
    path = tmp_path / "mine.yaml"
    tables = "tables:\n  - columns: [{kind: model}, {kind: rating}]\n"
    path.write_text(tables)
    plain = load_layout(str(path))
    path.write_text(f"judge: judge-1\n{tables}")
    named = load_layout(str(path))
    archive = open_archive([tmp_path])
    assert build(archive, named) == build(archive, with_judge(plain, "judge-1"))
    assert build(archive, named) != build(archive, plain)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("{kind: metric, collection: x}", "judge: no column shows games (rating, "),
        ("{kind: rating, margin: 0.1}", "judge: a judge uses neither 'metric' nor 'margin'"),
        ("{kind: record, metric: MAP}", "judge: a judge uses neither 'metric' nor 'margin'"),
    ],
)
def test_a_judge_needs_games_of_its_own(tmp_path: Path, columns: str, problem: str) -> None:
    path = tmp_path / "mine.yaml"
    text = f"tables:\n  - columns: [{{kind: model}}, {columns}]\n"
    path.write_text(text)
    with pytest.raises(UsageError, match="--judge decides nothing in 'mine': "):
        with_judge(load_layout(str(path)), "judge-1")
    path.write_text(f"judge: judge-1\n{text}")
    with pytest.raises(ConfigError) as caught:
        load_layout(str(path))
    assert problem in str(caught.value)


def test_unknown_and_missing_judges_are_told_of(tmp_path: Path) -> None:
    records = _players(_suite(tmp_path, "one"))
    with pytest.raises(UsageError, match="nobody judged these rankings; run `rerankbench judge`"):
        _judged_tables(tmp_path)
    write_all_pairs(tmp_path, records)
    with pytest.raises(UsageError, match=r"no judge 'jugde-1' .*did you mean 'judge-1'"):
        _judged_tables(tmp_path, "jugde-1")
    other = write_all_pairs(tmp_path, records, model="another")
    assert _column(_judged_tables(tmp_path, "another")[0], "W-L-T") == _counts(other)


def test_answers_about_replaced_rankings_do_not_count(tmp_path: Path) -> None:
    a, b, c, _ = _players(_suite(tmp_path, "one"))
    write_pair(tmp_path, replace(a, run_sha256="older"), b, {"q0": ("a", "a")})
    with pytest.raises(UsageError, match="nobody judged these rankings"):
        _judged_tables(tmp_path)
    judged = write_pair(tmp_path, b, c, {"q0": ("a", "a"), "q1": ("a", "b")})
    assert _column(_judged_tables(tmp_path)[0], "W-L-T") == _counts([judged])


def test_of_several_settings_none_is_picked(tmp_path: Path) -> None:
    a, b, *_ = _players(_suite(tmp_path, "one"))
    for top_k in (5, 10):
        write_pair(tmp_path, a, b, {"q0": ("a", "a")}, top_k=top_k)
    with pytest.raises(UsageError, match="several settings"):
        _judged_tables(tmp_path)


def test_hostile_names_of_judges_are_escaped(tmp_path: Path) -> None:
    from rerankbench.leaderboard.publish import publish

    name = "<script>alert(1)</script>|x"
    write_all_pairs(tmp_path, _players(_suite(tmp_path, "one")), model=name)
    archive, layout = open_archive([tmp_path]), with_judge(RATINGS, name)
    assert "<script>" not in publish(archive, layout, "html")
    assert "<script>" not in publish(archive, layout, "markdown")
