"""An OpenAI-compatible chat endpoint whose answers are stored, so that none is paid for twice."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.files.checksums import ChecksumError, seal, unseal
from rerankbench.files.whole import write_whole
from rerankbench.http_client.address import check_address, check_variable, read_key
from rerankbench.http_client.client import Client, Patience
from rerankbench.http_client.messages import Settings
from rerankbench.judge.prompt import Message

_log = logging.getLogger(__name__)
_WORD = "/chat/completions"
_SETTINGS = Settings(
    url="--url",
    key="--api-key-env",
    request="--judge-model and --temperature",
    smaller="lower --top-k or --snippet-chars",
    patience="--timeout-s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReply:
    """A judge's reply, and the tokens that the service counted for it."""

    text: str
    prompt_tokens: int
    completion_tokens: int


def address(url: str) -> str:
    """The full address of the endpoint. Raises UsageError for an impossible one."""
    parts = check_address("the judge", "--url", url, key_setting="--api-key-env")
    path = parts.path.rstrip("/").removesuffix(_WORD)
    return f"{parts.scheme}://{parts.netloc}{path}{_WORD}"


class JudgeService:
    """One model at one address, for any number of threads."""

    def __init__(
        self, client: Client, url: str, model: str, temperature: float | None, cache: Path
    ) -> None:
        """Nothing is connected yet; answers are stored below `cache`."""
        self._client, self._url, self._cache = client, url, cache
        self._fixed: dict[str, Any] = {"model": model}
        if temperature is not None:
            self._fixed["temperature"] = temperature

    def kept(self, messages: Sequence[Message]) -> JudgeReply | None:
        """The stored answer to exactly this question, or None.

        A damaged one is reported and deleted: the question is asked again.
        """
        path = self._path(self._body(messages))
        try:
            line = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        try:
            return _kept(line, path.stem)
        except (ValueError, TypeError, RecursionError):
            _log.warning("%s: does not verify; its question is asked again", path)
            with suppress(OSError):
                path.unlink()
            return None

    def ask(self, messages: Sequence[Message], stop: threading.Event) -> tuple[JudgeReply, bool]:
        """The answer, and whether it was stored already.

        Raises ModelError if there is none, and Stopped once `stop` is set.
        """
        stored = self.kept(messages)
        if stored is not None:
            return stored, True
        body = self._body(messages)
        reply = self._read(self._client.post(body, stop).body)
        content = {
            "text": reply.text,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
        }
        path = self._path(body)
        write_whole(path, seal(content, path.stem))
        return reply, False

    def close(self) -> None:
        self._client.close()

    def _body(self, messages: Sequence[Message]) -> bytes:
        return json.dumps({**self._fixed, "messages": list(messages)}, sort_keys=True).encode()

    def _path(self, body: bytes) -> Path:
        key = hashlib.sha256(self._url.encode() + b"\0" + body).hexdigest()
        return self._cache / key[:2] / f"{key}.json"

    def _read(self, body: bytes) -> JudgeReply:
        try:
            parsed = json.loads(body)
            text = parsed["choices"][0]["message"]["content"]
        except (ValueError, RecursionError, LookupError, TypeError):
            raise ModelError(
                f"{self._client.who}: not an answer of a chat endpoint"
                f"{self._client.also_said(body)}; check --url"
            ) from None
        usage = parsed.get("usage")
        return JudgeReply(
            # None if a model refuses, or spends all its tokens on reasoning.
            text=text if isinstance(text, str) else "",
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
        )


def connect(
    url: str,
    model: str,
    *,
    key_variable: str | None,
    temperature: float | None,
    timeout_s: float,
    cache: Path,
) -> JudgeService:
    """The service, not connected yet. Raises UsageError for a missing key."""
    whole = address(url)
    key = None
    if key_variable is not None:
        key = read_key("the judge", check_variable("the judge", "--api-key-env", key_variable))
    client = Client(model, whole, key, Patience(timeout_s=timeout_s), _SETTINGS)
    return JudgeService(client, whole, model, temperature, cache)


def _kept(line: str, key: str) -> JudgeReply:
    """The reply in a file. Raises ValueError or TypeError if it does not verify."""
    try:
        return JudgeReply(**unseal(line, key))
    except ChecksumError:
        # Answers cost money, so those stored by versions without checksums still count.
        parsed = json.loads(line)
        if not isinstance(parsed, dict) or parsed.keys() != {
            field.name for field in fields(JudgeReply)
        }:
            raise
        return JudgeReply(**parsed)


def _count(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if type(count) is int and count >= 0 else 0
