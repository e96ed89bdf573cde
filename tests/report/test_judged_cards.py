"""Cards of games that a judge decided: the metric stays what it was, the games are the judge's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.compare.judged import StoredJudge
from rerankbench.compare.rated import by_name, rate
from rerankbench.errors import UsageError
from rerankbench.report.card.card import make_card
from rerankbench.report.card.publish import all_cards, card_text
from rerankbench.results.record_set import open_archive
from rerankbench.types import Record
from tests.compare.judged_suites import random_answers, write_all_pairs, write_pair
from tests.compare.suites import write_cell
from tests.leaderboard.records import make_record

NAMES = ("a", "b", "c")


def _suite(folder: Path, collection: str) -> list[Record]:
    return [
        write_cell(
            folder,
            make_record(name, {"nDCG@10": [value] * 20}, collection=collection, requests_s=(0.1,)),
            {"q0": [name]},
        )
        for name, value in zip(NAMES, (0.9, 0.5, 0.2), strict=True)
    ]


def test_games_are_the_judges_and_accuracy_is_the_metrics(tmp_path: Path) -> None:
    judged = write_all_pairs(tmp_path, _suite(tmp_path, "one"))
    archive = open_archive([tmp_path])
    judge = StoredJudge(archive, archive.records, "judge-1")
    card = make_card(rate(by_name(archive.records), judge=judge), "a")
    wins = sum(answers == ("a", "a") for each in judged[:2] for answers in each.answers.values())
    losses = sum(answers == ("b", "b") for each in judged[:2] for answers in each.answers.values())
    assert (card.standing.wins, card.standing.losses) == (wins, losses)
    assert card.quality.value == pytest.approx(0.9)
    assert card.quality.rank == 1
    assert card.latency.value == pytest.approx(100)
    by_metric = make_card(rate(by_name(archive.records)), "a")
    assert by_metric.standing.wins == 40
    for format_name in ("markdown", "html"):
        page = card_text(archive.records, "a", format_name, judge=judge)
        assert "Rating by judge-1" in page
        assert "The judge judge-1 decided, no metric" in page
        assert "judge-1" not in card_text(archive.records, "a", format_name)
    pages = all_cards(archive.records, "html", judge=judge)
    assert "By the judge judge-1, query by query." in pages["index.html"]


def test_what_was_not_judged_is_left_out_and_said(tmp_path: Path) -> None:
    a, b, c = _suite(tmp_path, "one")
    _suite(tmp_path, "two")
    other, _, late = _suite(tmp_path, "three")
    queries = [f"q{number}" for number in range(7)]
    for pair in ((a, b), (b, c), (other, late)):
        write_pair(tmp_path, *pair, random_answers(pair, queries))
    archive = open_archive([tmp_path])
    judge = StoredJudge(archive, archive.records, "judge-1")
    card = make_card(rate(by_name(archive.records), judge=judge), "b")
    assert [task.title for task in card.tasks] == ["one"]
    assert (card.tasks[0].played_queries, card.tasks[0].queries) == (7, 20)
    assert card.standing.games == 14
    missing = "a and c on one, a and b on three, b and c on three, two."
    assert f"not judged by judge-1, so left out: {missing}" in card.cautions
    assert any(each.startswith("not judged on three: the overall") for each in card.cautions)


def test_who_was_never_judged_has_no_card(tmp_path: Path) -> None:
    a, b, _ = _suite(tmp_path, "one")
    write_pair(tmp_path, a, b, random_answers("x", ["q0", "q1"]))
    archive = open_archive([tmp_path])
    judge = StoredJudge(archive, archive.records, "judge-1")
    with pytest.raises(UsageError, match="no rated reranker 'c'"):
        card_text(archive.records, "c", "markdown", judge=judge)
    only = [one for one in archive.records if one.cell.reranker.name != "b"]
    with pytest.raises(UsageError, match="judge-1 judged no two of these rerankers"):
        card_text(only, "a", "markdown", judge=judge)
