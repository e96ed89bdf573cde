"""How numbers print: against worked examples, and against what they must still say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.results.figures import DOCS_PER_S, LATENCIES_MS, PARAMETERS
from rerankbench.results.numbers import Form, number_text, p_text


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1339.4, "rate", "1339"),
        (31.2, "rate", "31"),
        (5.27, "rate", "5.3"),
        (2188.04, "latency", "2188"),
        (99.96, "latency", "100"),
        (99.94, "latency", "99.9"),
        (1.0, "latency", "1.0"),
        (0.9951, "latency", "1.0"),
        (0.034, "latency", "0.034"),
        (0.00271, "latency", "0.0027"),
        (0.0, "latency", "0.0"),
        (22_713_601, "magnitude", "22.7M"),
    ],
)
def test_forms(value: float, form: Form, text: str) -> None:
    assert number_text(value, form) == text


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_a_latency_is_never_zero_and_never_far_off(value: float) -> None:
    shown = float(number_text(value, "latency"))
    assert shown > 0
    assert shown == pytest.approx(value, rel=0.056)


def test_units_stand_behind_figures() -> None:
    assert DOCS_PER_S.say(31.2) == "31 docs/s"
    assert LATENCIES_MS[50].say(0.0341) == "0.034 ms"
    assert PARAMETERS.show(22_713_601) == "22.7M"


def test_p_values_are_never_zero() -> None:
    assert p_text(0.21) == "p = 0.210"
    assert p_text(0.0004) == "p < 0.001"
