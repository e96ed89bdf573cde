"""Judging against a server on the loopback, compared with a plain loop over the rankings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from rerankbench.compare.games import Outcome
from rerankbench.compare.judged import StoredJudge, outcomes_of
from rerankbench.compare.ratings import fit_outcomes
from rerankbench.errors import ModelError, UsageError
from rerankbench.judge import command
from rerankbench.judge.command import JudgeOptions
from rerankbench.judge.judging import Prices
from rerankbench.progress import Silent
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.verdicts import read_judged
from rerankbench.types import Record
from tests.compare.suites import write_cell
from tests.judge.conftest import MODELS, QUERIES, SHOWN, Suite, record_on
from tests.judge.judge_server import TOKENS, Scene, always_first, verdict

PAIRS = list(combinations(MODELS, 2))


class Notes(Silent):
    """Keeps what is told, and counts."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def _options(suite: Suite, scene: Scene, **changes: Any) -> JudgeOptions:
    options = JudgeOptions(
        paths=[suite.results],
        url=scene.url or "http://127.0.0.1:9/v1",
        model="judge",
        key_variable=None,
        rerankers=(),
        top_k=SHOWN,
        snippet_chars=300,
        queries=None,
        temperature=0.0,
        prices=Prices(),
        places=(),
        concurrency=3,
        timeout_s=10.0,
        most_questions=1000,
        dry_run=False,
        format_name="json",
    )
    return replace(options, **changes)


def _run(suite: Suite, scene: Scene, **changes: Any) -> list[dict[str, Any]]:
    text = command.run(_options(suite, scene, **changes), Silent())
    found: list[dict[str, Any]] = json.loads(text)["pairs"]
    return found


def _files(suite: Suite) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in suite.results.rglob("judged/*.json")}


def _expected(suite: Suite, a: str, b: str) -> Mapping[str, str]:
    """Who shows more relevant documents, query by query."""
    results = {}
    for query_id, ranked in suite.runs[a].items():
        counts = [
            sum("relevant" in suite.texts[each] for each in run[:SHOWN])
            for run in (ranked, suite.runs[b][query_id])
        ]
        ahead = counts[0] - counts[1]
        results[query_id] = "a" if ahead > 0 else "b" if ahead < 0 else "tie"
    return results


def test_a_fair_judge_gives_what_a_plain_loop_gives(suite: Suite, scene: Scene) -> None:
    found = _run(suite, scene)
    assert [(each["a"], each["b"]) for each in found] == PAIRS
    for each in found:
        assert each["results"] == _expected(suite, each["a"], each["b"])
        assert (each["disagreed"], each["malformed"], each["malformed_replies"]) == (0, 0, 0)
        assert each["a_wins"] + each["b_wins"] + each["ties"] == each["queries"] == QUERIES
        assert each["agreed"] + each["identical"] == QUERIES
        assert each["identical"] >= 1, "q0 is the same for all"
    asked = 2 * sum(each["agreed"] for each in found)
    assert len(scene.seen) == asked
    assert sum(each["prompt_tokens"] for each in found) == asked * TOKENS[0]
    assert {each["model"] for each in scene.seen} == {"judge"}
    assert {each["temperature"] for each in scene.seen} == {0.0}
    assert set(scene.paths) == {"/v1/chat/completions"}


def test_both_orders_are_asked_about_the_top_of_both_rankings(suite: Suite, scene: Scene) -> None:
    _run(suite, scene, rerankers=("cross", "late"), snippet_chars=6)
    shown = sorted((each["query"], each["first"], each["second"]) for each in scene.shown())
    expected = []
    for query_id in suite.runs["cross"]:
        a, b = (
            [suite.texts[each][:6] for each in suite.runs[name][query_id][:SHOWN]]
            for name in ("cross", "late")
        )
        if a != b:
            text = f"question {query_id[1:]}"
            expected += [(text, a, b), (text, b, a)]
    assert shown == sorted(expected)


def test_a_judge_that_always_says_first_gives_ties_alone(suite: Suite, scene: Scene) -> None:
    scene.rule = always_first
    for each in _run(suite, scene):
        assert (each["a_wins"], each["b_wins"], each["ties"]) == (0, 0, QUERIES)
        assert each["disagreed"] == QUERIES - each["identical"]


def test_malformed_replies_are_asked_again_once(suite: Suite, scene: Scene) -> None:
    scene.replies = ["Answer: A", verdict("tie")]
    two = {"rerankers": ("cross", "late"), "concurrency": 1}
    (found,) = _run(suite, scene, **two)
    assert (found["malformed"], found["malformed_replies"]) == (0, 1)
    assert len(scene.seen[1]["messages"]) == 4
    assert found["prompt_tokens"] == len(scene.seen) * TOKENS[0], "both replies were paid for"


@pytest.mark.parametrize("reply", ["A", None, '{"better": "third"}'])
def test_a_judge_that_cannot_be_read_gives_marked_ties(
    reply: str | None, suite: Suite, scene: Scene
) -> None:
    scene.replies = [reply] * 1000
    (found,) = _run(suite, scene, rerankers=("cross", "late"))
    asked = QUERIES - found["identical"]
    assert (found["ties"], found["malformed"]) == (QUERIES, asked)
    assert found["malformed_replies"] == 4 * asked == len(scene.seen)


def test_nothing_is_asked_twice(suite: Suite, scene: Scene) -> None:
    first = _run(suite, scene)
    asked = len(scene.seen)
    assert _run(suite, scene) == first
    for path in suite.results.rglob("judged/*.json"):
        path.unlink()
    assert _run(suite, scene) == first, "the answers are kept beside the files, too"
    assert len(scene.seen) == asked
    _run(suite, scene, model="another")
    assert len(scene.seen) == 2 * asked


def test_a_damaged_answer_is_told_and_asked_again(
    suite: Suite, scene: Scene, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = _run(suite, scene)
    asked = len(scene.seen)
    damaged = sorted(own_cache.rglob("judge/*/*.json"))[3]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole.replace(b'"text":"', b'"text":"B', 1))
    for path in suite.results.rglob("judged/*.json"):
        path.unlink()
    assert _run(suite, scene) == first
    assert [each.getMessage() for each in caplog.records] == [
        f"{damaged}: does not verify; its question is asked again"
    ]
    assert len(scene.seen) == asked + 1
    assert damaged.read_bytes() == whole


def test_answers_of_the_version_without_checksums_are_not_paid_for_again(
    suite: Suite, scene: Scene, own_cache: Path
) -> None:
    first = _run(suite, scene)
    asked = len(scene.seen)
    for path in own_cache.rglob("judge/*/*.json"):
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps({key: kept[key] for key in list(kept)[:3]}))
    for path in suite.results.rglob("judged/*.json"):
        path.unlink()
    assert _run(suite, scene) == first
    assert len(scene.seen) == asked


def test_files_are_the_same_whatever_the_order_of_the_answers(
    suite: Suite, scene: Scene, own_cache: Path
) -> None:
    found = []
    for concurrency in (1, 8):
        _run(suite, scene, concurrency=concurrency)
        found.append(_files(suite))
        for path in [*suite.results.rglob("judged/*.json"), *own_cache.rglob("*.json")]:
            path.unlink()
    assert found[0] == found[1] and len(found[0]) == len(PAIRS)


def test_what_was_answered_survives_a_judge_that_fails_later(suite: Suite, scene: Scene) -> None:
    fine: tuple[int, dict[str, str]] = (200, {})
    scene.faults = [*[fine] * 9, (400, {})]
    with pytest.raises(ModelError, match=r"HTTP 400 .*check --judge-model and --temperature"):
        _run(suite, scene, concurrency=1)
    assert len(scene.seen) == 10 and not _files(suite)
    _run(suite, scene, concurrency=1)
    expected = 2 * sum(
        [suite.texts[x] for x in suite.runs[a][q][:SHOWN]]
        != [suite.texts[x] for x in suite.runs[b][q][:SHOWN]]
        for a, b in PAIRS
        for q in suite.runs[a]
    )
    assert len(scene.seen) == expected + 1


def test_a_busy_judge_is_asked_again(suite: Suite, scene: Scene) -> None:
    scene.faults = [(429, {"Retry-After": "0"}), (503, {})]
    (found,) = _run(suite, scene, rerankers=("cross", "late"))
    assert found["results"] == _expected(suite, "cross", "late")
    assert len(scene.seen) == 2 * found["agreed"] + 2


def test_the_services_own_reason_is_told(suite: Suite, scene: Scene) -> None:
    scene.body = json.dumps({"error": {"message": "model is still loading", "code": 503}})
    with pytest.raises(
        ModelError,
        match="not an answer of a chat endpoint; it says: model is still loading; check",
    ):
        _run(suite, scene)


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{}", '{"choices": []}', '{"choices": [{"message": "x"}]}', "1"]
)
def test_what_is_no_chat_endpoint_is_told_in_one_line(
    body: str, suite: Suite, scene: Scene
) -> None:
    scene.body = body
    with pytest.raises(ModelError, match="not an answer of a chat endpoint; check --url"):
        _run(suite, scene)


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "9"}, {"prompt_tokens": -1}])
def test_a_service_that_counts_no_tokens_is_no_error(
    usage: Any, suite: Suite, scene: Scene
) -> None:
    scene.usage = usage
    assert _run(suite, scene)[0]["prompt_tokens"] == 0


def test_the_key_is_sent_and_never_kept_or_shown(
    suite: Suite, scene: Scene, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    secret = "sk-nobody-may-see-this"
    scene.key = secret
    with pytest.raises(ModelError, match=r"it wants a key: name .* as --api-key-env"):
        _run(suite, scene, concurrency=1)
    monkeypatch.setenv("JUDGE_KEY", "wrong")
    with pytest.raises(ModelError, match="check the key in JUDGE_KEY") as caught:
        _run(suite, scene, key_variable="JUDGE_KEY", concurrency=1)
    monkeypatch.setenv("JUDGE_KEY", secret)
    scene.faults = [(400, {})]
    with pytest.raises(ModelError, match=r"\(no \(\[key\]\)\)") as caught:
        _run(suite, scene, key_variable="JUDGE_KEY", concurrency=1)
    assert secret not in str(caught.value)
    _run(suite, scene, key_variable="JUDGE_KEY", concurrency=1)
    kept = [*suite.results.rglob("*.json"), *own_cache.rglob("*")]
    assert not [path for path in kept if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "https://user:secret@host/v1"}, "--url must be http"),
        ({"url": "https://host/v1?key=secret"}, "--url must be http"),
        ({"key_variable": "NO_SUCH_KEY"}, "the environment variable NO_SUCH_KEY has no key"),
        ({"key_variable": "sk-secret"}, "must be the name of an environment variable"),
        ({"rerankers": ("crosss", "late")}, "no reranker 'crosss' in these records; did you"),
        ({"rerankers": ("cross",)}, "no two rerankers have the same task"),
        ({"most_questions": 3}, "are more than --max-questions 3"),
        ({"format_name": "html"}, "no format 'html'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    changes: dict[str, Any], message: str, suite: Suite, scene: Scene
) -> None:
    with pytest.raises(UsageError) as caught:
        _run(suite, scene, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)
    assert scene.seen == []


def test_texts_or_runs_that_are_missing_are_told_before_anything_is_asked(
    suite: Suite, scene: Scene
) -> None:
    run = next(suite.results.rglob("runs/*.gz"))
    body = run.read_bytes()
    run.unlink()
    with pytest.raises(UsageError, match=r"the run file of \w+ on small is missing"):
        _run(suite, scene)
    run.write_bytes(body)
    moved = suite.folder.rename(suite.folder.with_name("moved"))
    with pytest.raises(UsageError, match=r"the texts of small were not found .*--dataset"):
        _run(suite, scene)
    assert scene.seen == []
    assert _run(suite, scene, places=[str(moved)])


def test_a_dry_run_counts_and_asks_nothing(suite: Suite, scene: Scene) -> None:
    prices = Prices(prompt=2.0, completion=8.0)
    text = command.run(_options(suite, scene, dry_run=True, prices=prices), Silent())
    assert scene.seen == []
    counted = int(text.split()[0])
    assert "0 were answered before" in text and " USD, not counting" in text
    _run(suite, scene)
    assert len(scene.seen) == counted


def test_the_cost_is_told_and_kept(suite: Suite, scene: Scene) -> None:
    prices = Prices(prompt=2.0, completion=8.0)
    _run(suite, scene)
    assert {each["usd"] for each in _run(suite, scene)} == {None}
    found = _run(suite, scene, prices=prices)
    for each in found:
        usd = (each["prompt_tokens"] * 2 + each["completion_tokens"] * 8) / 1e6
        assert each["usd"] == pytest.approx(usd)
    assert _run(suite, scene) == found, "a price that is there stays"
    notes = Notes()
    command.run(_options(suite, scene, model="dear", prices=prices), notes)
    asked = 2 * sum(each["agreed"] for each in found)
    first, last = notes.told
    assert first.startswith(f"{asked} questions to ask (0 were answered before)")
    paid = (asked * TOKENS[0] * 2 + asked * TOKENS[1] * 8) / 1e6
    assert last.startswith(f"asked {asked} times: ") and last.endswith(f"{paid:.4f} USD")


def test_a_larger_sample_holds_the_smaller_one(suite: Suite, scene: Scene) -> None:
    small, large = (set(_run(suite, scene, queries=count)[0]["results"]) for count in (4, 8))
    assert len(small) == 4 and len(large) == 8 and small < large
    assert small != set(sorted(suite.runs["cross"])[:4]), "drawn, not the first ones"
    whole = _run(suite, scene, queries=QUERIES + 5)
    assert len(whole[0]["results"]) == QUERIES
    samples = {read_judged(path).sampled_queries for path in suite.results.rglob("judged/*.json")}
    assert samples == {4, 8, None}


def test_oracle_and_random_are_judged_only_when_named(suite: Suite, scene: Scene) -> None:
    record = record_on(suite.folder, "oracle", family="baseline")
    oracle = replace(
        record,
        cell=replace(record.cell, reranker=replace(record.cell.reranker, role="oracle")),
    )
    write_cell(suite.results, oracle, suite.runs["cross"])
    assert "oracle" not in {each["b"] for each in _run(suite, scene)}
    (found,) = _run(suite, scene, rerankers=("cross", "oracle"))
    assert found["identical"] == QUERIES


def _games(archive: RecordSet, records: Sequence[Record], judge: str = "judge") -> list[Outcome]:
    return outcomes_of(StoredJudge(archive, records, judge).pairs(records))


def test_ratings_read_the_answers_as_games(suite: Suite, scene: Scene) -> None:
    archive = open_archive([suite.results])
    with pytest.raises(UsageError, match="nobody judged these rankings; run"):
        _games(archive, archive.records)
    _run(suite, scene, queries=3)
    _run(suite, scene)
    archive = open_archive([suite.results])
    expected = [
        Outcome(query_id=query_id, a=a, b=b, result=result)  # type: ignore[arg-type]
        for a, b in PAIRS
        for query_id, result in _expected(suite, a, b).items()
    ]
    found = _games(archive, archive.records)
    order = lambda each: (each.a, each.b, each.query_id)  # noqa: E731
    assert sorted(found, key=order) == sorted(expected, key=order)
    two = [each for each in archive.records if each.cell.reranker.name != "late"]
    assert {(each.a, each.b) for each in _games(archive, two)} == {("cross", "single")}
    changed = [replace(each, run_sha256="another") for each in archive.records]
    with pytest.raises(UsageError, match="nobody judged these rankings"):
        _games(archive, changed)


def test_ratings_of_the_judge_are_those_of_its_answers(suite: Suite, scene: Scene) -> None:
    found = json.loads(command.run(_options(suite, scene), Silent()))
    archive = open_archive([suite.results])
    expected = fit_outcomes(_games(archive, archive.records))
    assert [each["reranker"] for each in found["ratings"]] == [
        each.name for each in expected.standings
    ]
    for each, standing in zip(found["ratings"], expected.standings, strict=True):
        assert each["rating"] == pytest.approx(standing.rating)
        wins = sum(
            pair[side]
            for pair in found["pairs"]
            for name, side in (("a", "a_wins"), ("b", "b_wins"))
            if pair[name] == each["reranker"]
        )
        assert each["wins"] == wins


def test_of_several_judges_the_one_that_is_named_counts(suite: Suite, scene: Scene) -> None:
    for model in ("one", "two"):
        _run(suite, scene, model=model)
    archive = open_archive([suite.results])
    games = {name: _games(archive, archive.records, name) for name in ("one", "two")}
    assert [len(each) for each in games.values()] == [QUERIES * len(PAIRS)] * 2
    with pytest.raises(UsageError, match="no judge 'tow' on these rankings; did you mean 'two'"):
        _games(archive, archive.records, "tow")


def test_the_table_fits_a_terminal(suite: Suite, scene: Scene) -> None:
    text = command.run(_options(suite, scene, format_name="markdown"), Silent())
    assert text.startswith("### small (test), bm25 top-100: judged pairs\n")
    assert all(len(line) <= 80 for line in text.splitlines())
    counts = [0, 0, 0]
    for result in _expected(suite, "cross", "late").values():
        counts[("a", "b", "tie").index(result)] += 1
    row = next(line for line in text.splitlines() if line.startswith("| cross | late"))
    assert [int(cell) for cell in row.split("|")[3:6]] == counts


def test_without_a_format_a_terminal_gets_tables_and_a_pipe_markdown(
    suite: Suite, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = _options(suite, scene, format_name=None)
    piped = command.run(options, Silent())
    assert piped == command.run(_options(suite, scene, format_name="markdown"), Silent())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", command.run(options, Silent()))
    assert "| ---" not in shown and "###" not in shown
    assert "small (test), bm25 top-100: judged pairs" in shown
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines())
