"""Depth curves as people and programs read them."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.report.depth import publish
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.store import Store
from rerankbench.types import Latency
from tests.leaderboard.records import make_record
from tests.suites import Scores, first_stage_scores, make_topic, write_suite

NAMES = [f"d{at:03}" for at in range(200)]
# The relevant document of each query stands somewhere in the first 30.
TOPICS = tuple(make_topic(f"q{at:02}", {NAMES[at % 30]: 1}, NAMES) for at in range(40))


def finds() -> Scores:
    """Scores that put the relevant document first and leave all others as they are."""
    plain = first_stage_scores(TOPICS)
    return {
        topic.query_id: {**plain[topic.query_id], next(iter(topic.grades)): 1.0}
        for topic in TOPICS
    }


@pytest.fixture
def archive(tmp_path: Path) -> RecordSet:
    scores = {"bm25": first_stage_scores(TOPICS), "finder": finds()}
    write_suite(tmp_path, TOPICS, scores, depth=200, request_s=1.0)
    return open_archive([tmp_path])


def test_json_holds_every_depth_and_what_was_found(archive: RecordSet) -> None:
    text, problems = publish(archive, "json", budget_ms=130)
    (curve,) = json.loads(text)
    assert problems == ()
    assert curve["reranker"] == "finder"
    assert curve["depths"] == list(range(0, 201, 10))
    assert len(curve["means"]) == len(curve["ceilings"]) == len(curve["estimated_ms"]) == 21
    assert (curve["shape"], curve["peak"], curve["enough"]) == ("saturates", 30, 30)
    assert curve["gain"]["low"] > 0
    assert curve["estimated_ms"][-1] == pytest.approx(1000)
    assert curve["within_budget"] == {
        "budget_ms": 130,
        "depth": 20,
        "mean": curve["means"][2],
        "estimated_ms": pytest.approx(100),
    }


def test_csv_has_a_line_for_every_depth(archive: RecordSet) -> None:
    text, _ = publish(archive, "csv", budget_ms=130)
    lines = list(csv.DictReader(io.StringIO(text)))
    (curve,) = json.loads(publish(archive, "json", budget_ms=130)[0])
    assert [int(line["Depth"]) for line in lines] == curve["depths"]
    assert [float(line["nDCG@10"]) for line in lines] == curve["means"]
    assert [line["Choice"] for line in lines[:4]] == ["", "", "130 ms", "best, enough"]
    assert lines[0]["Δ"] == ""


def test_a_terminal_has_room_for_the_table(archive: RecordSet) -> None:
    text, _ = publish(archive, None, budget_ms=130)
    assert text == publish(archive, "markdown", budget_ms=130)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert max(map(len, lines)) <= 80
    assert [line.split()[1] for line in lines[2:]] == [
        *("0", "10", "20", "30", "50", "100", "200"),
    ]
    assert "- Shape: saturates, by 40 queries." in text


def test_a_terminal_shows_the_same_figures(
    archive: RecordSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    styled, _ = publish(archive, None, budget_ms=130)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", styled).splitlines()
    (row,) = [line.split() for line in lines if line.split()[:1] == ["30"]]
    (curve,) = json.loads(publish(archive, "json", budget_ms=130)[0])
    assert row[1] == f"{curve['means'][3]:.3f}"
    assert row[-2:] == ["best,", "enough"]
    assert max(map(len, lines)) <= 80


def test_a_best_depth_between_the_usual_ones_is_shown(tmp_path: Path) -> None:
    topics = [make_topic(f"q{at}", {NAMES[65]: 1}, NAMES) for at in range(12)]
    plain = first_stage_scores(topics)
    scores = {query: {**found, NAMES[65]: 1.0} for query, found in plain.items()}
    write_suite(tmp_path, topics, {"m": scores}, depth=200)
    text, _ = publish(open_archive([tmp_path]), "markdown", budget_ms=1)
    (row,) = [line for line in text.splitlines() if line.startswith("|    70 |")]
    assert "best, enough" in row
    assert "About ms" not in text


def test_a_small_collection_has_rows_up_to_its_longest_list_and_the_time_that_was_measured(
    tmp_path: Path,
) -> None:
    topics = [make_topic(f"q{at:02}", {NAMES[at % 2]: 1}, NAMES[: 2 + at % 4]) for at in range(12)]
    (record,) = write_suite(tmp_path, topics, {"m": first_stage_scores(topics)})
    latency = Latency(requests_s=(0.02, 0.031, 0.06), pairs_per_request=(2, 3, 5))
    timed = replace(record, measurements=replace(record.measurements, latency=latency))
    Store(results=tmp_path, suite="default").write_record(timed)
    text, _ = publish(open_archive([tmp_path]), "csv", budget_ms=30)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["Depth"] for line in lines] == ["0", "1", "2", "3", "4", "5"]
    assert [float(line["About ms"]) for line in lines] == pytest.approx(
        # The middle one of three requests: whole where the depth holds it, else its share.
        [0, 31 / 3, 31 * 2 / 3, 31, 31, 31]
    )
    shown, _ = publish(open_archive([tmp_path]), "markdown", budget_ms=30)
    assert "P50 of single requests, measured at depth 5; below it estimated" in shown


def test_the_note_on_the_best_depth_is_of_one_estimator(tmp_path: Path) -> None:
    """The highest mean is above the last, and the difference in the note is not theirs."""
    chance = random.Random(3)
    topics, scores = [], {}
    for at in range(20):
        topics.append(make_topic(f"q{at:02}", dict.fromkeys(chance.sample(NAMES, 40), 1), NAMES))
        scores[f"q{at:02}"] = {doc_id: chance.random() for doc_id in NAMES}
    write_suite(tmp_path, topics, {"m": scores}, depth=200)
    archive = open_archive([tmp_path])
    (curve,) = json.loads(publish(archive, "json", budget_ms=1)[0])
    decay = curve["decay"]
    assert decay["low"] <= decay["estimate"] <= decay["high"]
    assert max(curve["means"]) - curve["means"][-1] > decay["estimate"]
    shown, _ = publish(archive, "markdown", budget_ms=1)
    assert (
        f"- Best depth less depth 200: {decay['estimate']:+.3f} (95 % interval "
        f"{decay['low']:+.3f} to {decay['high']:+.3f}); the best depth is chosen on one half of "
        "the queries and measured on the other." in shown
    )


def test_what_has_no_curve_is_left_out_with_a_reason(tmp_path: Path) -> None:
    write_suite(tmp_path, TOPICS, {"finder": finds()}, depth=200)
    (listwise,) = write_suite(tmp_path, TOPICS, {"listwise": finds()}, depth=200)
    reranker = replace(listwise.cell.reranker, reads="lists")
    changed = replace(listwise, cell=replace(listwise.cell, reranker=reranker))
    Store(results=tmp_path, suite="default").write_record(changed)
    archive = open_archive([tmp_path])
    text, problems = publish(archive, "json", budget_ms=1)
    assert [curve["reranker"] for curve in json.loads(text)] == ["finder"]
    expected = "listwise: no depth curve; its scores depend on the query's other candidates"
    assert problems == (expected,)
    with pytest.raises(UsageError, match=expected):
        publish(archive, "json", models=["listwise"], budget_ms=1)


def test_records_alone_tell_no_curve(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model on scifact: its task file is missing"):
        publish(RecordSet([make_record()]), "markdown", budget_ms=1)
    write_suite(tmp_path, TOPICS, {"m": finds()}, depth=200)
    for run in (tmp_path / "default" / "runs").iterdir():
        run.unlink()
    with pytest.raises(UsageError, match="m on small: its run file is missing"):
        publish(open_archive([tmp_path]), "markdown", budget_ms=1)


def test_baselines_are_read_where_named(archive: RecordSet) -> None:
    (curve,) = json.loads(publish(archive, "json", models=["bm25"], budget_ms=1)[0])
    assert len(set(curve["means"])) == 1
    assert curve["within_budget"] is None
    with pytest.raises(UsageError, match=r"no reranker 'findr'.*did you mean 'finder'\?"):
        publish(archive, "json", models=["findr"], budget_ms=1)


def test_the_newest_record_of_a_model_counts(tmp_path: Path) -> None:
    (old,) = write_suite(tmp_path, TOPICS, {"m": first_stage_scores(TOPICS)}, depth=200)
    newer = replace(old, speed_key="other", started_at="2027-01-01T00:00:00+00:00")
    Store(results=tmp_path, suite="default").write_record(newer)
    assert len(json.loads(publish(open_archive([tmp_path]), "json", budget_ms=1)[0])) == 1
