"""The columns of honesty, over suites on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rerankbench.errors import ConfigError
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.store import Store, run_sha256
from rerankbench.results.tasks import Topic
from rerankbench.types import Record, Ties
from tests.leaderboard.records import make_record
from tests.suites import first_stage_scores, make_topic, oracle_scores, write_suite

TOPICS = (
    # The first stage has it right; nothing can be gained.
    make_topic("q1", {"a": 1}, ["a", "b", "c"]),
    # The relevant document is last of three.
    make_topic("q2", {"c": 1, "b": 0}, ["a", "b", "c"]),
    # Half of what is relevant was missed, the other half is second.
    make_topic("q3", {"b": 1, "missed": 1}, ["a", "b"]),
)
# Gains on q2 what it loses on q1; ties everywhere on q3.
MODEL = {
    "q1": {"a": 1.0, "b": 2.0, "c": 0.0},
    "q2": {"c": 3.0, "a": 2.0, "b": 1.0},
    "q3": {"a": 0.5, "b": 0.5},
}
HONESTY = load_layout("honesty")


def _suite(folder: Path, **changes: object) -> RecordSet:
    scores = {"bm25": first_stage_scores(TOPICS), "oracle": oracle_scores(TOPICS), "m": MODEL}
    write_suite(folder, TOPICS, scores, **changes)  # type: ignore[arg-type]
    return open_archive([folder])


def _rows(table: Table) -> dict[str, dict[str, str]]:
    heads = [column.text for column in table.columns]
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    return {row[0]: dict(zip(heads, row, strict=True)) for row in rows}


def _one(archive: RecordSet, layout: Layout = HONESTY) -> dict[str, dict[str, str]]:
    (table,) = build(archive, layout)
    return _rows(table)


def test_the_oracles_row_reaches_the_ceiling_exactly(tmp_path: Path) -> None:
    (table,) = build(_suite(tmp_path), HONESTY)
    heads = [column.text for column in table.columns]
    by_name = {row.entries[0].value: row.entries for row in table.rows}
    metric, ceiling = heads.index("nDCG@10"), heads.index("Ceiling")
    assert by_name["oracle"][metric].value == by_name["oracle"][ceiling].value
    assert len({entries[ceiling].value for entries in by_name.values()}) == 1


def test_headroom_and_lost_queries_are_held_against_the_first_stage(tmp_path: Path) -> None:
    rows = _one(_suite(tmp_path))
    # nDCG@10 by hand: a relevant document at ranks 1, 2, 3 is worth 1, 0.63093, 0.5.
    half = 1 / (1 + 0.6309297535714575)
    first = (1 + 0.5 + 0.6309297535714575 * half) / 3
    best = (1 + 1 + half) / 3
    own = (0.6309297535714575 + 1 + half) / 3  # Ties fall by doc_id: b before a.
    assert rows["m"]["nDCG@10"] == f"{own:.3f}"
    assert rows["m"]["Ceiling"] == f"{best:.3f}"
    assert rows["m"]["Room %"] == f"{100 * (own - first) / (best - first):.0f}"
    assert rows["m"]["Worse"] == "1 of 3"
    assert rows["oracle"]["Room %"] == "100"
    assert rows["oracle"]["Worse"] == "0 of 3"
    assert rows["bm25"]["Room %"] == rows["bm25"]["Worse"] == ""


def test_the_first_stages_record_is_not_needed(tmp_path: Path) -> None:
    write_suite(tmp_path, TOPICS, {"m": MODEL})
    assert _one(open_archive([tmp_path]))["m"]["Room %"] != ""


def test_judged_and_tied_shares(tmp_path: Path) -> None:
    rows = _one(_suite(tmp_path))
    # Judged are 1 of 3, 2 of 3 and 1 of 2.
    assert rows["m"]["Judged %"] == f"{100 * (1 / 3 + 2 / 3 + 1 / 2) / 3:.0f}"
    # One of five pairs of neighbours ties.
    assert rows["m"]["Ties %"] == "20"
    assert rows["bm25"]["Ties %"] == "0"


def test_ties_may_show_what_they_could_do(tmp_path: Path) -> None:
    form = '{"kind": "ties", "span": true}'
    rows = _one(_suite(tmp_path), _layout(tmp_path, ["{kind: model}", form]))
    half = 1 / (1 + 0.6309297535714575)
    worst = (0.6309297535714575 + 1 + 0.6309297535714575 * half) / 3
    best = (0.6309297535714575 + 1 + half) / 3
    assert rows["m"]["Ties %"] == f"20 ({worst:.3f}–{best:.3f})"
    assert rows["bm25"]["Ties %"] == "0"


def test_truncation_is_a_share_of_pairs_and_blank_for_what_reads_no_text(tmp_path: Path) -> None:
    model = replace(make_record("m"), scored_pairs=200, truncated_pairs=50)
    rows = _one(RecordSet([model, make_record("bm25", family="baseline")]))
    assert rows["m"]["Cut %"] == "25"
    assert rows["bm25"]["Cut %"] == ""


def test_without_a_task_squares_are_blank_and_one_note_says_so(tmp_path: Path) -> None:
    (table,) = build(_suite(tmp_path, with_task=False), HONESTY)
    heads = {column.text for column in table.columns}
    assert not heads & {"Ceiling", "Room %", "Worse", "Judged %"}
    rows = _one(
        _suite(tmp_path, with_task=False), HONESTY.model_copy(update={"drop_empty": False})
    )
    assert rows["m"]["Ceiling"] == rows["m"]["Room %"] == rows["m"]["Worse"] == ""
    assert rows["m"]["Judged %"] == ""
    layout = HONESTY.model_copy(update={"drop_empty": False})
    (table,) = build(_suite(tmp_path, with_task=False), layout)
    missing = [note for note in table.notes if "task files are missing" in note]
    assert missing == ["Caution: blank for small: their task files are missing; run them again."]


def test_without_its_own_run_a_record_has_no_judged_share(tmp_path: Path) -> None:
    records = write_suite(tmp_path, TOPICS, {"m": MODEL, "n": first_stage_scores(TOPICS)})
    store = Store(results=tmp_path, suite="default")
    store.run_path(records[0].quality_key).unlink()
    rows = _one(open_archive([tmp_path]))
    assert rows["m"]["Judged %"] == ""
    assert rows["n"]["Judged %"] != ""


def test_several_collections_as_one_are_the_mean_of_their_means(tmp_path: Path) -> None:
    easy = (make_topic("q1", {"a": 1}, ["b", "a"]),)
    for name, topics in (("one", TOPICS), ("two", easy)):
        scores = {"m": dict(first_stage_scores(topics))}
        if name == "two":
            scores["m"]["q1"] = {"a": 2.0}
        write_suite(tmp_path, topics, scores, collection=name)
    layout = _layout(
        tmp_path,
        [
            "{kind: model}",
            "{kind: ceiling, members: [one, two], decimals: 4}",
            "{kind: worse, members: [one, two]}",
            "{kind: headroom, members: [one, two], decimals: 2}",
            "{kind: ceiling, header: gone, members: [one, three]}",
        ],
    )
    rows = _one(open_archive([tmp_path]), layout)
    half = 1 / (1 + 0.6309297535714575)
    first = ((1 + 0.5 + 0.6309297535714575 * half) / 3, 0.6309297535714575)
    best = ((1 + 1 + half) / 3, 1.0)
    assert rows["m"]["Ceiling"] == f"{sum(best) / 2:.4f}"
    assert rows["m"]["Worse"] == "0 of 4"
    gone = (1 - first[1]) / (sum(best) - sum(first))
    assert rows["m"]["Headroom %"] == f"{100 * gone:.2f}"
    assert rows["m"]["gone"] == ""
    (path,) = [
        Store(results=tmp_path, suite="default").task_path(record.cell.task.digest)
        for record in open_archive([tmp_path]).records
        if record.cell.collection.name == "two"
    ]
    path.unlink()
    rows = _one(open_archive([tmp_path]), layout)
    assert rows["m"]["Ceiling"] == rows["m"]["Worse"] == rows["m"]["Headroom %"] == ""


def test_shares_of_several_collections_are_blank_unless_all_are_known(tmp_path: Path) -> None:
    tied = replace(make_record("m", collection="one"), ties=Ties(rate=0.5, worst=0.4, best=0.6))
    plain = replace(make_record("m", collection="two"), scored_pairs=0)
    layout = _layout(
        tmp_path,
        [
            "{kind: model}",
            "{kind: truncated, members: [one, two]}",
            "{kind: truncated, header: first, members: [one]}",
            "{kind: ties, members: [one, two], span: true}",
            "{kind: ties, header: tied, members: [one], span: true}",
        ],
    )
    rows = _one(RecordSet([tied, plain]), layout)
    assert (rows["m"]["Truncated %"], rows["m"]["first"]) == ("", "0")
    assert (rows["m"]["Ties %"], rows["m"]["tied"]) == ("25", "50 (0.400–0.600)")


def test_a_metric_that_is_not_installed_here_is_blank(tmp_path: Path) -> None:
    store = Store(results=tmp_path, suite="default")
    (record,) = write_suite(tmp_path, TOPICS, {"m": MODEL})
    values = record.per_query["nDCG@10"]
    store.write_record(replace(record, per_query={"Coverage@10": values}))
    rows = _one(open_archive([tmp_path]), HONESTY.model_copy(update={"drop_empty": False}))
    assert rows["m"]["Coverage@10"] != ""
    assert rows["m"]["Ceiling"] == rows["m"]["Worse"] == ""


@pytest.mark.parametrize("kind", ["judged", "ties", "truncated"])
def test_columns_that_are_of_no_metric_refuse_one(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"columns\[0\]\.metric"):
        _layout(tmp_path, [f"{{kind: {kind}, metric: MRR@10, collection: small}}"])


def test_notes_explain_the_columns_under_the_heads_that_they_have(tmp_path: Path) -> None:
    (table,) = build(_suite(tmp_path), HONESTY.model_copy(update={"notes": "all"}))
    for head in ("Ceiling", "Room %", "Worse", "Judged %", "Ties %"):
        assert any(note.startswith(f"{head}: ") for note in table.notes)


def _layout(folder: Path, columns: Sequence[str]) -> Layout:
    whole = any("members" in column or "collection:" in column for column in columns)
    path = folder / "own.yaml"
    lines = [f"per_collection: {'false' if whole else 'true'}", "tables:", "  - columns:"]
    path.write_text("\n".join([*lines, *(f"      - {column}" for column in columns)]) + "\n")
    return load_layout(str(path))


def test_records_are_made_as_runs_leave_them(tmp_path: Path) -> None:
    """The suite on disk is one that the archive takes for real."""
    archive = _suite(tmp_path)
    for record in archive.records:
        assert _own(archive, record)


def _own(archive: RecordSet, record: Record) -> bool:
    task, rankings = archive.task(record), archive.rankings(record)
    topics: tuple[Topic, ...] = () if task is None else task.topics
    return topics == TOPICS and rankings is not None and run_sha256(rankings) == record.run_sha256
