"""Connections to one address, kept open between requests, for any number of threads."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from select import select
from urllib.parse import urlsplit

import h11

from rerankbench.http_client.deadline import Deadline, TimedSocket

MOST_BYTES = 64 * 2**20
"""No list of scores is longer; a larger answer is not one."""
_MOST_HEADER_BYTES = 64 * 2**10
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole response; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooLongError(Exception):
    """A body of more than MOST_BYTES."""


class BrokenAnswerError(Exception):
    """An answer that is not HTTP or ends too early; `str(error)` says how."""


class Connections:
    """One connection per concurrent request. Redirects are not followed."""

    def __init__(
        self, url: str, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is connected yet. `timeout_s` bounds each request as a whole."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._address, self._path = parts.netloc, parts.path or "/"
        self._timeout_s, self._clock = timeout_s, clock
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def post(self, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """Send one request and read its answer.

        Raises OSError, a TimeoutError among them, BrokenAnswerError or TooLongError.
        """
        deadline = Deadline(self._timeout_s, self._clock)
        connection = self._take(deadline)
        all_headers = {
            "Host": self._address,
            "Accept-Encoding": "identity",
            "Content-Length": str(len(body)),
            **headers,
        }
        request = h11.Request(method="POST", target=self._path, headers=list(all_headers.items()))
        try:
            answer = connection.exchange(request, body, deadline)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return answer

    def close(self) -> None:
        """Close idle connections now, and others when they become idle."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self, deadline: Deadline) -> _Connection:
        """An idle connection that is still open, or a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            # If it is readable before anything was sent, the service has closed it.
            with suppress(OSError, ValueError):
                if not select([connection.sock], [], [], 0)[0]:
                    return connection
            connection.close()
        return _Connection(TimedSocket(self._host, self._port, self._tls, deadline))

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if connection.is_open() and not self._closed:
                self._idle.append(connection)
                return
        connection.close()


class _Connection:
    """A socket and the HTTP state on it."""

    def __init__(self, timed: TimedSocket) -> None:
        self._timed, self.sock, self._ended = timed, timed.sock, False
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEADER_BYTES)

    def exchange(self, request: h11.Request, body: bytes, deadline: Deadline) -> HttpResponse:
        """Send a request and read its answer; raises as `Connections.post` does."""
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        data = b"".join(self._http.send(event) or b"" for event in events)
        refused: OSError | None = None
        try:
            self._timed.send(data, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            refused = error  # It may have sent the reason before closing.
        try:
            return self._answer(deadline)
        except h11.RemoteProtocolError as error:
            broken = ConnectionError("closed in the middle of its answer")
            raise refused or (broken if self._ended else BrokenAnswerError(str(error))) from None
        except OSError as error:
            raise refused or error from None

    def is_open(self) -> bool:
        """Whether another request may follow; prepares for it."""
        if self._http.trailing_data[0] or self._http.our_state is not h11.DONE:
            return False
        if self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        self._timed.close()

    def _answer(self, deadline: Deadline) -> HttpResponse:
        response: h11.Response | None = None
        pieces: list[bytes] = []
        size = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                received = self._timed.receive(deadline)
                self._ended = not received
                if self._ended and response is None:
                    raise ConnectionError("closed before it answered")
                self._http.receive_data(received)
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > MOST_BYTES:
                    raise TooLongError
                pieces.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and response is not None:
                return HttpResponse(
                    status=response.status_code,
                    headers={name.decode(): _text(value) for name, value in response.headers},
                    body=b"".join(pieces),
                )
            else:  # Interim responses, of which there may be many.
                deadline.left_s()


def _text(value: bytes) -> str:
    return value.decode("latin-1")
