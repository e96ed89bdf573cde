"""Messages about failing services: their own words made harmless, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from rerankbench.http_client.secrets import hidden

_LONGEST = 160
_READ_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The user's names of the settings, for messages.

    `key` is where the key's variable is given, `request` what a service may not accept,
    `smaller` what to do about a request that is too large.
    """

    url: str
    key: str
    request: str
    smaller: str
    patience: str


def shown(text: str, secret: str | Sequence[str] | None = None) -> str:
    """One short printable line, with the secret and anything like one removed."""
    line = " ".join(hidden(text, secret).split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def said(body: bytes, secret: str | Sequence[str] | None = None) -> str:
    """The message in the body of an error, in any known form, as `shown`."""
    text = body[:_READ_BYTES].decode("utf-8", errors="replace")
    with suppress(ValueError, RecursionError):  # Not JSON: shown as it is.
        text = _message(json.loads(text)) or text
    return shown(_without_markup(text), secret) or "no reason given"


def said_within(body: bytes, secret: str | Sequence[str] | None = None) -> str:
    """What an answer says that should have results, as `shown`; empty for nothing."""
    text = body[:_READ_BYTES].decode("utf-8", errors="replace")
    try:
        answer = json.loads(text)
        text = _message(answer)
        text = text if _WORD.search(text) else _words(answer)
    except (ValueError, RecursionError):
        text = _without_markup(text)
    return shown(text, secret) if _WORD.search(text) else ""


_WORD = re.compile(r"[^\W\d_]{2}")
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_MARKUP_CHARACTERS = 8 * 2**10
_NAMES = (
    *("message", "error_description", "error_message", "errormessage", "error_msg", "error"),
    *("errors", "detail", "details", "msg", "messages", "status_message", "statusmessage"),
    *("status_msg", "reason", "cause", "title", "description", "exception", "fault", "failure"),
    *("base_resp", "output", "result", "data", "errorcode", "code", "__type", "type", "status"),
)
"""Where services put their reason, in any case, most informative first.

FastAPI: detail. OpenAI and vLLM: error.message. Cohere, SGLang and NVIDIA's containers: message.
NVIDIA's cloud: title and detail. AWS: message or Message, and __type. DashScope: code and message.
TEI: error.
"""


def _message(value: Any, name: str = "message") -> str:
    """The first text under the names that services use; empty if there is none."""
    if isinstance(value, str):
        return "" if name in ("code", "type", "status") and value.lower() in _FINE else value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_message, value[:_FIRST])))
    if isinstance(value, dict):
        by_name = {str(key).lower(): inner_value for key, inner_value in reversed(value.items())}
        inner = (_message(by_name[name], name) for name in _NAMES if name in by_name)
        text = next(filter(None, inner), "")
        place = value.get("loc")  # FastAPI says which field it means.
        if text and isinstance(place, list) and place:
            return f"{'.'.join(map(str, place))}: {text}"
        return text
    return ""


# What repeats the request, or is the answer's own name: no reason.
_NO_REASONS = frozenset(
    {"document", "documents", "text", "texts", "passage", "passages", "query", "model"}
    | {"id", "request_id", "requestid", "object", "version", "created", "time"}
)
_SENTENCE = re.compile(r"\S\s+\S")


def _words(value: Any) -> str:
    """The first sentence under any other name, or else the first word; empty without either."""
    sentences = [text for text in _texts(value) if _WORD.search(text)]
    return next(
        (text for text in sentences if _SENTENCE.search(text)), sentences[0] if sentences else ""
    )


def _texts(value: Any) -> Iterator[str]:
    """Texts that may be meant for a person: an id is none."""
    if isinstance(value, str):
        if value.lower() not in _FINE and (_SENTENCE.search(value) or not re.search(r"\d", value)):
            yield value
    elif isinstance(value, list):
        for inner_value in value[:_FIRST]:
            yield from _texts(inner_value)
    elif isinstance(value, dict):
        for name, inner_value in value.items():
            if name.lower() not in _NO_REASONS:
                yield from _texts(inner_value)


_FIRST = 3
_FINE = ("", "ok", "success", "succeeded", "list", "200", "true", "false")


def _without_markup(text: str) -> str:
    """The readable text of an HTML page; other text unchanged."""
    if not re.match(r"\s*<(!doctype|html|head|body|\?xml)\b", text, re.IGNORECASE):
        return text
    return _MARKUP.sub(" ", text[:_MARKUP_CHARACTERS])


def remedy(status: int, variable: str | None, settings: Settings) -> str:
    """What to do about a status that retrying does not help; `variable` has the key, if any."""
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


def requested_wait_s(text: str, now: datetime) -> float:
    """Seconds in a Retry-After header, given as seconds or as a date; 0 without one."""
    try:
        wait_s = float(text)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):  # Not a date, or one without a time zone.
            return 0.0
    return max(0.0, wait_s) if isfinite(wait_s) else 0.0
