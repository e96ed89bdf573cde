"""Connections to one address that are kept open between requests, for any number of threads."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from select import select
from urllib.parse import urlsplit

MOST_BYTES = 64 * 2**20
"""No list of scores is longer; a service that sends more is not one."""
_PIECE_BYTES = 16 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooLongError(Exception):
    """A body of more than MOST_BYTES."""


class Connections:
    """As many connections as there are requests at once. Redirects are not followed."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Nothing is connected yet.

        `timeout_s` bounds connecting, sending, and every stretch of waiting for the answer.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path or "/"
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request and its answer. Raises OSError, HTTPException or TooLongError."""
        connection = self._take()
        try:
            connection.request("POST", self._path, body, dict(headers))
            response = connection.getresponse()
            answer = Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=self._read(response),
            )
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, keep=not response.will_close)
        return answer

    def close(self) -> None:
        """Close what is idle now, and what becomes idle later."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> http.client.HTTPConnection:
        """An idle connection that the service has not closed meanwhile, or a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            # One that can be read from before it is asked anything has been closed.
            with suppress(OSError, ValueError):
                if not select([connection.sock], [], [], 0)[0]:
                    return connection
            connection.close()
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout_s, context=self._tls
        )

    def _give_back(self, connection: http.client.HTTPConnection, *, keep: bool) -> None:
        with self._lock:
            if keep and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        deadline_s = time.monotonic() + self._timeout_s
        pieces: list[bytes] = []
        size = 0
        while piece := response.read(_PIECE_BYTES):
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLongError
            if time.monotonic() > deadline_s:
                raise TimeoutError
            pieces.append(piece)
        if response.length:  # It ended early.
            raise http.client.IncompleteRead(b"", response.length)
        return b"".join(pieces)
