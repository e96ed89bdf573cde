"""Checks addresses and keys of services before any work; invalid ones are never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rerankbench.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A secret, and the environment variable that it came from."""

    variable: str
    value: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.value,)

    def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """The header with the key."""
        return {"Authorization": f"Bearer {self.value}"}


def read_key(name: str, variable: str) -> Key:
    """The key of the service `name`, read from the environment now. Raises UsageError."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise UsageError(f"{name}: the environment variable {variable} has no key; export it")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise UsageError(
            f"{name}: the value of {variable} is not a key (one line of printable ASCII "
            "without spaces); export it again"
        )
    return Key(variable=variable, value=value)


def check_variable(name: str, setting: str, variable: Any) -> str:
    """The name of a variable; a key given by mistake is not shown.

    Raises UsageError naming the `setting`.
    """
    if not (isinstance(variable, str) and variable.isascii() and variable.isidentifier()):
        raise UsageError(
            f"{name}: {setting} must be the name of an environment variable, not the key"
        )
    return variable


def check_address(name: str, setting: str, url: str, *, key_setting: str) -> SplitResult:
    """An address over HTTP without user, password or query.

    Raises UsageError, which does not show the address, as it may hold a password.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        fine = fine and (parts.port is None or parts.port > 0)
    except ValueError:  # An invalid port, or an unclosed bracket.
        fine = False
    plain = url.isascii() and url.isprintable() and " " not in url
    if not fine or not plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{name}: {setting} must be http(s)://host[:port]/path without user, password or "
            f"query; a key goes into the variable that {key_setting} names"
        )
    return parts
