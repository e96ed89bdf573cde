"""A small server that reranks with a real checkpoint, in all its forms, and fails when told to.

Run as `python -m tests.rerankers.http_server FOLDER`; prints its port and ends with its stdin. The
first part of a path names a scene, so that tests do not see each other: `PUT /SCENE` sets how it
behaves, `GET /SCENE` tells what was asked. Requests with fields that the form does not have are
refused, as strict services do.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import tiny

PATIENCE_S = 20.0

# Fields that must be there, and fields that may.
FIELDS: Mapping[str, tuple[set[str], set[str]]] = {
    "tei": ({"query", "texts"}, {"raw_scores", "return_text", "truncate", "truncation_direction"}),
    "cohere": (
        {"model", "query", "documents"},
        {"top_n", "max_tokens_per_doc", "raw_scores", "use_activation"},
    ),
    "voyage": ({"model", "query", "documents"}, {"top_k", "return_documents", "truncation"}),
    "mixedbread": ({"model", "query", "input"}, {"top_k", "return_input"}),
    "nvidia": ({"model", "query", "passages"}, {"truncate"}),
    "sglang": ({"query", "documents"}, {"model", "top_n", "return_documents"}),
    "dashscope": ({"model", "input"}, {"parameters"}),
    "bedrock": ({"queries", "sources", "rerankingConfiguration"}, {"nextToken"}),
}
# What ends the path; TEI has nothing before it.
WORDS = {
    "tei": "rerank",
    "cohere": "rerank",
    "voyage": "rerank",
    "mixedbread": "reranking",
    "nvidia": "ranking",
    "sglang": "rerank",
    "dashscope": "text-rerank",
    "bedrock": "rerank",
}
SCORES = {
    "tei": "score",
    "mixedbread": "score",
    "sglang": "score",
    "nvidia": "logit",
    "bedrock": "relevanceScore",
}


@dataclass
class Scene:
    """How requests under one name are answered, and what was seen of them.

    `faults` are used up one a request, `{}` being none. `together` holds every request back until
    so many are there at once. `bills` has Cohere's form tell searches instead of tokens.
    """

    api: str = "tei"
    key: str | None = None
    faults: list[dict[str, Any]] = field(default_factory=list)
    together: int = 1
    bills: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    now: int = 0
    most: int = 0


class State:
    """What all threads of the server share."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer, self.model = tiny.reference(folder)
        self.model_lock = threading.Lock()
        self.changed = threading.Condition()
        self.scenes: dict[str, Scene] = {}

    def logits(self, query: str, documents: list[str]) -> tuple[list[float], int]:
        """One logit a document, and how many tokens were read."""
        with self.model_lock:
            scores = [
                tiny.reference_score(self.tokenizer, self.model, query, each) for each in documents
            ]
            tokens = sum(len(self.tokenizer(query, each).input_ids) for each in documents)
        return scores, tokens


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        with self.state.changed:
            self.state.scenes[self._scene()] = Scene(**self._json())
        self._send(200, b"{}")

    def do_GET(self) -> None:
        scene = self.state.scenes[self._scene()]
        found = {"seen": scene.seen, "most": scene.most, "connections": len(scene.connections)}
        self._send(200, json.dumps(found).encode())

    def do_POST(self) -> None:
        state = self.state
        scene = state.scenes[self._scene()]
        request = self._json()
        with state.changed:
            fault = scene.faults.pop(0) if scene.faults else {}
            scene.connections.add(self.client_address)
            scene.seen.append(
                {
                    "path": self.path.removeprefix(f"/{self._scene()}"),
                    "authorization": self.headers.get("Authorization"),
                    "request": request,
                }
            )
            scene.now += 1
            scene.most = max(scene.most, scene.now)
            state.changed.notify_all()
            state.changed.wait_for(lambda: scene.most >= scene.together, PATIENCE_S)
        try:
            self._answer(scene, request, fault)
        finally:
            with state.changed:
                scene.now -= 1

    def _answer(self, scene: Scene, request: dict[str, Any], fault: dict[str, Any]) -> None:
        if fault.get("drop"):
            self.close_connection = True
            return
        if fault.get("sleep_s"):
            time.sleep(fault["sleep_s"])
        if "status" in fault:
            body = fault.get("body", json.dumps({"error": "injected", "error_type": "overloaded"}))
            self._send(fault["status"], body.encode(), fault.get("headers", {}))
            return
        problem = self._problem(scene, request)
        if problem is not None:
            self._send(problem[0], json.dumps({"error": {"message": problem[1]}}).encode())
            return
        query, documents = _texts(scene.api, request)
        logits, tokens = self.state.logits(query, documents)
        raw = request.get("raw_scores", False) or scene.api == "nvidia"
        scores = logits if raw else [1 / (1 + math.exp(-logit)) for logit in logits]
        name = SCORES.get(scene.api, "relevance_score")
        results: list[Any] = [{"index": i, name: score} for i, score in enumerate(scores)]
        results.sort(key=lambda result: result[name], reverse=True)
        results = _changed(results, name, fault)
        headers = {"x-compute-tokens": str(tokens)} if scene.api == "tei" else {}
        body = json.dumps(_envelope(scene, results, tokens))
        if "drip_s" in fault:
            self._drip(body.encode(), fault["drip_s"])
            return
        self._send(200, fault.get("body", body).encode(), headers, cut=fault.get("cut", 0))
        self.close_connection |= bool(fault.get("close"))

    def _problem(self, scene: Scene, request: dict[str, Any]) -> tuple[int, str] | None:
        """Status and message for what a service would refuse."""
        given = self.headers.get("Authorization")
        if scene.key is not None and given != f"Bearer {scene.key}":
            return 401, f"invalid key: {given}"
        path = self.path.removeprefix(f"/{self._scene()}/").split("/")
        if path[-1] != WORDS[scene.api] or (scene.api == "tei" and len(path) > 1):
            return 404, "no such path"
        needed, optional = FIELDS[scene.api]
        if not needed <= request.keys() <= needed | optional:
            return 422, f"fields: {sorted(request)}"
        try:
            _, documents = _texts(scene.api, request)
        except (KeyError, TypeError, ValueError) as error:
            return 422, f"{type(error).__name__}: {error}"
        if scene.api in ("voyage", "bedrock") and "" in documents:
            return 400, "a document is empty"
        if scene.api == "sglang" and not all(each.strip() for each in documents):
            return 400, "Each document cannot be empty or whitespace only"
        if scene.api == "tei" and len(request["texts"]) > 32:
            return 413, f"batch size {len(request['texts'])} > maximum allowed batch size 32"
        return None

    def _drip(self, body: bytes, pause_s: float) -> None:
        """A long body in pieces, each soon after the one before."""
        body += b" " * 200_000
        self.wfile.write(f"HTTP/1.1 200 Told\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 2**14):
            self.wfile.write(body[start : start + 2**14])
            time.sleep(pause_s)

    def _scene(self) -> str:
        return self.path.split("/")[1]

    def _json(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, cut: int = 0
    ) -> None:
        """One write for head and body; a cut body ends early, with the connection."""
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body[: len(body) - cut])
        self.close_connection = bool(cut)


def _texts(api: str, request: dict[str, Any]) -> tuple[str, list[str]]:
    """Query and documents, wherever the form has them; an error where they are not alone there."""
    if api == "nvidia":
        (_,) = {*request["query"], *(name for each in request["passages"] for name in each)}
        return request["query"]["text"], [each["text"] for each in request["passages"]]
    if api == "dashscope":
        assert set(request["input"]) == {"query", "documents"}
        assert set(request.get("parameters", {})) <= {"top_n", "return_documents", "instruct"}
        return request["input"]["query"], request["input"]["documents"]
    if api == "bedrock":
        (query,) = request["queries"]
        if query["type"] != "TEXT" or any(each["type"] != "INLINE" for each in request["sources"]):
            raise ValueError("type")
        inline = [each["inlineDocumentSource"] for each in request["sources"]]
        wanted = request["rerankingConfiguration"]
        model = wanted["bedrockRerankingConfiguration"]
        if (
            wanted["type"] != "BEDROCK_RERANKING_MODEL"
            or not model["modelConfiguration"]["modelArn"]
        ):
            raise ValueError("rerankingConfiguration")
        return query["textQuery"]["text"], [each["textDocument"]["text"] for each in inline]
    name = next(each for each in ("texts", "documents", "input") if each in request)
    return request["query"], request[name]


def _changed(results: list[Any], name: str, fault: dict[str, Any]) -> list[Any]:
    """Results in another order, or not as they should be."""
    if "order" in fault:
        results = [results[i] for i in fault["order"]]
    for at, changes in fault.get("change", {}).items():
        results[int(at)] = {**results[int(at)], **changes}
    if "score" in fault:
        results[0][name] = fault["score"]
    return results[fault.get("skip", 0) :]


def _envelope(scene: Scene, results: list[Any], tokens: int) -> Any:
    if scene.api == "tei":
        return results
    usage = {"total_tokens": tokens}
    if scene.api == "nvidia":
        return {"rankings": results, "usage": usage}
    if scene.api == "sglang":
        each = {"document": "…", "meta_info": {"prompt_tokens": tokens / len(results)}}
        return [{**result, **each} for result in results]
    if scene.api == "dashscope":
        return {"output": {"results": results}, "usage": usage, "request_id": "1"}
    if scene.api == "bedrock":
        return {"results": results}
    if scene.api in ("voyage", "mixedbread"):
        return {"object": "list", "data": results, "usage": usage}
    if scene.bills:
        return {"results": results, "meta": {"billed_units": {"search_units": 2}}}
    return {"results": results, "usage": usage}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


def main() -> None:
    Handler.state = State(Path(sys.argv[1]))
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)  # noqa: T201

    def end_with_stdin() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_stdin, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
