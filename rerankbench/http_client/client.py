"""Requests to a service, repeated where that may help: bounded retries, doubling waits.

A key is sent in one header and occurs nowhere else: in no repr, message or record, and what
a server says is cleared of it before it is shown.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import urlsplit

from rerankbench import __version__
from rerankbench.errors import ModelError
from rerankbench.http_client.address import Key
from rerankbench.http_client.connections import (
    MOST_BYTES,
    BrokenAnswerError,
    Connections,
    HttpResponse,
    TooLongError,
)
from rerankbench.http_client.messages import (
    Settings,
    remedy,
    requested_wait_s,
    said,
    said_within,
    shown,
)
from rerankbench.http_client.signing import AwsKeys

# As well as everything from 500 on: the service was too slow or too busy.
_REPEATED = (408, 429)
_JITTER_SEED = 20_240_301

Pause: TypeAlias = Callable[[threading.Event, float], bool]
"""Wait for that many seconds, or until the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits and number of attempts; waits double from `first_wait_s` on.

    `timeout_s` bounds one attempt as a whole, from connecting to the last byte of the answer.
    `longest_wait_s` bounds every wait, also one that the service asks for.
    """

    timeout_s: float = 60.0
    retries: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """The reply of the successful attempt, and what failed before it.

    `kept_s` are the seconds of the attempt that succeeded, `failed_s` those of every attempt
    before it, each with the wait that followed, `failures` what was wrong with them.
    """

    headers: Mapping[str, str]
    body: bytes
    kept_s: float
    failed_s: tuple[float, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """An attempt that may be repeated; `wait_s` is what the service requested."""

    kind: str
    detail: str
    wait_s: float = 0.0


class Stopped(Exception):
    """The reply is no longer needed."""


class Client:
    """One address, for any number of threads."""

    def __init__(
        self,
        name: str,
        url: str,
        key: Key | AwsKeys | None,
        patience: Patience,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.perf_counter,
        pause: Pause = threading.Event.wait,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        """Nothing is connected yet.

        `name` is the service's name in messages, `settings` are what they tell the user to
        change; `jitter` is 0…1.
        """
        self.who = f"{name} ({urlsplit(url).netloc})"
        self._connections = Connections(url, patience.timeout_s)
        self._url = url
        self._key, self._patience, self._settings = key, patience, settings
        self._clock, self._pause = clock, pause
        self._jitter = jitter or random.Random(_JITTER_SEED).random

    def close(self) -> None:
        self._connections.close()

    def cleared(self, text: str) -> str:
        """The text as one short line, with the key removed."""
        return shown(text, self._key.secrets if self._key else None)

    def also_said(self, body: bytes) -> str:
        """The message of an answer without results, to be appended to a problem; or nothing."""
        text = said_within(body, self._key.secrets if self._key else None)
        return f"; it says: {text}" if text else ""

    def post(self, body: bytes, stop: threading.Event) -> HttpReply:
        """The reply to a JSON body; the request is repeated while that may help.

        Raises ModelError when it does not, and Stopped once `stop` is set.
        """
        failed_s: list[float] = []
        failures: list[str] = []
        while not stop.is_set():
            began_s = self._clock()
            outcome = self._attempt(body)
            if isinstance(outcome, HttpResponse):
                return HttpReply(
                    headers=outcome.headers,
                    body=outcome.body,
                    kept_s=self._clock() - began_s,
                    failed_s=tuple(failed_s),
                    failures=tuple(failures),
                )
            failures.append(outcome.kind)
            if len(failures) > self._patience.retries:
                raise ModelError(
                    f"{self.who}: {outcome.kind} at the last of {len(failures)} attempts "
                    f"({outcome.detail}); see that the service runs, or raise "
                    f"{self._settings.patience}"
                )
            self._pause(stop, self._wait_s(len(failures), outcome.wait_s))
            failed_s.append(self._clock() - began_s)
        raise Stopped

    def _wait_s(self, failures: int, requested_s: float) -> float:
        """Half to all of a doubling wait, or what the service requested if that is longer."""
        longest_s = self._patience.longest_wait_s
        # The exponent is bounded, since 2 to the 1024 is not a float.
        doubled_s = self._patience.first_wait_s * 2.0 ** min(failures - 1, 60)
        wait_s = min(doubled_s, longest_s) * (1 + self._jitter()) / 2
        return max(wait_s, min(requested_s, longest_s))

    def _attempt(self, body: bytes) -> HttpResponse | _Failure:
        try:
            answer = self._connections.post(body, self._headers(body))
        except TimeoutError:
            return _Failure(kind="timeout", detail=f"no answer in {self._patience.timeout_s:g} s")
        except TooLongError:
            raise ModelError(
                f"{self.who}: its answer is longer than {MOST_BYTES:,} bytes; "
                f"check {self._settings.url}"
            ) from None
        except ssl.SSLCertVerificationError as error:
            reason = shown(error.verify_message)
            raise ModelError(
                f"{self.who}: its certificate is not trusted ({reason}); mend it, or name "
                "the file of its authority in SSL_CERT_FILE"
            ) from None
        except BrokenAnswerError as error:
            return _Failure(kind="broken answer", detail=self.cleared(str(error)))
        except OSError as error:
            detail = shown(str(error) or type(error).__name__)
            return _Failure(kind="no connection", detail=detail)
        packed = answer.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", ""):  # Never decompressed: it may become very large.
            raise ModelError(
                f"{self.who}: the answer is compressed ({shown(packed)}), though not requested; "
                f"check {self._settings.url}"
            )
        return answer if 200 <= answer.status < 300 else self._failure(answer)

    def _failure(self, answer: HttpResponse) -> _Failure:
        """A failure that may pass. Raises ModelError for one that will not."""
        variable, secret = (self._key.variable, self._key.secrets) if self._key else (None, None)
        message = said(answer.body, secret)
        if answer.status not in _REPEATED and answer.status < 500:
            advice = remedy(answer.status, variable, self._settings)
            raise ModelError(f"{self.who}: HTTP {answer.status} ({message}); {advice}")
        return _Failure(
            kind=f"HTTP {answer.status}",
            detail=message,
            wait_s=requested_wait_s(answer.headers.get("retry-after", ""), datetime.now(UTC)),
        )

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"rerankbench/{__version__}",
        }
        if self._key is not None:
            headers |= self._key.headers(self._url, body)
        return headers
