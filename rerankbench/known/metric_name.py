"""The parts of a metric's name as ir_measures writes it: `MAP`, `Recall(rel=2)@100`.

`rel` is the lowest grade that counts as relevant; where it is 1 the name does not say it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

_FORM = re.compile(
    r"(?P<base>[A-Za-z][A-Za-z_-]*?)(?:\((?P<parameters>[^()]*)\))?(?:[@_.](?P<cutoff>\d+))?"
)
_LEVEL = re.compile(r"\s*rel\s*=\s*(?P<level>\d{1,9})\s*", flags=re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricName:
    """One name; `level` is None where it names none, `cutoff` likewise.

    `parameters` are what stands in brackets besides a level: nothing, in a name that is known.
    """

    base: str
    level: int | None = None
    cutoff: int | None = None
    parameters: str = ""

    def __str__(self) -> str:
        level = f"(rel={self.level})" if (self.level or 1) > 1 else ""
        return self.base + level + ("" if self.cutoff is None else f"@{self.cutoff}")


def split(name: str) -> MetricName | None:
    """The parts of a name; None for what has not the form of one."""
    match = _FORM.fullmatch(name.strip())
    if match is None:
        return None
    parameters = match["parameters"]
    level = _LEVEL.fullmatch(parameters or "")
    return MetricName(
        base=match["base"],
        level=int(level["level"]) if level else None,
        cutoff=int(match["cutoff"]) if match["cutoff"] else None,
        parameters="" if level or parameters is None else f"({parameters})",
    )


def level(name: str) -> int:
    """The lowest grade that counts as relevant in a metric of that name."""
    parts = split(name)
    return (parts.level or 1) if parts else 1


def at_level(name: str, wanted: int) -> str:
    """The name of the same metric at that level; a name that says its level keeps it."""
    parts = split(name)
    if parts is None or parts.parameters:
        return name
    return str(parts if parts.level is not None else replace(parts, level=wanted))


def without_level(name: str, usual: int) -> str:
    """The name without its level where that is the usual one, which then goes without saying."""
    parts = split(name)
    if parts is None or parts.parameters or (parts.level or 1) != usual:
        return name
    return str(replace(parts, level=None))


def explicit(name: str) -> str:
    """The name with its level even where it is 1, for collections where another one is usual."""
    parts = split(name)
    if parts is None or parts.parameters or (parts.level or 1) > 1:
        return name
    return str(replace(parts, base=f"{parts.base}(rel=1)", level=None))


def among(name: str, held: Collection[str]) -> str | None:
    """The metric of that name in `held`, or the same at the one other level that is there.

    A name that says its level stands for no other one.
    """
    plain = at_level(name, 1)
    if plain in held:
        return plain
    parts = split(name)
    if parts is None or parts.level is not None:
        return None
    others = [other for other in held if without_level(other, level(other)) == plain]
    return others[0] if len(others) == 1 else None
