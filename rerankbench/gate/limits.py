"""The largest acceptable losses of a cell: `nDCG@10=0.005`, `10%`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rerankbench.errors import UsageError, nearest
from rerankbench.known import metric_name
from rerankbench.registry import naming

DEFAULT_DROP = 0.005
DEFAULT_SLOWDOWN = 0.10
DEFAULT_GROWTH = 0.10

_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The margins of a gate.

    `drops` maps a metric's name to the largest acceptable drop of its mean. `slowdown` and
    `growth` are shares: 0.10 allows a tenth more time or memory; None does not check speed or
    memory.
    """

    drops: Mapping[str, float] = field(default_factory=lambda: {"nDCG@10": DEFAULT_DROP})
    slowdown: float | None = DEFAULT_SLOWDOWN
    growth: float | None = DEFAULT_GROWTH


def parse_drops(texts: Sequence[str]) -> dict[str, float]:
    """Margins by metric from `METRIC=DROP`. Raises UsageError for any other text."""
    drops = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            drop = float(number)
        except ValueError:
            drop = -1.0
        if not equals or not 0 <= drop < 1:
            raise UsageError(f"--max-drop {text}: expected METRIC=DROP, such as nDCG@10=0.005")
        metric = naming.parse_metric(name).name
        parts = metric_name.split(name)
        names_level_1 = parts is not None and parts.level == 1
        drops[metric_name.explicit(metric) if names_level_1 else metric] = drop
    return drops


def parse_share(option: str, text: str) -> float:
    """A share from `10%` (or `0.1`). Raises UsageError naming the option."""
    match = _PERCENT.fullmatch(text.strip())
    try:
        share = float(match["number"]) / 100 if match else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 100:
        raise UsageError(f"{option} {text}: expected a share, such as 10%")
    return share


def limits(drops: Sequence[str], *, speed: str, slowdown: str, growth: str) -> Limits:
    """The margins from the command line's texts; `speed` is `check` or `ignore`."""
    if speed not in ("check", "ignore"):
        raise UsageError(f"--speed {speed}: {nearest(speed, ('check', 'ignore'))}")
    shares = {
        "slowdown": parse_share("--max-slowdown", slowdown),
        "growth": parse_share("--max-memory-growth", growth),
    }
    checked: Mapping[str, float | None] = shares if speed == "check" else dict.fromkeys(shares)
    margins = parse_drops(drops) or Limits().drops
    return Limits(drops=margins, slowdown=checked["slowdown"], growth=checked["growth"])
