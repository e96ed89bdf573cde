"""A forecast as text for people and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence

from rerankbench.errors import cut
from rerankbench.run.forecast import CellForecast, Forecast, GroupForecast

WIDTH = 80
_HEADS = ("Reranker", "State", "Pairs left", "Tokens", "Hours", "Cost")
_WIDTHS = (22, 12, 11, 7, 8, 13)
_UNKNOWN = "unknown"


def as_text(forecast: Forecast) -> str:
    """A table for every group, the sums, and how the figures were estimated."""
    lines: list[str] = []
    for group in forecast.groups:
        lines += [*_title(group), _row(_HEADS), *map(_cell, group.cells), ""]
    lines += textwrap.wrap(_sums(forecast.cells), WIDTH)
    for note in _notes(forecast):
        lines += textwrap.wrap(f"- {note}", WIDTH, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def as_json(forecast: Forecast) -> str:
    """One object a cell; unknown values are null."""
    cells = [
        {
            "suite": forecast.suite,
            "collection": group.collection,
            "split": group.split,
            "first_stage": group.first_stage,
            "depth": group.depth,
            "queries": group.queries,
            "reranker": cell.reranker,
            "state": cell.state,
            "pairs": cell.pairs,
            "pairs_are_known": group.pairs_are_known,
            "pairs_left": cell.pairs_left,
            "tokens_left": cell.tokens_left,
            "hours": None if cell.seconds is None else cell.seconds / 3600,
            "cost": cell.cost,
            "currency": None if cell.price is None else cell.price.currency,
        }
        for group in forecast.groups
        for cell in group.cells
    ]
    return json.dumps(cells, indent=2) + "\n"


def _title(group: GroupForecast) -> list[str]:
    name = cut(f"{group.collection}/{group.split}", WIDTH)
    most = "" if group.pairs_are_known else "at most "
    facts = f"{group.queries:,} queries, {most}{group.pairs:,} pairs"
    return textwrap.wrap(f"{name}, {group.first_stage} top-{group.depth}: {facts}", WIDTH)


def _row(texts: Sequence[str]) -> str:
    fitting = [cut(text, width) for text, width in zip(texts, _WIDTHS, strict=True)]
    left = map(str.ljust, fitting[:2], _WIDTHS[:2])
    right = map(str.rjust, fitting[2:], _WIDTHS[2:])
    return " ".join([*left, *right]).rstrip()


def _cell(cell: CellForecast) -> str:
    state: str = cell.state
    if cell.state == "half-done":
        state = f"{100 * (1 - cell.pairs_left / cell.pairs):.0f} % scored"
    if cell.seconds is None:
        hours = _UNKNOWN
    else:
        hours = f"{cell.seconds / 3600:.2f}" if cell.seconds else ""
    tokens = _UNKNOWN if cell.tokens_left is None else _magnitude(cell.tokens_left)
    pairs = f"{cell.pairs_left:,}" if cell.pairs_left else ""
    return _row((cell.reranker, state, pairs, tokens, hours, _cost(cell)))


def _cost(cell: CellForecast) -> str:
    if cell.price is None:
        return ""
    if cell.cost is None:
        return _UNKNOWN
    return _money(cell.cost, cell.price.currency)


def _money(amount: float, currency: str) -> str:
    digits = 2 if amount < 10_000 else 0
    return f"${amount:,.{digits}f}" if currency == "USD" else f"{amount:,.{digits}f} {currency}"


def _magnitude(number: float) -> str:
    for factor, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if number >= factor:
            return f"{number / factor:.3g}{letter}"
    return f"{number:.0f}" if number else ""


def _sums(cells: Sequence[CellForecast]) -> str:
    left = [cell for cell in cells if cell.state != "finished"]
    parts = [
        f"Left: {len(left)} of {len(cells)} cells",
        f"{sum(cell.pairs_left for cell in left):,} pairs",
        _sum([cell.tokens_left for cell in left], "tokens", _magnitude),
        _sum([_hours(cell) for cell in left], "hours", "{:.2f}".format),
    ]
    for currency in sorted({cell.price.currency for cell in left if cell.price is not None}):
        costs = [cell.cost for cell in left if cell.price and cell.price.currency == currency]
        parts.append(_sum(costs, currency, "{:,.2f}".format))
    return ", ".join(parts) + "."


def _hours(cell: CellForecast) -> float | None:
    return None if cell.seconds is None else cell.seconds / 3600


def _sum(values: Sequence[float | None], unit: str, to_text: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    unknown = len(values) - len(known)
    if unknown and not any(known):
        return f"{_UNKNOWN} {unit}"
    unknown_note = f" (plus {unknown} unknown)" if unknown else ""
    return f"{to_text(sum(known)) or '0'} {unit}{unknown_note}"


def _notes(forecast: Forecast) -> Iterator[str]:
    if not all(group.pairs_are_known for group in forecast.groups):
        yield "Pairs are upper bounds: the first stage has not run yet."
    yield (
        "Tokens are estimated from a sample of the texts, or taken from an earlier run of the "
        "model on the collection."
    )
    measuring = (
        f" and {forecast.measuring_s:g} s a cell for its speed" if forecast.measuring_s else ""
    )
    yield (
        f"Hours cover scoring{measuring}, at the speed that records in {forecast.results} "
        "have for this machine and the same settings; unknown where there is none. Indexing, "
        "retrieving and loading models come on top."
    )
    if forecast.measuring_s and any(cell.price for cell in forecast.cells):
        yield "Costs are those of scoring; measuring the speed sends some pairs again."
    if any(cell.state == "to fuse" for cell in forecast.cells):
        yield (
            "To fuse: scores and speed are those of the model's plain row, or of another fusion "
            "of it; no pair is scored."
        )
    yield "Nothing was run; the same command without --dry-run runs it."
