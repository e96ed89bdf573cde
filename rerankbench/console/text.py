"""Text that fits: no control characters, and names that are shortened at their joints."""

from __future__ import annotations

import re

CUT = "…"
_JOINTS = "-_ ./:"


def printable(text: str) -> str:
    """Text whose control characters are shown, so that no file can drive the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def fitted(label: str, width: int) -> str:
    """The label in at most `width` characters, what it names shortened before what is done.

    First the owner of a hub id goes, then the end of the name, at a joint if one is in its
    second half; what follows the last `: ` stays.
    """
    if len(label) <= width:
        return label
    name, colon, step = label.rpartition(": ") if ": " in label else (label, "", "")
    name = re.sub(r"[^\s/]+/(?=[^\s/])", "", name)
    room = width - len(colon) - len(step)
    if len(name) > room:
        name = _cut(name, room)
    whole = f"{name}{colon}{step}"
    return whole if len(whole) <= width else _cut(whole, width)


def _cut(text: str, width: int) -> str:
    if width < 1:
        return ""
    head = text[: width - 1]
    if text[width - 1] not in _JOINTS:
        joint = max(head.rfind(each) for each in _JOINTS)
        head = head[:joint] if joint >= width // 2 else head
    return head.rstrip(_JOINTS) + CUT


def clock_time(seconds: float) -> str:
    """`0:07`, `3:10`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
