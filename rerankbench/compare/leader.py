"""Records of one task → who leads, by how much, whether that is real, and what it costs in speed.

The tests are those of the tables, and so are their p.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench.compare.significance import ALPHA, is_tested, pair_tests
from rerankbench.results import derived
from rerankbench.results.figures import DOCS_PER_S
from rerankbench.results.numbers import number_text, p_text
from rerankbench.types import Record

_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How far the leader is above that record, and the adjusted p of the difference."""

    record: Record
    delta: float
    p: float

    @property
    def is_real(self) -> bool:
        """Whether the queries tell the two apart."""
        return self.p <= ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The record with the highest mean of its task: a model's, or the first stage's own order.

    `second` is the next model; `first_stage` the first stage's own order, None where it leads.
    `fastest` is the fastest record on the leader's machine and device, where it was timed.
    """

    record: Record
    metric: str
    mean: float
    queries: int
    second: Margin | None
    first_stage: Margin | None
    fastest: Record | None


def leader(records: Sequence[Record], metric: str) -> Leader | None:
    """Who leads among records of one task, one of each model; None where none holds the metric.

    p of the next model is adjusted for all pairs, as tier letters are; that of the first stage for
    all models against it, as the column `p` is. Raises UsageError where queries differ.
    """
    held = [record for record in records if derived.values_of(record, metric)]
    held = [record for record in held if is_tested(record)]
    if not held:
        return None
    tests = pair_tests(held, derived.metric_in(held[0], metric))
    means = [fmean(values) for values in tests.values]

    def margin(at: int, p: float) -> Margin:
        return Margin(record=tests.order[at], delta=means[0] - means[at], p=p)

    below = range(1, len(held))
    model = next((at for at in below if not derived.is_baseline(tests.order[at])), None)
    base = next((at for at in below if derived.is_first_stage(tests.order[at])), None)
    return Leader(
        record=tests.order[0],
        metric=metric,
        mean=means[0],
        queries=tests.values.shape[1],
        second=None if model is None else margin(model, float(tests.of_pairs[0, model])),
        first_stage=None if base is None else margin(base, float(tests.against(base)[base, 0])),
        fastest=_fastest(tests.order[0], held),
    )


def sentences(found: Leader) -> Iterator[str]:
    """What there is to say of the leader, the most important first."""
    name = _name(found.record)
    nearest = found.second or found.first_stage
    if nearest is None:
        yield f"{name} is the only one here, with {_value(found.mean)} {found.metric}."
        return
    rival, p = _name(nearest.record), p_text(nearest.p)
    ahead = f"{name} leads {rival} by {_value(nearest.delta)} {found.metric}"
    if not nearest.delta:
        yield f"{name} and {rival} have the same {found.metric}, {_value(found.mean)}."
    elif nearest.is_real:
        yield f"{ahead}, which is significant ({p})."
    else:
        yield f"{ahead}; {_queries(found.queries)} cannot tell them apart ({p})."
    if found.first_stage is not None and found.second is not None:
        real = "" if found.first_stage.is_real else "not "
        yield (
            f"It is {_value(found.first_stage.delta)} above the first stage, "
            f"{_name(found.first_stage.record)}, which is {real}significant "
            f"({p_text(found.first_stage.p)})."
        )
    if derived.is_first_stage(found.record):
        yield "That is the first stage's own order: no reranker here improves on it."
    yield from _speed(found)


def _speed(found: Leader) -> Iterator[str]:
    own = DOCS_PER_S.number(found.record)
    fastest = None if found.fastest is None else DOCS_PER_S.number(found.fastest)
    if not own or not fastest or found.fastest is None:
        return
    if found.fastest is found.record:
        yield f"It reranks {DOCS_PER_S.say(own)}, the most of all timed with it."
        return
    yield (
        f"It reranks {DOCS_PER_S.say(own)} and so takes {number_text(fastest / own, 'rate')} "
        f"times as long as {_name(found.fastest)} ({DOCS_PER_S.say(fastest)})."
    )


def _fastest(record: Record, records: Sequence[Record]) -> Record | None:
    """The fastest of the leader's machine and device; None where it was timed alone or not."""
    timed = [
        one
        for one in records
        if not derived.is_baseline(one)
        and derived.docs_per_s(one) is not None
        and derived.setting(one) == derived.setting(record)
    ]
    if record not in timed or len(timed) < 2:
        return None
    return max(timed, key=lambda one: derived.docs_per_s(one) or 0.0)


def _name(record: Record) -> str:
    return record.cell.reranker.name


def _value(value: float) -> str:
    return number_text(value, "fixed", _DECIMALS)


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"
