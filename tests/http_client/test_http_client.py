"""One limit on a whole request, whatever a service does with the time; and what is not HTTP."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from rerankbench.errors import ModelError, UsageError
from rerankbench.http_client import connections
from rerankbench.http_client.client import Client, HttpReply, Patience
from rerankbench.http_client.connections import BrokenAnswerError, Connections, HttpResponse
from rerankbench.http_client.deadline import Deadline
from rerankbench.http_client.messages import Settings
from rerankbench.http_client.signing import AwsKeys, read_aws_keys

Script: TypeAlias = Callable[[socket.socket], None]
"""What a service does with a connection; it is closed afterwards."""
SETTINGS = Settings(url="'url'", key="'key'", request="it", smaller="less", patience="'retries'")
BEDROCK = "https://bedrock-agent-runtime.us-west-2.amazonaws.com/rerank"
HEAD = b"HTTP/1.1 200 OK\r\n"
FINE = HEAD + b"Content-Length: 2\r\n\r\n[]"
# A request would end soon after this, if the limit were one on each wait alone.
LIMIT_S, PAUSE_S, DRIPS = 0.3, 0.02, 400


@contextmanager
def _service(*scripts: Script) -> Iterator[str]:
    """A service that follows one script a connection, the last one again and again."""
    listening = socket.create_server(("127.0.0.1", 0))

    def follow(connection: socket.socket, script: Script) -> None:
        with connection, suppress(OSError):
            script(connection)

    def serve() -> None:
        for number in range(1000):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            script = scripts[min(number, len(scripts) - 1)]
            threading.Thread(target=follow, args=(connection, script), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/rerank"
    finally:
        listening.close()


def _post(
    url: str, body: bytes = b"{}", timeout_s: float = 20.0, headers: dict[str, str] | None = None
) -> HttpResponse:
    with closing(Connections(url, timeout_s)) as found:
        return found.post(body, headers or {})


def _asked(url: str) -> HttpReply:
    with closing(Client("m", url, None, Patience(), SETTINGS, pause=lambda *_: False)) as client:
        return client.post(b"{}", threading.Event())


def _request(connection: socket.socket) -> bytes:
    """The whole request."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _sends(*pieces: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        _request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return script


def _drips(start: bytes, piece: bytes) -> Script:
    """Sends something at once, and then the same again and again, each soon after the last."""

    def script(connection: socket.socket) -> None:
        _request(connection)
        connection.sendall(start)
        for _ in range(DRIPS):
            connection.sendall(piece)
            time.sleep(PAUSE_S)

    return script


def _reads_slowly(connection: socket.socket) -> None:
    for _ in range(DRIPS):
        connection.recv(1024)
        time.sleep(PAUSE_S)


def _says_nothing(connection: socket.socket) -> None:
    _request(connection)
    time.sleep(DRIPS * PAUSE_S)


SLOW: dict[str, Script] = {
    "body": _drips(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "body without length": _drips(HEAD + b"\r\n", b" "),
    "chunks": _drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": _drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": _drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    "headers": _drips(HEAD, b"a: b\r\n"),
    "one header": _drips(HEAD + b"a: ", b"b"),
    "first line": _drips(b"HTTP/1.1 200 ", b"x"),
    "interim responses": _drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": _drips(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "nothing": _says_nothing,
    "reading": _reads_slowly,
}


@pytest.mark.parametrize("name", SLOW)
def test_a_service_that_takes_its_time_is_not_waited_for(name: str) -> None:
    body = b" " * (20_000_000 if name == "reading" else 2)
    with _service(SLOW[name]) as url, pytest.raises(TimeoutError):
        _post(url, body, LIMIT_S)


def test_interim_responses_without_a_pause_end_too() -> None:
    def script(connection: socket.socket) -> None:
        _request(connection)
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    with _service(script) as url, pytest.raises(TimeoutError):
        _post(url, timeout_s=LIMIT_S)


def test_the_handshake_of_tls_counts() -> None:
    with _service(_says_nothing) as url, pytest.raises(TimeoutError):
        _post(url.replace("http:", "https:"), timeout_s=LIMIT_S)


def test_connecting_counts() -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    with listening:
        filling = [socket.socket() for _ in range(8)]
        for each in filling:  # The queue of a service that accepts nobody is soon full.
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            _post(url, timeout_s=LIMIT_S)
        for each in filling:
            each.close()


def test_a_deadline_is_a_point_in_time() -> None:
    now = [100.0]
    deadline = Deadline(2.0, lambda: now[0])
    assert deadline.left_s() == 2.0
    now[0] = 101.5
    assert deadline.left_s() == 0.5
    now[0] = 102.0
    with pytest.raises(TimeoutError):
        deadline.left_s()


@pytest.mark.parametrize(
    "pieces",
    [
        (FINE,),
        (b"HTTP/1.1 100 Continue\r\n\r\n", FINE),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", FINE),
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + FINE,),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n", b"1;x=y\r\n]\r\n0\r\n\r\n"),
        (HEAD + b"\r\n", b"[", b"]"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]",),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]",),
    ],
)
def test_answers_are_read_however_they_are_packed(pieces: tuple[bytes, ...]) -> None:
    with _service(_sends(*pieces)) as url:
        answer = _post(url, headers={"A": "b"})
    assert (answer.status, answer.body) == (200, b"[]")


def test_a_request_is_whole_and_names_its_host() -> None:
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        seen.append(_request(connection))
        connection.sendall(FINE)

    with _service(script) as url:
        _post(url, b'{"a": 1}', headers={"Authorization": "Bearer x"})
    head, _, body = seen[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert (first, body) == (b"POST /rerank HTTP/1.1", b'{"a": 1}')
    host = url.removeprefix("http://").removesuffix("/rerank")
    assert {line.lower() for line in lines} == {
        f"host: {host}".encode(),
        b"accept-encoding: identity",
        b"content-length: 8",
        b"authorization: bearer x",
    }


@pytest.mark.parametrize(
    "piece",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n[]\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n[]",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]xx0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 200_000,
        HEAD + b"Content-Length: many\r\n\r\n[]",
        HEAD + b"Content-Length: -2\r\n\r\n[]",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        HEAD + b"a: " + b"b" * 200_000 + b"\r\n\r\n",
        HEAD + b"a: b\r\n" * 100_000,
        HEAD + b"no header\r\n\r\n",
        HEAD + b"a\0b: c\r\n\r\n",
    ],
    ids=range(14),
)
def test_what_is_not_http_is_one_line_and_asked_again(piece: bytes) -> None:
    def then_waits(connection: socket.socket) -> None:
        _sends(piece)(connection)
        connection.recv(1)

    with _service(then_waits, _sends(FINE)) as url:
        with pytest.raises(BrokenAnswerError) as caught:
            _post(url)
        assert "\n" not in str(caught.value)
    with _service(then_waits, _sends(FINE)) as url:
        reply = _asked(url)
    assert (reply.body, reply.failures) == (b"[]", ("broken answer",))


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"HTTP/1.1 2",
        HEAD + b"Content-Length: 5\r\n\r\n[]",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[]",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
    ],
)
def test_an_answer_that_ends_early_is_a_broken_connection(piece: bytes) -> None:
    with _service(_sends(piece)) as url, pytest.raises(ConnectionError, match="closed"):
        _post(url)


@pytest.mark.parametrize("form", [b"Content-Length: 101", b"Transfer-Encoding: chunked", b"a: b"])
def test_a_body_that_is_too_long_is_refused(form: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_BYTES", 100)
    body = b"65\r\n" + b" " * 101 + b"\r\n0\r\n\r\n" if b"chunked" in form else b" " * 101
    too_long = pytest.raises(ModelError, match="its answer is longer than 67,108,864 bytes")
    with _service(_sends(HEAD + form + b"\r\n\r\n" + body)) as url, too_long:
        _asked(url)


def test_a_packed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b" " * 1000)
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    refused = pytest.raises(ModelError, match=r"the answer is compressed \(gzip\), though not")
    with _service(_sends(head + packed)) as url, refused:
        _asked(url)


def test_the_reason_for_not_reading_the_request_is_read() -> None:
    reason = json.dumps({"error": "too large for me"}).encode()

    def script(connection: socket.socket) -> None:
        connection.recv(1024)
        head = f"HTTP/1.1 413 Large\r\nContent-Length: {len(reason)}\r\n\r\n"
        connection.sendall(head.encode() + reason)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with _service(script) as url:
        found = _post(url, b" " * 1_000_000)
    assert (found.status, found.body) == (413, reason)


def test_a_connection_is_kept_unless_the_service_closes_it_or_says_more() -> None:
    served: list[int] = []

    def answers(number: int, *heads: bytes) -> Script:
        def script(connection: socket.socket) -> None:
            for head in heads:
                _request(connection)
                served.append(number)
                connection.sendall(head)
            connection.recv(1)  # The client closes it.

        return script

    last = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n[]"
    scripts = (answers(1, FINE, FINE, last), answers(2, FINE + b"more"), answers(3, FINE))
    with _service(*scripts) as url, closing(Connections(url, 20.0)) as found:
        bodies = [found.post(b"{}", {}).body for _ in range(5)]
    assert bodies == [b"[]"] * 5
    assert served == [1, 1, 1, 2, 3]


# Made by botocore 1.44.8 for the same request; the first is AWS' own example `post-vanilla`.
SIGNED = [
    (
        ("https://example.amazonaws.com/", b"", "", "us-east-1", "service"),
        datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC),
        "SignedHeaders=host;x-amz-date, "
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        (BEDROCK, b'{"a": 1}', "", "us-west-2", "bedrock"),
        datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC),
        "SignedHeaders=host;x-amz-date, "
        "Signature=0e6d8d14bdaf366bedff5e7986267762b3658dabc88ed6ce5e9d77d1fe8f1d48",
    ),
    (
        (BEDROCK, b'{"a": 1}', "tok/en+1=", "us-west-2", "bedrock"),
        datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC),
        "SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=56efe1c433afb0a083a56208acdb336e96a87791c9357a99ed08c43dd03a95b5",
    ),
]


@pytest.mark.parametrize(("request_of", "now", "signature"), SIGNED)
def test_requests_are_signed_as_aws_says(
    request_of: tuple[str, bytes, str, str, str], now: datetime, signature: str
) -> None:
    url, body, token, region, service = request_of
    keys = AwsKeys(
        access_key_id="AKIDEXAMPLE",
        secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        token=token,
        region=region,
        service=service,
        now=lambda: now,
    )
    headers = keys.headers(url, body)
    assert headers["Authorization"].endswith(f"/{region}/{service}/aws4_request, {signature}")
    assert headers["x-amz-date"] == now.strftime("%Y%m%dT%H%M%SZ")
    assert headers.get("x-amz-security-token", "") == token
    assert "EXAMPLEKEY" not in repr(keys) and "AKID" not in repr(keys)


def test_keys_of_aws_go_to_aws_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match="AWS_ACCESS_KEY_ID has no key; export it"):
        read_aws_keys("m", BEDROCK, "bedrock")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    with pytest.raises(UsageError, match="AWS_SECRET_ACCESS_KEY has no key; export it"):
        read_aws_keys("m", BEDROCK, "bedrock")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "abc")
    found = read_aws_keys("m", BEDROCK, "bedrock")
    assert found is not None
    assert (found.region, found.secrets) == ("us-west-2", ("abc", "AKIDEXAMPLE"))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tok")
    hosts = {
        "bedrock-agent-runtime.eu-central-1.amazonaws.com": "eu-central-1",
        "vpce-1-x.bedrock-agent-runtime.us-gov-west-1.vpce.amazonaws.com": "us-gov-west-1",
        "bedrock-agent-runtime.us-west-2.amazonaws.com.elsewhere.com": None,
        "bedrock.us-west-2.elsewhere.com": None,
        "127.0.0.1": None,
    }
    for host, region in hosts.items():
        found = read_aws_keys("m", f"https://{host}/rerank", "bedrock")
        assert (None if found is None else found.region) == region
