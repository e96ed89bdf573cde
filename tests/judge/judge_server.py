"""A chat endpoint on the loopback that judges by a rule, and fails when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Rule: TypeAlias = Callable[[dict[str, Any]], str]
"""From query and two lists of texts to what is replied."""
TOKENS = (100, 7)


def verdict(name: str) -> str:
    return json.dumps({"better": name})


def more_relevant(shown: dict[str, Any]) -> str:
    """Prefers the list with more texts that say so of themselves."""
    first, second = (sum("relevant" in each for each in shown[at]) for at in ("first", "second"))
    return verdict("first" if first > second else "second" if second > first else "tie")


def always_first(shown: dict[str, Any]) -> str:
    return verdict("first")


@dataclass
class Scene:
    """How the server behaves, and what it saw.

    `replies` come before the rule, `faults` before everything: status and headers.
    """

    rule: Rule = more_relevant
    key: str | None = None
    replies: list[str | None] = field(default_factory=list)
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    usage: Any = field(
        default_factory=lambda: {"prompt_tokens": TOKENS[0], "completion_tokens": TOKENS[1]}
    )
    body: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def shown(self) -> list[dict[str, Any]]:
        """What was asked: query and lists, one for each request."""
        return [json.loads(each["messages"][1]["content"]) for each in self.seen]


@contextmanager
def serve(scene: Scene) -> Iterator[Scene]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with scene.lock:
                scene.seen.append(asked)
                scene.paths.append(self.path)
                status, headers = scene.faults.pop(0) if scene.faults else (200, {})
                known = scene.key is None or (
                    self.headers.get("Authorization") == f"Bearer {scene.key}"
                )
                if status == 200 and not known:
                    status = 401
                reply = scene.replies.pop(0) if scene.replies and status == 200 else ...
            if reply is ...:
                reply = scene.rule(json.loads(asked["messages"][1]["content"]))
            answer = {"choices": [{"message": {"content": reply}}], "usage": scene.usage}
            body = (json.dumps(answer) if scene.body is None else scene.body).encode()
            if status != 200:
                body = json.dumps({"error": {"message": f"no ({scene.key})"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scene.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield scene
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
