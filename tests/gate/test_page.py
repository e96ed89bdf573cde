"""The page on the gate names what programs read of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rerankbench.gate.limits import Limits
from rerankbench.gate.show import formats
from rerankbench.gate.verdict import compare

from .records import record, timed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gate.md"


def _keys(value: Any) -> Iterator[str]:
    """All keys, however deep; those of `drops` are metrics."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner if key != "drops" else None)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)


def test_the_page_names_every_json_key() -> None:
    base = [timed(record([0.9, 0.8, 0.7] * 9), [1.0] * 3, 1000)]
    new = [timed(record([0.3, 0.2, 0.1] * 9, machine="b"), [1.5] * 3, 2000)]
    found = json.loads(formats.as_json(compare(base, new, Limits())))
    keys = set(_keys(found))
    assert {"worst", "holm_p", "drift", "kind", "text", "compare_command"} <= keys
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE.read_text()] == []
