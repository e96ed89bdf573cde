"""Rerankers behind HTTP, against a real server in another process that fails when told to."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from select import select
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench import cli
from rerankbench.errors import ModelError, UsageError
from rerankbench.http_client import connections as http_connections
from rerankbench.http_client.client import Client, Pause
from rerankbench.http_client.concurrency import wall_lost_s
from rerankbench.http_client.messages import requested_wait_s, said, shown
from rerankbench.protocols import Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers.http.factory import FACTORY, HttpReranker
from rerankbench.rerankers.http.forms import FORMS
from rerankbench.rerankers.http.service import SETTINGS, described
from rerankbench.run import speed as run_speed
from rerankbench.run.speed import Instruments
from rerankbench.types import Candidates

from ... import tiny
from ..conftest import CheckpointOf

ROOT = Path(__file__).resolve().parents[3]
APIS = ("tei", "cohere", "voyage", "mixedbread", "nvidia", "sglang", "dashscope", "bedrock")
RAW = ("tei", "nvidia")
# What stands in for a document without text, where a service takes none.
BLANKS = {"voyage": " ", "bedrock": " ", "sglang": "."}
SECRET = "sk-4242-nobody-may-see-this"
PATIENCE_S = 20.0
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

# Talks to the server's controls, whatever proxy the environment names.
_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One behaviour of the server, under an address of its own."""

    api: str
    url: str

    def told(self) -> dict[str, Any]:
        with _OPENER.open(self.url, timeout=PATIENCE_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def seen(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told()["seen"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The other process, and the checkpoint that it serves."""

    address: str
    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def scene(self, api: str = "tei", **behaviour: Any) -> Scene:
        url = f"{self.address}/scene-{next(self.numbers)}"
        body = json.dumps({"api": api, **behaviour}).encode()
        with _OPENER.open(Request(url, body, method="PUT"), timeout=PATIENCE_S):
            return Scene(api=api, url=url)


@contextmanager
def _served(folder: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.rerankers.http_server", str(folder)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdecimal(), "the server did not start"
        yield Server(address=f"http://127.0.0.1:{port}", folder=folder)
        process.stdin.close()


@pytest.fixture(scope="session")
def server(checkpoint_of: CheckpointOf) -> Iterator[Server]:
    with _served(checkpoint_of("bert")) as found:
        yield found


@dataclass
class Waits:
    """Stands in for waiting: remembers the seconds, and moves a clock by them."""

    asked_s: list[float] = field(default_factory=list)

    def __call__(self, stop: threading.Event, seconds: float) -> bool:
        self.asked_s.append(seconds)
        return stop.is_set()

    def clock(self) -> float:
        return time.perf_counter() + sum(self.asked_s)


def _reranker(
    scene: Scene,
    pause: Pause | None = None,
    clock: Callable[[], float] = time.perf_counter,
    **recipe: Any,
) -> HttpReranker:
    """As the factory makes it, but waits are whole and not waited for."""
    spec = RerankerSpec(model="m", recipe={"api": scene.api, "url": scene.url, **recipe})
    loadable = FACTORY.identify(spec)
    ref, engine = loadable.ref, loadable.choose_engine().engine
    found = described(spec)
    client = Client(
        ref.name,
        found.url,
        found.key(),
        found.patience,
        SETTINGS,
        clock=clock,
        pause=pause or Waits(),
        jitter=lambda: 1.0,
    )
    return HttpReranker(ref, engine, found, client)


def _batches(
    reranker: HttpReranker, candidates: Sequence[Candidates], done: frozenset[int] = frozenset()
) -> list[ScoredBatch]:
    return list(reranker.score(reranker.prepare(Job(candidates=candidates, done=done))))


def _scores(batches: Sequence[ScoredBatch]) -> dict[int, float]:
    found: dict[int, float] = {}
    for batch in batches:
        for pair, score in zip(batch.pairs, batch.scores, strict=True):
            assert pair not in found
            found[pair] = score
    return found


def _expected(
    folder: Path, candidates: Sequence[Candidates], *, raw: bool = True, blank: str = ""
) -> dict[int, float]:
    tokenizer, model = tiny.reference(folder)
    logits = [
        tiny.reference_score(tokenizer, model, each.query.text, document.content or blank)
        for each in candidates
        for document in each.documents
    ]
    return dict(enumerate(logits if raw else (1 / (1 + math.exp(-logit)) for logit in logits)))


def _one_line(error: pytest.ExceptionInfo[Exception]) -> str:
    message = str(error.value)
    assert "\n" not in message and SECRET not in message
    return message


@pytest.mark.parametrize("api", APIS)
def test_scores_are_those_of_the_served_model(api: str, server: Server) -> None:
    candidates = tiny.mixed()
    scene = server.scene(api)
    found = _batches(_reranker(scene), candidates)
    expected = _expected(server.folder, candidates, raw=api in RAW, blank=BLANKS.get(api, ""))
    assert _scores(found) == pytest.approx(expected, abs=1e-4)
    assert [len(batch.scores) for batch in found] == [9, 9, 9]
    assert all(batch.tokens == batch.padded_tokens for batch in found)
    assert all((batch.tokens > 0) == (api != "bedrock") for batch in found)
    assert all(batch.searches == 1 for batch in found)
    assert all((batch.lost_s, list(batch.failed_attempts_s)) == (0.0, []) for batch in found)


@pytest.mark.slow
def test_scores_are_those_of_a_trained_model(shared: Path) -> None:
    folder = shared / "models" / "tiny-l2-h128-ce"
    if not folder.is_dir():
        pytest.skip(f"no model at {folder}")
    candidates = tiny.candidates(
        [("how to bake bread", ["bread bakes in a hot oven", "a train leaves", ""])]
    )
    with _served(folder) as server:
        found = _batches(_reranker(server.scene("cohere")), candidates)
    expected = _expected(folder, candidates, raw=False)
    assert _scores(found) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("api", "recipe", "path", "fields"),
    [
        ("tei", {}, "/rerank", {"raw_scores": True, "return_text": False, "truncate": True}),
        ("tei", {"truncate": False}, "/rerank", {"truncate": False}),
        ("cohere", {"url": "/v2"}, "/v2/rerank", {"model": "m", "top_n": 2}),
        ("cohere", {"max_tokens_per_doc": 99}, "/rerank", {"max_tokens_per_doc": 99}),
        (
            "cohere",
            {"raw_scores": True},
            "/rerank",
            {"raw_scores": True, "use_activation": False},
        ),
        ("voyage", {"url": "/v1"}, "/v1/rerank", {"model": "m", "top_k": 2, "truncation": True}),
        ("mixedbread", {}, "/reranking", {"model": "m", "top_k": 2, "return_input": False}),
        ("sglang", {"url": "/v1"}, "/v1/rerank", {"model": "m"}),
    ],
)
def test_requests_have_the_form_of_their_api(
    api: str, recipe: dict[str, Any], path: str, fields: dict[str, Any], server: Server
) -> None:
    scene = server.scene(api)
    options = {**recipe, "url": scene.url + recipe.get("url", "")}
    (candidates,) = tiny.candidates([("query", ["one", ""])])
    _batches(_reranker(scene, **options), [candidates])
    (seen,) = scene.seen()
    assert seen["path"] == path
    assert seen["authorization"] is None
    request = seen["request"]
    assert fields.items() <= request.items()
    assert request["query"] == "query"
    name = {"tei": "texts", "mixedbread": "input"}.get(api, "documents")
    assert request[name] == ["one", BLANKS.get(api, "")]
    assert ("model" in request) == (api != "tei")


@pytest.mark.parametrize(
    ("api", "recipe", "path", "whole"),
    [
        (
            "nvidia",
            {"url": "/v1"},
            "/v1/ranking",
            {
                "model": "m",
                "query": {"text": "query"},
                "passages": [{"text": "one"}, {"text": ""}],
                "truncate": "END",
            },
        ),
        (
            "nvidia",
            {"truncate": False},
            "/ranking",
            {
                "model": "m",
                "query": {"text": "query"},
                "passages": [{"text": "one"}, {"text": ""}],
                "truncate": "NONE",
            },
        ),
        (
            "dashscope",
            {"url": "/api/v1"},
            "/api/v1/services/rerank/text-rerank/text-rerank",
            {
                "model": "m",
                "input": {"query": "query", "documents": ["one", ""]},
                "parameters": {"return_documents": False, "top_n": 2},
            },
        ),
        (
            "bedrock",
            {},
            "/rerank",
            {
                "queries": [{"type": "TEXT", "textQuery": {"text": "query"}}],
                "sources": [
                    {
                        "type": "INLINE",
                        "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}},
                    }
                    for text in ("one", " ")
                ],
                "rerankingConfiguration": {
                    "type": "BEDROCK_RERANKING_MODEL",
                    "bedrockRerankingConfiguration": {
                        "modelConfiguration": {"modelArn": "m"},
                        "numberOfResults": 2,
                    },
                },
            },
        ),
    ],
)
def test_nested_requests_are_those_of_their_documentation(
    api: str, recipe: dict[str, Any], path: str, whole: dict[str, Any], server: Server
) -> None:
    scene = server.scene(api)
    options = {**recipe, "url": scene.url + recipe.get("url", "")}
    (candidates,) = tiny.candidates([("query", ["one", ""])])
    _batches(_reranker(scene, **options), [candidates])
    (seen,) = scene.seen()
    assert (seen["path"], seen["request"]) == (path, whole)


def test_an_answer_in_documented_form_is_read() -> None:
    # As the services' own pages print them.
    answers = {
        "nvidia": {"rankings": [{"index": 1, "logit": -1.25}, {"index": 0, "logit": -3.0}]},
        "sglang": [
            {"score": 0.99, "document": "b", "index": 1, "meta_info": {"id": "x"}},
            {"score": 0.01, "document": "a", "index": 0, "meta_info": {"id": "x"}},
        ],
        "dashscope": {
            "output": {
                "results": [
                    {"index": 1, "relevance_score": 0.93, "document": {"text": "b"}},
                    {"index": 0, "relevance_score": 0.34},
                ]
            },
            "usage": {"total_tokens": 79},
            "request_id": "85ba5752",
        },
        "bedrock": {
            "results": [
                {"index": 1, "relevanceScore": 0.5},
                {"index": 0, "relevanceScore": 0.25, "document": {"type": "TEXT"}},
            ]
        },
    }
    found = {
        api: FORMS[api].read(json.dumps(answer).encode(), {}, 2) for api, answer in answers.items()
    }
    assert {api: scores.scores for api, scores in found.items()} == {
        "nvidia": (-3.0, -1.25),
        "sglang": (0.01, 0.99),
        "dashscope": (0.34, 0.93),
        "bedrock": (0.25, 0.5),
    }
    assert found["dashscope"].tokens == 79


REASONS: list[tuple[str, Any, str]] = [
    ("cohere", {"error": {"message": "model is still loading", "code": 503}}, "is still loading"),
    ("tei", {"error": "Model is overloaded", "error_type": "Overloaded"}, "Model is overloaded"),
    ("sglang", {"object": "error", "message": "Query cannot be empty"}, "Query cannot be empty"),
    ("cohere", {"detail": "Not ready yet"}, "Not ready yet"),
    (
        "cohere",
        {"detail": [{"loc": ["body", "documents"], "msg": "Field required", "type": "missing"}]},
        "body.documents: Field required",
    ),
    (
        "dashscope",
        {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"},
        "Invalid API-key provided.",
    ),
    ("dashscope", {"code": "Throttling", "request_id": "1"}, "Throttling"),
    ("bedrock", {"Message": "Model access is denied"}, "Model access is denied"),
    ("bedrock", {"__type": "ThrottlingException"}, "ThrottlingException"),
    ("nvidia", {"type": "about:blank", "title": "Bad", "detail": "Too long"}, "Too long"),
    ("voyage", {"data": [], "message": "quota is used up"}, "quota is used up"),
    ("cohere", {"results": [{"index": 0, "relevance_score": 1}], "message": "cut"}, "cut"),
    ("cohere", {"success": False, "errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
    (
        "mixedbread",
        {"error": "invalid_token", "error_description": "It has expired"},
        "It has expired",
    ),
    ("cohere", {"success": False, "messages": ["no such route"], "result": None}, "no such route"),
    ("cohere", {"status": "failed", "status_message": "rate too high"}, "rate too high"),
    ("cohere", {"base_resp": {"status_code": 1004, "status_msg": "login failed"}}, "login failed"),
    ("voyage", {"data": {"error": {"message": "out of memory"}}}, "out of memory"),
    ("nvidia", {"ERROR": "no such model"}, "no such model"),
    ("bedrock", {"Output": {"__type": "UnknownOperation"}, "Version": "1"}, "UnknownOperation"),
    (
        "cohere",
        {"Response": {"Error": {"Code": "AuthFailure", "Message": "The key is not found"}}},
        "The key is not found",
    ),
    ("cohere", {"fault": {"faultstring": "Quota of the day"}}, "Quota of the day"),
    ("cohere", {"err": "overloaded", "request_id": "wbx1"}, "overloaded"),
    ("cohere", {"results": [{"error": "document 0 is too long"}]}, "document 0 is too long"),
    ("tei", "upstream gone away", "upstream gone away"),
    ("tei", b"upstream gone away", "upstream gone away"),
    ("tei", b"<html><style>a {}</style><title>Sign in</title></html>", "it says: Sign in;"),
]


@pytest.mark.parametrize(("api", "body", "reason"), REASONS)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_services_own_reason_is_shown(
    api: str, body: Any, reason: str, status: int, server: Server
) -> None:
    text = body.decode() if isinstance(body, bytes) else json.dumps(body)
    scene = server.scene(api, faults=[{"status": status, "body": text}])
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, Waits(), retries=0), tiny.mixed(1))
    message = _one_line(caught)
    assert reason.removeprefix("it says: ").removesuffix(";") in message
    if status == 200:
        assert f"not the answer of {api}: " in message
        assert reason in message and "; it says: " in message
        assert message.endswith("; check 'url' and 'api'")


@pytest.mark.parametrize(
    "body",
    [
        {"scores": [0.5], "model": "a model of words"},
        {"ranking": [{"document": {"text": "all about the tides"}, "rating": 0.5}]},
        {"object": "list", "id": "rerank-5f2", "query": "what is a tide"},
        {"ok": "true", "trace": "0af7651916cd43dd8448eb211c80319c", "results": None},
    ],
)
def test_what_is_no_reason_is_not_shown_as_one(body: Any, server: Server) -> None:
    scene = server.scene("cohere", faults=[{"status": 200, "body": json.dumps(body)}])
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, Waits(), retries=0), tiny.mixed(1))
    assert "it says" not in _one_line(caught)


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"no such key: {SECRET}!",
        SECRET.upper(),
        f"it begins {SECRET[:12]}***",
        base64.b64encode(SECRET.encode()).decode(),
        f"Authorization: Bearer {SECRET}",
        "Bearer abc123def456.ghi",
        "Authorization: Basic dXNlcjpwYXNzd29yZDE=",
        "https://user:pass1word@host/path",
        "https://host/path?a=b&api_key=0123456789abc&c=d",
        "https://host/?X-Amz-Signature=0123456789abcdef&X-Amz-Credential=AKIA0123456789ABCDEF",
        "api_key: 0123-4567-89ab",
        "wrong key pa-Ab0123456789-xyzABC",
        "wrong key nvapi-Ab0123456789xyzABC_d",
        "wrong key hf_Ab0123456789xyzABC",
        "denied for AKIA0123456789ABCDEF",
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    ],
)
@pytest.mark.parametrize("status", [200, 401])
def test_no_key_is_shown_whoever_it_belongs_to(
    text: str, status: int, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_KEY", SECRET)
    body = json.dumps({"error": {"message": f"refused ({text}) for this reason"}})
    scene = server.scene("cohere", faults=[{"status": status, "body": body}])
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, key_env="RERANK_KEY"), tiny.mixed(1))
    message = _one_line(caught)
    assert "[key]" in message and "refused (" in message and "for this reason" in message
    shown_words = set(re.split(r"[^A-Za-z0-9]+", message))
    assert not set(re.findall(r"\w*\d\w*", text)) & shown_words


@pytest.mark.parametrize(
    "text",
    [
        "the token limit is 8192 tokens",
        "Bearer authentication is required",
        "token validation failed for model-v2",
        "see https://host/docs?page=2#top",
        "model ms-marco-MiniLM-L6-v2 is not loaded",
    ],
)
def test_words_that_are_no_keys_stay(text: str) -> None:
    assert shown(text) == text


def test_raw_scores_of_the_cohere_form_are_logits(server: Server) -> None:
    candidates = tiny.mixed(1)
    found = _batches(_reranker(server.scene("cohere"), raw_scores=True), candidates)
    assert _scores(found) == pytest.approx(_expected(server.folder, candidates), abs=1e-4)


def test_many_documents_are_several_requests(server: Server) -> None:
    candidates = tiny.mixed(1, 70)
    scene = server.scene("tei")
    (batch,) = _batches(_reranker(scene), candidates)
    assert _scores([batch]) == pytest.approx(_expected(server.folder, candidates), abs=1e-4)
    assert batch.searches == 3
    assert sorted(len(seen["request"]["texts"]) for seen in scene.seen()) == [6, 32, 32]


def test_billed_searches_are_counted_where_they_are_told(server: Server) -> None:
    scene = server.scene("cohere", bills=True)
    found = _batches(_reranker(scene, batch_documents=5), tiny.mixed(2))
    assert [(batch.searches, batch.tokens) for batch in found] == [(4, 0), (4, 0)]


@pytest.mark.parametrize(("queries", "documents"), [(6, 4), (1, 24)])
def test_requests_overlap_but_no_more_than_asked_for(
    queries: int, documents: int, server: Server
) -> None:
    candidates = tiny.mixed(queries, documents)
    scene = server.scene("tei", together=3)
    reranker = _reranker(scene, concurrency=3, batch_documents=4)
    for _ in range(2):
        found = _batches(reranker, candidates)
        assert _scores(found) == pytest.approx(_expected(server.folder, candidates), abs=1e-4)
    told = scene.told()
    assert (told["most"], len(told["seen"])) == (3, 12)
    assert told["connections"] == 3, "connections are kept from pass to pass"


def test_a_connection_that_the_service_closed_is_not_used_again(server: Server) -> None:
    scene = server.scene("tei", faults=[{"close": True}])
    reranker = _reranker(scene, concurrency=1)
    candidates = tiny.mixed(1)
    _batches(reranker, candidates)
    (idle,) = reranker._client._connections._idle
    assert select([idle.sock], [], [], PATIENCE_S)[0], "the service did not close it"
    for _ in range(2):
        (batch,) = _batches(reranker, candidates)
        assert list(batch.failed_attempts_s) == []
    assert scene.told()["connections"] == 2


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"status": 429}, "HTTP 429"),
    ({"status": 408}, "HTTP 408"),
    ({"status": 500, "body": "<html>Oh no</html>"}, "HTTP 500"),
    ({"status": 503}, "HTTP 503"),
    ({"drop": True}, "no connection"),
    ({"cut": 3}, "no connection"),
    ({"sleep_s": 4}, "timeout"),
    ({"drip_s": 0.3}, "timeout"),
]


@pytest.mark.parametrize(("fault", "kind"), FAILURES, ids=[str(fault) for fault, _ in FAILURES])
def test_what_may_pass_is_asked_again(fault: dict[str, Any], kind: str, server: Server) -> None:
    candidates = tiny.mixed(2)
    scene = server.scene("tei", faults=[fault])
    waits = Waits()
    timeout_s = 1.0 if kind == "timeout" else PATIENCE_S
    reranker = _reranker(scene, waits, waits.clock, timeout_s=timeout_s, concurrency=1)
    found = _batches(reranker, candidates)
    assert _scores(found) == pytest.approx(_expected(server.folder, candidates), abs=1e-4)
    assert len(scene.seen()) == 3
    assert waits.asked_s == [0.5]
    (failed_s,) = [each for batch in found for each in batch.failed_attempts_s]
    assert failed_s >= 0.5
    assert sum(batch.lost_s for batch in found) == pytest.approx(failed_s)
    assert reranker.warnings() == [f"attempts that failed and were repeated: {kind} × 1"]


def test_waits_double_up_to_the_longest(server: Server) -> None:
    scene = server.scene("tei", faults=[{"status": 500}] * 9)
    waits = Waits()
    reranker = _reranker(scene, waits, retries=9)
    (batch,) = _batches(reranker, tiny.mixed(1))
    assert waits.asked_s == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert len(batch.failed_attempts_s) == 9


def test_waits_are_spread_without_the_test_double(server: Server) -> None:
    waits = Waits()
    spec = RerankerSpec(model="m", recipe={"api": "tei", "url": "http://127.0.0.1:9"})
    found = described(spec)
    for _ in range(2):
        with pytest.raises(ModelError):
            Client("m", found.url, None, found.patience, SETTINGS, pause=waits).post(
                b"", threading.Event()
            )
    first, second = waits.asked_s[:5], waits.asked_s[5:]
    assert first == second, "the same in every process"
    assert all(0.25 * 2**n <= wait_s <= 0.5 * 2**n for n, wait_s in enumerate(first))
    assert len({wait_s / 2**n for n, wait_s in enumerate(first)}) == 5


@pytest.mark.parametrize(
    ("asked", "waited_s"),
    [("7", 7.0), ("0", 0.5), ("100000", 60.0), ("-3", 0.5), ("soon", 0.5), ("nan", 0.5)],
)
def test_a_wait_that_the_service_asks_for_is_kept_within_bounds(
    asked: str, waited_s: float, server: Server
) -> None:
    scene = server.scene("tei", faults=[{"status": 429, "headers": {"Retry-After": asked}}])
    waits = Waits()
    _batches(_reranker(scene, waits), tiny.mixed(1))
    assert waits.asked_s == [waited_s]


def test_a_service_may_ask_to_wait_until_a_date() -> None:
    later = datetime(2026, 11, 21, 12, 0, 9, tzinfo=UTC)
    assert requested_wait_s(format_datetime(later, usegmt=True), NOW) == 9.0
    assert requested_wait_s(format_datetime(NOW, usegmt=True), later) == 0.0
    assert requested_wait_s("Sat, 21 Nov 2026 12:00:09", NOW) == 0.0  # No zone: not understood.
    assert requested_wait_s("", NOW) == 0.0


def test_retries_end(server: Server) -> None:
    scene = server.scene("tei", faults=[{"status": 503}] * 3)
    waits = Waits()
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, waits, retries=2), tiny.mixed(1))
    message = _one_line(caught)
    assert message.startswith("m (127.0.0.1:")
    assert "HTTP 503 at the last of 3 attempts (injected); see that the service runs" in message
    assert waits.asked_s == [0.5, 1.0]
    assert len(scene.seen()) == 3


def test_a_service_that_is_not_there_is_asked_a_few_times() -> None:
    waits = Waits()
    with pytest.raises(ModelError, match=r"no connection at the last of 2 attempts \(.*refused"):
        _batches(
            _reranker(Scene(api="tei", url="http://127.0.0.1:9"), waits, retries=1), tiny.mixed(1)
        )


@pytest.mark.parametrize(
    ("api", "fault", "problem"),
    [
        ("tei", {"body": "<html>"}, "no JSON"),
        ("tei", {"body": "[" * 100_000}, "no JSON"),
        ("tei", {"body": "[1, 2"}, "no JSON"),
        ("tei", {"body": ""}, "no JSON"),
        ("tei", {"body": "{}"}, "no list in it"),
        ("cohere", {"body": "[]"}, "no list 'results' in it"),
        ("cohere", {"body": '{"results": {"0": 1}}'}, "no list 'results' in it"),
        ("voyage", {"body": '{"results": []}'}, "no list 'data' in it"),
        ("tei", {"skip": 1}, "8 scores for 9 documents"),
        ("tei", {"order": [*range(9), 0]}, "10 scores for 9 documents"),
        ("tei", {"body": json.dumps([1] * 9)}, "index None for 9 documents"),
        ("tei", {"change": {"0": {"index": 4}, "8": {"index": 4}}}, "twice"),
        ("tei", {"change": {"3": {"index": 9}}}, "index 9 for 9 documents"),
        ("tei", {"change": {"3": {"index": -1}}}, "index -1 for 9 documents"),
        ("tei", {"change": {"3": {"index": 1.0}}}, "index 1.0 for 9 documents"),
        ("tei", {"change": {"3": {"index": True}}}, "index True for 9 documents"),
        ("tei", {"change": {"3": {"index": "1"}}}, "index '1' for 9 documents"),
        ("tei", {"score": math.nan}, "'score' that is no finite number (nan)"),
        ("cohere", {"score": math.inf}, "'relevance_score' that is no finite number (inf)"),
        ("tei", {"score": 10**400}, "no finite number"),
        ("tei", {"score": None}, "no finite number (None)"),
        ("voyage", {"score": "0.5"}, "no finite number ('0.5')"),
        ("mixedbread", {"score": True}, "no finite number (True)"),
    ],
)
def test_an_answer_of_another_form_fails_at_once(
    api: str, fault: dict[str, Any], problem: str, server: Server
) -> None:
    scene = server.scene(api, faults=[fault])
    waits = Waits()
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, waits), tiny.mixed(1))
    message = _one_line(caught)
    assert f"not the answer of {api}: " in message and problem in message
    assert message.endswith("check 'url' and 'api'")
    assert waits.asked_s == []
    assert len(scene.seen()) == 1


def test_an_answer_without_end_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connections, "MOST_BYTES", 99)
    waits = Waits()
    with pytest.raises(ModelError, match="its answer is longer than"):
        _batches(_reranker(server.scene("tei"), waits), tiny.mixed(1))
    assert waits.asked_s == []


@pytest.mark.parametrize("order", [[8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 2, 8, 0, 1, 7, 3, 6, 5]])
@pytest.mark.parametrize("api", APIS)
def test_scores_find_their_documents_in_any_order(
    api: str, order: list[int], server: Server
) -> None:
    candidates = tiny.mixed(1)
    found = _batches(_reranker(server.scene(api, faults=[{"order": order}])), candidates)
    expected = _expected(server.folder, candidates, raw=api in RAW, blank=BLANKS.get(api, ""))
    assert _scores(found) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        (
            {"status": 400, "body": '{"message": "too\\nlong \\u001b[31m"}'},
            ["too long \ufffd[31m"],
        ),
        ({"status": 404, "body": '{"detail": [{"msg": "no model"}]}'}, ["no model", "'url'"]),
        ({"status": 413, "body": "x" * 9000}, ["x" * 159 + "…", "lower 'batch_documents'"]),
        ({"status": 422, "body": ""}, ["no reason given"]),
        ({"status": 424, "body": '{"error": {"message": "failed"}}'}, ["HTTP 424 (failed)"]),
        ({"status": 307, "headers": {"Location": "http://127.0.0.1:9/"}}, ["it moved: set 'url'"]),
    ],
)
def test_what_will_not_pass_fails_at_once(
    fault: dict[str, Any], parts: list[str], server: Server
) -> None:
    scene = server.scene("tei", faults=[fault])
    waits = Waits()
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, waits), tiny.mixed(1))
    message = _one_line(caught)
    assert all(part in message for part in parts), message
    assert message.isprintable() and len(message) < 400
    assert (waits.asked_s, len(scene.seen())) == ([], 1)


def test_a_redirect_takes_no_key_elsewhere(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_KEY", SECRET)
    other = server.scene("tei")
    location = {"Location": f"{other.url}/rerank"}
    scene = server.scene("tei", faults=[{"status": 308, "headers": location}])
    with pytest.raises(ModelError, match="HTTP 308"):
        _batches(_reranker(scene, key_env="RERANK_KEY"), tiny.mixed(1))
    assert other.seen() == []


def test_the_key_is_sent_and_nowhere_else(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANK_KEY", f" {SECRET}\n")
    scene = server.scene("voyage", key=SECRET)
    reranker = _reranker(scene, key_env="RERANK_KEY")
    _batches(reranker, tiny.mixed(1))
    (seen,) = scene.seen()
    assert seen["authorization"] == f"Bearer {SECRET}"
    spec = RerankerSpec(
        model="m", recipe={"api": "tei", "url": scene.url, "key_env": "RERANK_KEY"}
    )
    service = described(spec)
    for shown_value in (reranker.ref, reranker.engine, service, service.key()):
        assert SECRET not in repr(shown_value)


def test_a_wrong_key_is_not_shown_even_where_the_service_repeats_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_KEY", SECRET)
    scene = server.scene("cohere", key="another")
    with pytest.raises(ModelError) as caught:
        _batches(_reranker(scene, key_env="RERANK_KEY"), tiny.mixed(1))
    message = _one_line(caught)
    assert "HTTP 401 (invalid key: Bearer [key]); check the key in RERANK_KEY" in message


def test_a_service_that_wants_a_key_says_how_to_name_one(server: Server) -> None:
    scene = server.scene("cohere", key="another")
    with pytest.raises(ModelError, match="name the environment variable that holds it as 'key"):
        _batches(_reranker(scene), tiny.mixed(1))


def _spec(**recipe: Any) -> RerankerSpec:
    return RerankerSpec(model="m", recipe={"api": "tei", "url": "http://host", **recipe})


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_told_before_any_work(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RERANK_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("RERANK_KEY", value)
    with pytest.raises(UsageError, match=r"^m: the environment variable RERANK_KEY has no key"):
        FACTORY.identify(_spec(key_env="RERANK_KEY"))


@pytest.mark.parametrize("value", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}ü", f"{SECRET}\x07x"])
def test_what_is_no_key_is_refused_unseen(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANK_KEY", value)
    with pytest.raises(UsageError, match="value of RERANK_KEY is not a key") as caught:
        FACTORY.identify(_spec(key_env="RERANK_KEY"))
    _one_line(caught)


@pytest.mark.parametrize("key", [SECRET, [SECRET], {SECRET: 1}, ""])
def test_a_key_in_place_of_its_variables_name_is_refused_unseen(key: Any) -> None:
    with pytest.raises(UsageError, match="'key_env' must be the name of") as caught:
        FACTORY.identify(_spec(key_env=key))
    _one_line(caught)


@pytest.mark.parametrize(
    ("api", "url", "address"),
    [
        ("tei", "http://h", "http://h/rerank"),
        ("tei", "http://h:8080/", "http://h:8080/rerank"),
        ("tei", "http://[::1]:80/base/", "http://[::1]:80/base/rerank"),
        ("cohere", "https://api.cohere.com/v2", "https://api.cohere.com/v2/rerank"),
        ("cohere", "https://h/v1/rerank/", "https://h/v1/rerank"),
        ("voyage", "https://h/v1", "https://h/v1/rerank"),
        ("mixedbread", "https://h/v1", "https://h/v1/reranking"),
        ("mixedbread", "https://h/v1/reranking", "https://h/v1/reranking"),
    ],
)
def test_an_address_is_whole_or_gets_its_last_word(api: str, url: str, address: str) -> None:
    ref = FACTORY.identify(_spec(api=api, url=url)).ref
    assert ref.recipe["url"] == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "ftp://host",
        "file:///etc/passwd",
        "http://",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        f"https://user:{SECRET}@host",
        f"https://host/rerank?key={SECRET}",
        f"https://host/#{SECRET}",
        f"https://host/{SECRET} x",
        f"https://host/{SECRET}ü",
        f"https://host/{SECRET}\r\nX: y",
    ],
)
def test_an_address_that_cannot_be_is_refused_unseen(url: str) -> None:
    with pytest.raises(UsageError, match="'url' must be http") as caught:
        FACTORY.identify(_spec(url=url))
    _one_line(caught)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"api": "tie"}, "m: no api 'tie'; did you mean 'tei'?"),
        ({"api": None}, "m: a service needs 'api' (tei, cohere, voyage, mixedbread, nvidia, "),
        ({"url": 3}, "m: a service needs 'url' in its recipe"),
        ({"retrys": 1}, "m: unknown recipe key 'retrys'; did you mean 'retries'?"),
        ({"max_tokens_per_doc": 9}, "m: unknown recipe key 'max_tokens_per_doc'"),
        ({"truncate": 1}, "m: recipe key 'truncate' must be true or false (given: 1)"),
        ({"concurrency": 0}, "'concurrency' must be 1 to 256 (given: 0)"),
        ({"concurrency": 2.5}, "'concurrency' must be a whole number (given: 2.5)"),
        ({"timeout_s": 0}, "'timeout_s' must be 0.001 to 3600 (given: 0)"),
        ({"timeout_s": math.nan}, "'timeout_s' must be 0.001 to 3600 (given: nan)"),
        ({"retries": 21}, "'retries' must be 0 to 20 (given: 21)"),
        ({"batch_documents": 0}, "'batch_documents' must be 1 or more (given: 0)"),
        ({"api": "cohere", "max_tokens_per_doc": 0}, "must be 1 or more (given: 0)"),
    ],
)
def test_wrong_settings_are_told_before_any_work(recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        FACTORY.identify(_spec(**recipe))
    assert message in _one_line(caught)


def test_what_decides_the_scores_is_in_the_identity_and_what_does_not_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RERANK_KEY", SECRET)
    loadable = FACTORY.identify(_spec())
    ref, engine = loadable.ref, loadable.choose_engine().engine
    assert (ref.name, ref.family, ref.revision, ref.parameters) == ("m", "http", "tei:m", None)
    assert ref.recipe == {
        "api": "tei",
        "url": "http://host/rerank",
        "score": "raw logit",
        "batch_documents": 32,
        "truncate": True,
    }
    assert (engine.engine, engine.device, engine.threads) == ("tei", "remote", 4)
    same = _spec(key_env="RERANK_KEY", concurrency=9, timeout_s=1.5, retries=0)
    assert FACTORY.identify(same).ref == ref
    assert FACTORY.identify(same).choose_engine().engine.threads == 9
    for other in ({"url": "http://other"}, {"truncate": False}, {"batch_documents": 9}):
        assert FACTORY.identify(_spec(**other)).ref != ref
    dated = RerankerSpec(model="m", revision="2026-11", name="n", recipe=_spec().recipe)
    assert FACTORY.identify(dated).ref.revision == "tei:m@2026-11"
    assert FACTORY.identify(dated).ref.name == "n"


def test_settings_of_local_models_are_said_to_mean_nothing() -> None:
    spec = RerankerSpec(
        model="m", dtype="int8", max_length=9, engine="onnx", recipe=_spec().recipe
    )
    warning = "dtype, max_length, engine: the service's own affair, not sent"
    assert FACTORY.identify(spec).choose_engine().warning == warning


def test_a_resumed_job_asks_only_for_queries_that_lack_scores(server: Server) -> None:
    candidates = tiny.mixed(4)
    scene = server.scene("tei")
    reranker = _reranker(scene, batch_documents=5, concurrency=1)
    whole = _scores(_batches(reranker, candidates))
    done = frozenset([*range(9), *range(12, 18), 35])
    before = len(scene.seen())
    rest = _scores(_batches(reranker, candidates, done))
    assert rest == {pair: score for pair, score in whole.items() if pair not in done}
    asked = [seen["request"]["query"] for seen in scene.seen()[before:]]
    texts = [each.query.text for each in candidates]
    assert asked == [texts[1], texts[1], texts[2], texts[2], texts[3], texts[3]]
    assert _batches(reranker, candidates, frozenset(range(36))) == []


def test_queries_without_documents_ask_for_nothing(server: Server) -> None:
    scene = server.scene("tei")
    assert _batches(_reranker(scene), tiny.candidates([("a", []), ("b", [])])) == []
    assert scene.seen() == []


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "rerankbench-http":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def test_whoever_stops_listening_stops_the_asking(server: Server) -> None:
    scene = server.scene("tei", faults=[{}, *[{"sleep_s": 0.2}] * 19])
    reranker = _reranker(scene, concurrency=1)
    batches = reranker.score(reranker.prepare(Job(candidates=tiny.mixed(20))))
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    _wait_for_threads()
    assert len(scene.seen()) <= 3


def test_an_error_ends_the_waits_of_the_others(server: Server) -> None:
    wait = {"status": 429, "headers": {"Retry-After": "50"}}
    scene = server.scene("tei", faults=[wait, {"status": 400}], together=2)
    reranker = _reranker(scene, threading.Event.wait, concurrency=2)
    with pytest.raises(ModelError, match="HTTP 400"):
        _batches(reranker, tiny.mixed(5))
    _wait_for_threads()
    assert len(scene.seen()) == 2


def test_percentiles_and_passes_hold_no_failed_attempts(server: Server) -> None:
    # Every other request fails first, and the wait after it takes 50 s on the test's clock.
    wait = {"status": 429, "headers": {"Retry-After": "50"}}
    scene = server.scene("tei", faults=[wait, {}] * 500)
    waits = Waits()
    reranker = _reranker(scene, waits, waits.clock, concurrency=1)
    found, warnings = run_speed.measure(
        reranker,
        tiny.mixed(6),
        passes=3,
        budget_s=100_000.0,
        instruments=Instruments(clock=waits.clock),
    )
    assert found.latency is not None and found.throughput is not None
    failed_s = found.failed_attempts_s
    assert len(failed_s) == len(waits.asked_s) > 20
    assert all(50 <= each < 60 for each in failed_s)
    assert all(0 < each < 30 for each in found.latency.requests_s)
    assert all(0 < each < 30 for each in found.throughput.passes_s)
    assert all(0 < each < 30 for each in found.throughput.model_passes_s)
    assert (found.throughput.searches, found.throughput.tokens > 0) == (6, True)
    told = f"failed attempts ({len(failed_s)}) took {sum(failed_s):.1f} s while speed was measured"
    assert f"{told}; they do not count in it" in warnings
    kinds = f"HTTP 429 × {len(failed_s)}"
    assert reranker.warnings() == [f"attempts that failed and were repeated: {kinds}"]


@pytest.mark.parametrize(
    ("kept_s", "failed_s", "concurrency", "lost_s"),
    [
        ([1, 1, 1], [0, 0, 0], 2, 0),
        ([1], [5], 1, 5),
        ([1, 2], [5, 7], 1, 12),
        ([1, 1], [5, 5], 2, 5),  # Side by side.
        ([1, 9], [5, 0], 2, 0),  # While another went on.
        ([1, 9], [10, 0], 2, 2),  # The last two seconds alone.
        ([1, 1, 1], [4, 0, 0], 2, 3),  # 5 s instead of 2.
    ],
)
def test_lost_time_is_what_the_whole_took_longer(
    kept_s: list[float], failed_s: list[float], concurrency: int, lost_s: float
) -> None:
    assert wall_lost_s(kept_s, failed_s, concurrency) == pytest.approx(lost_s)


SECONDS = st.integers(0, 50)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=12), st.integers(1, 5))
def test_lost_time_lies_between_nothing_and_all_failures(
    requests: list[tuple[int, int]], concurrency: int
) -> None:
    kept_s, failed_s = [kept for kept, _ in requests], [failed for _, failed in requests]
    lost_s = wall_lost_s(kept_s, failed_s, concurrency)
    assert 0 <= lost_s <= sum(failed_s)
    assert wall_lost_s(kept_s, failed_s, 1) == sum(failed_s)
    assert wall_lost_s(kept_s, [0] * len(kept_s), concurrency) == 0


@given(st.text(), st.text(min_size=3, alphabet="abcdef-"))
def test_what_a_server_says_is_one_short_line_without_the_key(text: str, secret: str) -> None:
    for body in (text, json.dumps({"error": {"message": f"{text} {secret}"}})):
        line = said(body.encode(errors="replace"), secret)
        assert line.isprintable() and 0 < len(line) <= 160
        assert secret not in line.replace("[key]", "·")
    assert len(shown(text)) <= 160


class _OneScore(BaseHTTPRequestHandler):
    """Answers every request as TEI does for one document."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'[{"index": 0, "score": 1.5}]')


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A service behind TLS, and the file of the authority that vouches for it: itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("localhost", 0), _OneScore) as service:
        service.handle_error = lambda *_: None  # type: ignore[method-assign]
        service.socket = context.wrap_socket(service.socket, server_side=True)
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        yield f"https://localhost:{service.server_address[1]}", certificate
        service.shutdown()
        thread.join()


def test_a_service_behind_tls_is_asked_if_its_certificate_is_trusted(
    certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = certified
    candidates = tiny.candidates([("query", ["document"])])
    waits = Waits()
    with pytest.raises(
        ModelError, match=r"its certificate is not trusted \(self.signed"
    ) as caught:
        _batches(_reranker(Scene(api="tei", url=url), waits), candidates)
    assert "SSL_CERT_FILE" in _one_line(caught)
    assert waits.asked_s == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    reranker = _reranker(Scene(api="tei", url=url), waits)
    for _ in range(2):
        assert _scores(_batches(reranker, candidates)) == {0: 1.5}
    assert reranker.warnings() == []


CONFIG = """
datasets: [{collection}]
models:
  - model: rerank-tiny
    family: http
    recipe: {{api: cohere, url: "{url}/v2", key_env: RERANK_KEY, timeout_s: 20}}
    price: {{amount: {amount}, unit: search, date: 2026-11-01}}
top_k: 20
metrics: [nDCG@10]
speed: {{budget_s: 1, enabled: {speed}}}
results: {results}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A config beside its results; `run` gives exit code, stdout and stderr."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(
        self, scene: Scene, *, amount: float = 2.0, speed: bool = True
    ) -> tuple[int, str, str]:
        collection = self.folder / "small"
        if not collection.exists():
            tiny.write_collection(collection)
        text = CONFIG.format(
            collection=collection,
            url=scene.url,
            amount=amount,
            speed=str(speed).lower(),
            results=self.folder / "results",
        )
        (self.folder / "run.yaml").write_text(text)
        self.capsys.readouterr()
        code = cli._run(["run", str(self.folder / "run.yaml"), "--device", "cpu"])
        captured = self.capsys.readouterr()
        assert SECRET not in captured.out + captured.err
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert SECRET.encode() not in path.read_bytes(), path
        return code, captured.out, captured.err

    def record(self) -> dict[str, Any]:
        return tiny.records(self.folder / "results")["rerank-tiny"]


@pytest.fixture
def place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Place:
    monkeypatch.setenv("RERANK_KEY", SECRET)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "120")
    return Place(folder=tmp_path, capsys=capsys)


def test_a_run_measures_and_prices_a_service(server: Server, place: Place) -> None:
    scene = server.scene("cohere", key=SECRET, bills=True)
    code, out, err = place.run(scene)
    assert code == 0, err
    record = place.record()
    reranker = record["cell"]["reranker"]
    assert reranker["price"] == {
        "amount": 2.0,
        "unit": "search",
        "per": 1000.0,
        "date": "2026-11-01",
        "currency": "USD",
    }
    throughput = record["measurements"]["throughput"]
    assert throughput["searches"] == 2 * throughput["queries"]
    # Two searches a query at 0.002 dollars each, for a thousand queries.
    assert "$/1k" in out and "4.000" in out
    assert cli._run(["leaderboard", str(place.folder / "results"), "--notes", "all"]) == 0
    notes = place.capsys.readouterr().out
    assert "Prices: rerank-tiny 2 USD per 1,000 searches (2026-11-01)." in notes
    assert "a service, called from machine" in notes

    asked = len(scene.seen())
    code, out, err = place.run(scene, amount=1.0)
    assert (code, len(scene.seen())) == (0, asked), "a new price is no new work"
    assert "2.000" in out
    assert place.record()["cell"]["reranker"]["price"]["amount"] == 1.0


def test_a_run_with_a_wrong_key_fails_in_one_line(server: Server, place: Place) -> None:
    code, _, err = place.run(server.scene("cohere", key="another"), speed=False)
    assert code == 1
    assert "check the key in RERANK_KEY" in err
    assert "Traceback" not in err


def test_a_run_without_its_key_does_no_work(
    server: Server, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RERANK_KEY")
    scene = server.scene("cohere")
    code, _, err = place.run(scene)
    assert code == 2
    assert "the environment variable RERANK_KEY has no key" in err
    assert scene.seen() == []


@pytest.mark.parametrize("secret", ["ab/cd+ef 123".replace(" ", "="), 'quo"ted\\key-1'])
def test_a_key_is_hidden_in_every_way_of_writing_it(secret: str) -> None:
    for written in (
        secret,
        secret.upper(),
        quote(secret, safe=""),
        json.dumps(secret),
        base64.b64encode(secret.encode()).decode(),
    ):
        assert "[key]" in shown(f"no such key: {written}", secret)
        assert written not in shown(f"no such key: {written}", secret)
