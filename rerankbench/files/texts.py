"""What texts and ids may hold so that JSON, UTF-8 and TREC files can carry them."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def mend(text: str) -> str:
    """The text with lone surrogates (half of a pair of UTF-16) replaced by U+FFFD.

    JSON can hold them, UTF-8 and so tokenizers and files cannot.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


def id_problem(entry_id: str) -> str:
    """Why an id cannot stand in a TREC file; empty where it can."""
    if not entry_id.strip():
        return "the id is empty"
    if entry_id.split() != [entry_id]:
        return f"the id {entry_id!r} has white space"
    if not entry_id.isascii() and any("\ud800" <= character <= "\udfff" for character in entry_id):
        return f"the id {entry_id!r} has a broken character (a lone surrogate)"
    return ""
