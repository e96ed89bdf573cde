"""What is said of a service that fails: its own words made harmless, and what to do about it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

_LONGEST = 160
_READ_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the user names what can be set, as messages put it.

    `key` names where the key's variable is named, `request` what a service may not accept,
    `smaller` what to do about a request that is too large.
    """

    url: str
    key: str
    request: str
    smaller: str
    patience: str


def shown(text: str, secret: str | None = None) -> str:
    """One short printable line, cleared of the secret."""
    if secret:
        text = text.replace(secret, "[key]")
    line = " ".join(text.split())
    line = "".join(each if each.isprintable() else "\ufffd" for each in line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def said(body: bytes, secret: str | None = None) -> str:
    """The message in the body of an error, in whichever form it came, as `shown`."""
    text = body[:_READ_BYTES].decode("utf-8", errors="replace")
    with suppress(ValueError, RecursionError):  # No JSON: shown as it stands.
        text = _message(json.loads(text)) or text
    return shown(text, secret) or "no reason given"


def _message(value: Any) -> str:
    """The first text under the names that services use; empty where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _message(value[0]) if value else ""
    if isinstance(value, dict):
        inner = (_message(value.get(name)) for name in ("message", "error", "detail", "msg"))
        return next(filter(None, inner), "")
    return ""


def remedy(status: int, variable: str | None, settings: Settings) -> str:
    """What to do about a status that no repetition helps; `variable` holds the key, if any."""
    if status in (401, 403, 498):
        unset = f"it wants a key: name the environment variable that holds it as {settings.key}"
        return f"check the key in {variable}" if variable else unset
    if 300 <= status < 400:
        moved = f"it moved: set {settings.url} to its new address"
        return f"{moved} (a key is never sent after a redirect)"
    if status in (404, 405):
        return f"check {settings.url}, {settings.request}"
    if status == 413:
        return settings.smaller
    return f"check {settings.request} and what the service accepts"


def asked_wait_s(text: str, now: datetime) -> float:
    """Seconds that a Retry-After header asks for, as seconds or as a date; 0 where it does not."""
    try:
        wait_s = float(text)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):  # No date, or one without a zone.
            return 0.0
    return max(0.0, wait_s) if isfinite(wait_s) else 0.0
