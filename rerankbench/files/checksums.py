"""A checksum inside a line of JSON: what changed on the disk is noticed, not believed.

For accidents such as a flipped bit or a torn write, not against people who want to deceive.
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
    """A line that is not the one that was written."""


def seal(value: Mapping[str, Any], about: str = "") -> str:
    """One line of JSON, its last entry a checksum of all before it and of `about`.

    `about` says what the line belongs to: elsewhere it does not verify.
    """
    body = json.dumps(value, separators=(",", ":"))
    if len(body) == len("{}"):
        raise ValueError("nothing to seal")
    return f'{body[:-1]},"{_KEY}":"{_digest(body, about)}"}}'


def is_sealed(line: str) -> bool:
    """Whether a line has a checksum, right or wrong."""
    return f'"{_KEY}"' in line


def unseal(line: str, about: str = "") -> dict[str, Any]:
    """What was sealed. Raises ChecksumError for every other line."""
    end = _END.search(line)
    if end is None:
        raise ChecksumError("there is no checksum at its end")
    body = line[: end.start()] + "}"
    if _digest(body, about) != end[1]:
        raise ChecksumError("its checksum does not fit")
    found: dict[str, Any] = json.loads(body)
    return found


def _digest(body: str, about: str) -> str:
    # Decoding may have left lone surrogates or U+FFFD in a damaged line; neither was written.
    text = f"{about}\n{body}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()
