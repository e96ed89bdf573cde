"""Checksums inside lines of JSON, so that changes on the disk are noticed.

For accidents such as a flipped bit or a torn write, not against manipulation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_DIGEST_BYTES = 16
_KEY = "blake2b"
_END = re.compile(rf',"{_KEY}":"([0-9a-f]{{{2 * _DIGEST_BYTES}}})"}}\Z')


class ChecksumError(ValueError):
    """A line that differs from what was written."""


def seal(value: Mapping[str, Any], about: str = "") -> str:
    """One line of JSON, its last entry a checksum of all before it and of `about`.

    `about` is what the line belongs to: it does not verify elsewhere.
    """
    body = json.dumps(value, separators=(",", ":"))
    if len(body) == len("{}"):
        raise ValueError("nothing to seal")
    return f'{body[:-1]},"{_KEY}":"{_digest(body, about)}"}}'


def is_sealed(line: str) -> bool:
    """Whether a line has a checksum, right or wrong."""
    return f'"{_KEY}"' in line


def unseal(line: str, about: str = "") -> dict[str, Any]:
    """The sealed value. Raises ChecksumError for any other line."""
    end = _END.search(line)
    if end is None:
        raise ChecksumError("there is no checksum at its end")
    body = line[: end.start()] + "}"
    if _digest(body, about) != end[1]:
        raise ChecksumError("its checksum does not match")
    value: dict[str, Any] = json.loads(body)
    return value


def _digest(body: str, about: str) -> str:
    # Decoding may have left lone surrogates or U+FFFD in a damaged line; they were never written.
    text = f"{about}\n{body}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()
