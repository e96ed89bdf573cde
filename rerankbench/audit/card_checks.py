"""Checks of a card: zeros, headline means, counts, shares, latencies, ranks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from statistics import fmean

from rerankbench.audit.cards import CardPart, CardValue, PrintedCard
from rerankbench.audit.findings import Finding, Severity
from rerankbench.audit.speeds import latency_problems
from rerankbench.audit.zeros import is_zero

_QUALITY = re.compile(r"\(?\b(nDCG|MAP|MRR|Recall|P|Precision)@\d+\)?", re.I)
_OUTCOMES = ("Wins", "Losses", "Ties")
_EXACT = 1e-9


def card_findings(card: PrintedCard) -> Iterator[Finding]:
    """All contradictions within one page."""
    for part in card.parts:
        yield from _zeros(card, part)
        yield from _latencies(card, part)
    yield from _headlines(card)
    for part in (card.overview, *card.parts):
        yield from _counts(card, part)
    yield from _sums(card)
    for line, rank, total in card.ranks:
        if rank > total:
            yield Finding(
                file=card.file,
                line=line,
                table=card.title,
                row=card.overview.name,
                column="rank",
                check="order",
                severity="error",
                message=f"rank {rank} of {total}",
            )


def _at(card: PrintedCard, part: CardPart, label: str, value: CardValue) -> Callable[..., Finding]:
    """A finding about one value of a part; check, severity and message are still to be given."""
    return partial(
        Finding,
        file=card.file,
        line=value.line,
        table=card.title,
        row=part.name,
        column=label,
        printed=value.cell.text,
    )


def _qualities(part: CardPart) -> dict[str, CardValue]:
    return {label: value for label, value in part.values.items() if _QUALITY.fullmatch(label)}


def _zeros(card: PrintedCard, part: CardPart) -> Iterator[Finding]:
    qualities = _qualities(part)
    zeros = {label: value for label, value in qualities.items() if is_zero(value.cell)}
    if zeros:
        label, value = next(iter(zeros.items()))
        every = f"all {len(zeros)}" if len(zeros) == len(qualities) else f"{len(zeros)}"
        message = (
            f"{every} qualities are {value.cell.text} ({', '.join(zeros)}): missing, not measured "
            "as nothing? A blank would say so"
        )
        yield _at(card, part, label, value)(check="zero", severity="warning", message=message)


def _latencies(card: PrintedCard, part: CardPart) -> Iterator[Finding]:
    cells = {
        label: value.cell for label, value in part.values.items() if value.cell.unit in ("ms", "s")
    }
    for label, severity, message in latency_problems(cells):
        yield _at(card, part, label, part.values[label])(
            check="latency", severity=severity, message=message
        )


def _headlines(card: PrintedCard) -> Iterator[Finding]:
    """Qualities of the overview that are means over the collections, including zeros."""
    for label, headline in card.overview.values.items():
        metric = _QUALITY.search(label)
        name = metric[0].strip("()") if metric else ""
        values = [part.values[name] for part in card.parts if name in part.values]
        measured = [value for value in values if not is_zero(value.cell)]
        if len(values) < 2:
            continue
        slack = headline.cell.half_unit + max(value.cell.half_unit for value in values) + _EXACT
        decimals, shown = headline.cell.decimals, headline.cell.text
        mean = fmean(value.number for value in values)
        rest = fmean([value.number for value in measured]) if measured else 0.0
        severity: Severity = "warning"
        if abs(mean - headline.number) > slack < abs(rest - headline.number):
            severity, expected = "error", f"{mean:.{decimals}f}"
            message = f"printed {shown}, the {len(values)} collections give {expected}"
        elif abs(mean - headline.number) <= slack and len(measured) < len(values):
            expected = f"{rest:.{decimals}f}" if measured else ""
            message = (
                f"{shown} is the mean over {len(values)} collections with "
                f"{len(values) - len(measured)} zeros among them; without those it is "
                f"{expected or 'nothing'}"
            )
        else:
            continue
        yield _at(card, card.overview, label, headline)(
            check="average", severity=severity, message=message, expected=expected
        )


def _counts(card: PrintedCard, part: CardPart) -> Iterator[Finding]:
    """Wins, losses and ties compared with their sum and their shares."""
    if not all(label in part.values for label in _OUTCOMES):
        return
    counts = {label: part.values[label].number for label in _OUTCOMES}
    total = sum(counts.values())
    stated = part.values.get("Total Evaluations")
    if stated is not None and stated.number != total:
        message = f"{stated.cell.text}, but wins, losses and ties are {total:.0f}"
        yield _at(card, part, "Total Evaluations", stated)(
            check="counts", severity="error", message=message, expected=f"{total:.0f}"
        )
    shares = {"Win Rate": "Wins", **{f"{label} %": label for label in _OUTCOMES}}
    for share, label in shares.items():
        value = part.values.get(share)
        if value is None or not total:
            continue
        expected = 100 * counts[label] / total
        if abs(value.number - expected) > value.cell.half_unit + _EXACT:
            correct = f"{expected:.{value.cell.decimals}f}%"
            message = f"printed {value.cell.text}, {counts[label]:.0f} of {total:.0f} is {correct}"
            yield _at(card, part, share, value)(
                check="counts", severity="error", message=message, expected=correct
            )


def _sums(card: PrintedCard) -> Iterator[Finding]:
    """The overview's wins, losses and ties compared with those of the collections."""
    for label in _OUTCOMES:
        whole = card.overview.values.get(label)
        parts = [part.values[label].number for part in card.parts if label in part.values]
        if whole is not None and parts and sum(parts) != whole.number:
            message = f"{whole.cell.text}, but the collections' are {sum(parts):.0f}"
            yield _at(card, card.overview, label, whole)(
                check="counts", severity="error", message=message, expected=f"{sum(parts):.0f}"
            )
