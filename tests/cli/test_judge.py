"""`rerankbench judge` as a person types it."""

from __future__ import annotations

import json

import pytest

from tests.judge.conftest import Suite, scene, suite
from tests.judge.judge_server import Scene

from .conftest import Command

__all__ = ["scene", "suite"]


def test_results_go_to_stdout_and_the_rest_to_stderr(
    command: Command, suite: Suite, scene: Scene
) -> None:
    asked = ("judge", suite.results, "--url", scene.url, "--judge-model", "j", "-k", 3)
    dry = command(*asked, "--dry-run")
    assert (dry.code, dry.err, scene.seen) == (0, "", [])
    assert " questions to ask (0 were answered before)" in dry.out
    done = command(*asked, "--price-in", 1, "--price-out", 2)
    assert done.code == 0
    assert done.out.startswith("### small (test), bm25 top-100: judged pairs\n")
    assert "questions to ask" in done.err and " USD" in done.err
    again = command(*asked, "--format", "json", "-q")
    assert again.err == ""
    assert {"pairs", "ratings"} == set(json.loads(again.out))


def test_the_services_own_temperature_is_left_to_it(
    command: Command, suite: Suite, scene: Scene
) -> None:
    asked = ("judge", suite.results, "--url", scene.url, "--judge-model", "j", "--queries", 2)
    assert command(*asked, "--temperature", "default").code == 0
    assert scene.seen and not any("temperature" in each for each in scene.seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--price-in", "1"), "give --price-in and --price-out"),
        (("--price-in", "inf", "--price-out", "1"), "inf is not a finite number"),
        (("--temperature", "hot"), "--temperature must be a number from 0 to 2"),
        (("--temperature", "nan"), "--temperature must be a number from 0 to 2"),
        (("--queries", "0"), "--queries"),
        (("--model", "nobody"), "no reranker 'nobody' in these records"),
    ],
)
def test_what_cannot_be_is_told(
    options: tuple[str, ...], message: str, command: Command, suite: Suite, scene: Scene
) -> None:
    done = command("judge", suite.results, "--url", scene.url, "--judge-model", "j", *options)
    assert (done.code, done.out, scene.seen) == (2, "", [])
    assert message in done.err


def test_a_judge_that_is_not_there_is_one_line(
    command: Command, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rerankbench.http_client.client import Client, Patience

    monkeypatch.setattr(Client, "_wait_s", lambda *_: 0.0)
    assert Patience().retries > 1
    done = command("judge", suite.results, "--url", "http://127.0.0.1:9", "--judge-model", "j")
    assert (done.code, done.out) == (2, "")
    assert "no connection at the last of 6 attempts" in done.err
    assert "raise --timeout-s" in done.err
