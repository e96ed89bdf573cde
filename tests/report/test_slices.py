"""Slices as people and programs read them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from rerankbench.errors import UsageError
from rerankbench.report.boards import boards
from rerankbench.report.sections.slices import by_query_length
from rerankbench.report.slices import publish
from rerankbench.results.record_set import RecordSet, open_archive
from tests.leaderboard.records import make_record
from tests.suites import first_stage_scores, make_topic, oracle_scores, write_suite

NAMES = [f"d{at:02}" for at in range(20)]
# Longer queries have their relevant document deeper.
TOPICS = tuple(
    make_topic(f"q{at:02}", {NAMES[at % 12]: 1}, NAMES, words=2 + at % 12) for at in range(36)
)


@pytest.fixture
def archive(tmp_path: Path) -> RecordSet:
    scores = {
        "bm25": first_stage_scores(TOPICS),
        "oracle": oracle_scores(TOPICS),
        "model": oracle_scores(TOPICS),
        "other": first_stage_scores(TOPICS),
    }
    write_suite(tmp_path, TOPICS, scores, depth=20)
    return open_archive([tmp_path])


def _json(archive: RecordSet, **changes: object) -> list[dict[str, object]]:
    asked = {"models": ["model"], "by": "query-length", "degree": 2} | changes
    found: list[dict[str, object]] = json.loads(publish(archive, "json", **asked)[0])  # type: ignore[arg-type]
    return found


def test_json_holds_bins_points_and_polynomial(archive: RecordSet) -> None:
    (one,) = _json(archive, degree=3)
    assert one["reranker"] == "model"
    assert one["against"] is None
    points = one["points"]
    assert isinstance(points, list)
    assert [point["words"] for point in points] == list(range(2, 14))
    deltas = [point["delta"] for point in points]
    # By hand: the best order has nDCG@10 1, the first stage's own 1 / log2(rank + 1), 0 after 10.
    own = [1 / np.log2(at + 2) if at < 10 else 0.0 for at in range(12)]
    assert deltas == pytest.approx([1 - value for value in own])
    expected = np.polyfit(range(2, 14), deltas, 3).tolist()
    assert one["coefficients"] == pytest.approx(expected[::-1])


def test_against_another_model_or_baseline(archive: RecordSet) -> None:
    (one,) = _json(archive, against="oracle", by="grade")
    assert one["against"] == "oracle"
    bins = one["bins"]
    assert isinstance(bins, list)
    assert [(each["label"], each["delta"]) for each in bins] == [("grade 1", 0.0)]
    (first,) = _json(archive, by="grade")
    (bm25,) = _json(archive, by="grade", against="bm25")
    assert first["bins"] == bm25["bins"]


def test_every_model_is_sliced_unless_some_are_named(archive: RecordSet) -> None:
    assert [one["reranker"] for one in _json(archive, models=())] == ["model", "other"]


def test_csv_has_bins_and_a_line_for_every_length(archive: RecordSet) -> None:
    text, _ = publish(archive, "csv", models=["model"], by="query-length", degree=2)
    lines = list(csv.DictReader(io.StringIO(text)))
    points = [line for line in lines if line["Words"]]
    assert [int(line["Words"]) for line in points] == list(range(2, 14))
    bins = [line for line in lines if line["Query"]]
    assert sum(int(line["Queries"]) for line in bins) == len(TOPICS)
    assert fmean(float(line["nDCG@10"]) for line in bins) == pytest.approx(1.0)


def test_a_terminal_has_room_for_the_table(archive: RecordSet) -> None:
    for by in ("query-length", "document-length", "relevant", "grade", "first-stage"):
        text, problems = publish(archive, "markdown", models=["model"], by=by, degree=2)
        assert problems == ()
        table = [line for line in text.splitlines() if line.startswith("|")]
        assert max(map(len, table)) <= 80
        assert text.startswith(f"### small (test), bm25 top-20: model by {by.replace('-', ' ')}\n")


def test_the_report_has_the_same_figures_without_a_record_of_the_first_stage(
    tmp_path: Path,
) -> None:
    write_suite(tmp_path, TOPICS, {"model": oracle_scores(TOPICS)}, depth=20)
    archive = open_archive([tmp_path])
    (plot,) = by_query_length(archive, boards(archive.records)).plots
    text, _ = publish(archive, "csv", models=(), by="query-length", degree=2)
    lines = [line for line in csv.DictReader(io.StringIO(text)) if line["Words"]]
    shown = [[entry.text for entry in row.entries[2:]] for row in plot.table.rows]
    heads = [header.text for header in plot.table.columns[2:]]
    assert [line[0] for line in shown] == [str(words) for words in range(2, 14)]
    assert [[float(text) for text in line] for line in shown] == [
        pytest.approx([float(line[head]) for head in heads], abs=5e-4) for line in lines
    ]


def test_small_bins_are_marked(tmp_path: Path) -> None:
    topics = [make_topic(f"q{at}", {"a": 1 + (at == 0)}, ["b", "a"]) for at in range(6)]
    write_suite(tmp_path, topics, {"m": oracle_scores(topics)})
    text, _ = publish(open_archive([tmp_path]), "markdown", models=(), by="grade", degree=2)
    (row,) = [line for line in text.splitlines() if line.startswith("| grade 2")]
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        *(r"1 \*", "1.000", "0.631", "+0.369", "", ""),
    ]
    assert r"\* Fewer than 5 queries." in text


def test_what_cannot_be_sliced_is_said_once(archive: RecordSet, tmp_path: Path) -> None:
    for asked, problem in (
        ({"by": "length"}, "no slices by 'length'"),
        ({"metric": "MAP"}, "has no MAP, only nDCG@10, MRR@10"),
        ({"models": ["modl"]}, "did you mean 'model'"),
        ({"against": "nobody"}, "no reranker 'nobody'"),
    ):
        with pytest.raises(UsageError, match=problem) as raised:
            _json(archive, **asked)
        assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(UsageError, match="its task file is missing"):
        _json(RecordSet([make_record()]), models=())


def test_a_model_on_another_task_is_left_out(archive: RecordSet, tmp_path: Path) -> None:
    write_suite(tmp_path, TOPICS, {"model": oracle_scores(TOPICS)}, depth=20, collection="b")
    both = open_archive([tmp_path])
    text, problems = publish(both, "json", models=["model"], against="other", by="grade", degree=2)
    assert [one["collection"] for one in json.loads(text)] == ["small"]
    assert problems == ("model on b: other was not run on the same task",)
