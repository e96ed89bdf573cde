"""One time limit for a whole request: from the name's lookup to the answer's last byte.

A limit on each wait would not stop a service that sends a byte now
and then: in the body, between chunks, in headers, or as repeated interim responses.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

_PIECE_BYTES = 64 * 2**10


class Deadline:
    """A point in time, and the time left until then."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """The time starts now."""
        self._clock = clock
        self._end_s = clock() + timeout_s

    def left_s(self) -> float:
        """Seconds left. Raises TimeoutError if there are none."""
        left_s = self._end_s - self._clock()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class TimedSocket:
    """A connected socket on which every operation ends before a deadline."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, deadline: Deadline
    ) -> None:
        """Connect to the first address of the host that answers. Raises OSError."""
        self.sock = _connected(host, port, deadline)
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self.sock.settimeout(deadline.left_s())  # Python bounds the handshake as a whole.
                self.sock = tls.wrap_socket(self.sock, server_hostname=host)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it. Raises OSError."""
        rest = memoryview(data)
        while rest:
            self.sock.settimeout(deadline.left_s())
            rest = rest[self.sock.send(rest[:_PIECE_BYTES]) :]

    def receive(self, deadline: Deadline) -> bytes:
        """What has arrived, once there is something; empty at the end. Raises OSError."""
        self.sock.settimeout(deadline.left_s())
        return self.sock.recv(_PIECE_BYTES)

    def close(self) -> None:
        self.sock.close()


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    failure = OSError("the name has no address")
    # The resolver has its own limits, which cannot be changed.
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.left_s())
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    deadline.left_s()
    raise failure
