"""Answers of judges on disk: they come back as they were, and who won follows from them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError, NewerFileError
from rerankbench.results.verdicts import (
    SCHEMA,
    Answer,
    Contestant,
    Judge,
    JudgedMatch,
    ground,
    read_judged,
    result,
    write_judged,
)

JUDGED = JudgedMatch(
    schema=SCHEMA,
    task_key="task",
    judge=Judge(
        url="http://h/v1/chat/completions",
        model="judge",
        prompt_sha256="0",
        top_k=10,
        snippet_chars=300,
        temperature=0.0,
    ),
    a=Contestant(reranker="a", quality_key="1", run_sha256="1"),
    b=Contestant(reranker="b", quality_key="2", run_sha256="2"),
    sampled_queries=None,
    answers={"q1": ("a", "a"), "q2": ("a", "b"), "q3": (), "q4": ("malformed", "b")},
    malformed_replies=2,
    prompt_tokens=1_500_000,
    completion_tokens=20_000,
    usd_per_1m_prompt_tokens=2.0,
    usd_per_1m_completion_tokens=10.0,
)


@pytest.mark.parametrize(
    ("answers", "won", "why"),
    [
        (("a", "a"), "a", "agreed"),
        (("b", "b"), "b", "agreed"),
        (("tie", "tie"), "tie", "agreed"),
        (("a", "b"), "tie", "disagreed"),
        (("a", "tie"), "tie", "disagreed"),
        (("malformed", "a"), "tie", "malformed"),
        (("malformed", "malformed"), "tie", "malformed"),
        ((), "tie", "identical"),
    ],
)
def test_a_winner_needs_both_orders(answers: tuple[Answer, ...], won: str, why: str) -> None:
    assert (result(answers), ground(answers)) == (won, why)


def test_counts_and_cost_follow_from_the_answers() -> None:
    assert JUDGED.counts() == {
        "a": 1,
        "tie": 3,
        "agreed": 1,
        "disagreed": 1,
        "identical": 1,
        "malformed": 1,
    }
    assert JUDGED.usd == pytest.approx(3.2)
    assert replace(JUDGED, usd_per_1m_prompt_tokens=None).usd is None


ANSWERS: st.SearchStrategy[Answer] = st.sampled_from(("a", "b", "tie", "malformed"))


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=9),
        st.just(()) | st.tuples(ANSWERS, ANSWERS),
        max_size=4,
    )
)
def test_answers_come_back_as_they_were(answers: dict[str, tuple[Answer, ...]]) -> None:
    judged = replace(JUDGED, answers=answers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judged.json"
        write_judged(path, judged)
        body = path.read_bytes()
        assert read_judged(path) == judged
        write_judged(path, judged)
        assert path.read_bytes() == body


def test_the_key_says_what_was_judged_and_by_whom_not_what_was_answered() -> None:
    same = replace(JUDGED, answers={}, prompt_tokens=0, usd_per_1m_prompt_tokens=None)
    assert same.key == JUDGED.key
    others = [
        replace(JUDGED, task_key="other"),
        replace(JUDGED, judge=replace(JUDGED.judge, model="other")),
        replace(JUDGED, judge=replace(JUDGED.judge, prompt_sha256="other")),
        replace(JUDGED, a=replace(JUDGED.a, run_sha256="other")),
        replace(JUDGED, sampled_queries=3),
    ]
    assert len({each.key for each in [JUDGED, *others]}) == 6


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"schema": 1}', "[" * 9999, '{"schema": 1, "answers": {"q": ["x"]}}']
)
def test_a_damaged_file_is_told(body: str, tmp_path: Path) -> None:
    path = tmp_path / "judged.json"
    path.write_text(body)
    with pytest.raises(InputError, match="has no judgements; restore it from git"):
        read_judged(path)


def test_a_newer_file_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "judged.json"
    path.write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(NewerFileError):
        read_judged(path)
