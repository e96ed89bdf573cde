"""Each check sees the fault that it is for, and nothing in a model without faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rerankbench.doctor import checks, pairs
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.types import Candidates, EngineRef, RerankerRef

# A score of one pair, given the words in common and all lengths of its batch.
Rule = Callable[[float, int, Sequence[int]], float]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@dataclass
class Fake:
    """Counts the words that question and passage share, then distorts the count."""

    rule: Rule
    ref: RerankerRef = field(
        default_factory=lambda: RerankerRef(
            name="fake", family="test", revision="1", dtype="float32"
        )
    )
    engine: EngineRef = field(default_factory=lambda: EngineRef(engine="none", device="cpu"))
    attention_kernel: str | None = None

    def prepare(self, job: Job) -> Job:
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        texts = [(c.query.text, d.content) for c in prepared.candidates for d in c.documents]
        lengths = [len(text.split()) for _, text in texts]
        scores = [self.rule(_overlap(*pair), place, lengths) for place, pair in enumerate(texts)]
        yield ScoredBatch(pairs=range(len(texts)), scores=scores)

    def warnings(self) -> Sequence[str]:
        return ()

    def peak_device_bytes(self) -> int | None:
        return None


def _overlap(question: str, passage: str) -> float:
    """Shared word beginnings, with the length of the passage so that no two are equal."""
    asked = {word[:4] for word in question.lower().split() if len(word) > 3}
    told = [word.strip(".,'()").lower()[:4] for word in passage.split()]
    return 4.0 * len(asked & set(told)) - 3.0 + sum(map(ord, passage)) % 997 / 5000


def _outcomes(
    rule: Rule, reference: checks.Reference | None = None, **said: Any
) -> dict[str, str]:
    fake = Fake(rule)
    fake.ref = replace(fake.ref, **said)
    found = checks.run(fake, reference)
    assert all("\n" not in check.detail for check in found)
    return {check.name: check.outcome for check in found}


def _good(x: float, _: int, __: Sequence[int]) -> float:
    return x


def test_a_model_without_faults_passes() -> None:
    found = _outcomes(_good)
    assert found.pop("sentence-transformers") == "skip"
    assert set(found.values()) == {"pass"}


FAULTS: dict[str, tuple[Rule, str, str]] = {
    "upside down": (lambda x, *_: -x, "order", "fail"),
    "chance": (lambda x, *_: hash(round(x * 5000)) * 7919 % 1009 / 99, "order", "fail"),
    "batch": (lambda x, place, lengths: x + 0.01 * len(lengths), "batch size", "fail"),
    "padding": (lambda x, place, lengths: x + 1e-3 * max(lengths), "padding", "fail"),
    "rounded": (lambda x, *_: float(x > 0) - 0.5, "saturation", "fail"),
    "sigmoid": (lambda x, *_: _sigmoid(x), "sigmoid", "warn"),
    "double sigmoid": (lambda x, *_: _sigmoid(_sigmoid(x)), "sigmoid", "fail"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str) -> None:
    rule, check, outcome = FAULTS[fault]
    assert _outcomes(rule)[check] == outcome


def test_a_listwise_score_may_depend_on_the_others() -> None:
    assert _outcomes(_good, reads="lists")["padding"] == "skip"


def test_ranks_are_not_held_against_a_model_that_writes_orders() -> None:
    found = _outcomes(lambda x, *_: float(x > 0), reads="lists", scale="rank")
    assert (found["saturation"], found["sigmoid"], found["order"]) == ("skip", "skip", "pass")


def test_cosines_are_not_taken_for_squashed_logits() -> None:
    found = _outcomes(lambda x, *_: 0.6 + x / 10, scale="cosine")
    assert (found["saturation"], found["sigmoid"], found["order"]) == ("pass", "skip", "pass")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda x, i: x + 1e-6 * i, "pass"),
        (lambda x, i: x * 1.2 + 0.5, "warn"),
        (lambda x, i: -x, "fail"),
    ],
)
def test_another_implementation_is_compared_with(
    change: Callable[[float, int], float], outcome: str
) -> None:
    def reference(candidates: Sequence[Candidates]) -> Sequence[float]:
        texts = [(c.query.text, d.content) for c in candidates for d in c.documents]
        return [change(_overlap(*pair), i) for i, pair in enumerate(texts)]

    assert _outcomes(_good, reference)["sentence-transformers"] == outcome


def test_what_the_other_implementation_cannot_load_is_skipped() -> None:
    assert _outcomes(_good, lambda _: None)["sentence-transformers"] == "skip"


def test_there_are_a_dozen_questions_and_no_text_twice() -> None:
    texts = [d.text for c in pairs.pairs() for d in c.documents]
    assert len(pairs.pairs()) == 12
    assert len(set(texts)) == 24
    lengths = [len(d.text.split()) for c in pairs.mixed() for d in c.documents]
    assert max(lengths) > 20 * min(lengths)


@pytest.mark.parametrize("words", [1, 12, 100, 1000])
def test_a_document_has_the_length_that_was_asked_for(words: int) -> None:
    assert len(pairs.of_length(words).documents[0].text.split()) == words
