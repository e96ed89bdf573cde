"""Removes keys from shown text: ours in any encoding, and anything that looks like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from urllib.parse import quote

HIDDEN = "[key]"
_TOKEN = r"(?=[^\s\"'<>]*\d)[A-Za-z0-9._~+/=-]{8,}"
_LOOKS = (
    # https://user:password@host
    (re.compile(r"(\w://)[^/\s@\"']+@"), rf"\1{HIDDEN}@"),
    # ?api_key=…&token=…
    (
        re.compile(
            r"([?&](?:api[-_]?key|key|token|access[-_]token|secret|sig|signature|"
            r"x-amz-[a-z-]+)=)[^&\s\"'<>]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Authorization: Bearer …, api-key: …
    (re.compile(rf"\b((?:bearer|basic)\s+)['\"]?{_TOKEN}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"\b((?:authorization|api[-_ ]?key|token|secret)['\"]?\s*[:=]\s*)['\"]?{_TOKEN}",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Prefixes of services' keys, and JSON Web Tokens.
    (
        re.compile(
            r"\b(?:(?:sk|pa|nvapi|hf|jina|mxb|gsk|co)[-_]|ABSK|AKIA|ASIA)"
            r"(?=[\w-]*\d)[A-Za-z0-9_=-]{12,}"
        ),
        HIDDEN,
    ),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w.-]{8,}"), HIDDEN),
)
_LONG_KEY, _BEGINNING = 16, 8


def hidden(text: str, secret: str | Sequence[str] | None) -> str:
    """The text with every key replaced: our own (one or several) and others."""
    secrets = [secret] if isinstance(secret, str) else secret or ()
    for secret in filter(None, secrets):
        disguises = {
            secret,
            json.dumps(secret)[1:-1],
            quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode(),
        }
        for disguise in sorted(disguises, key=len, reverse=True):
            text = re.sub(re.escape(disguise), HIDDEN, text, flags=re.IGNORECASE)
        if len(secret) >= _LONG_KEY:  # A service may repeat only the beginning of a key.
            text = re.sub(re.escape(secret[:_BEGINNING]) + r"[^\s\"'<>]*", HIDDEN, text)
    for pattern, replacement in _LOOKS:
        text = pattern.sub(replacement, text)
    return text
