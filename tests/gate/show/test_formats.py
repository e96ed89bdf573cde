"""A gate's formats: read back by other programs, and hostile names stay text."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as Xml

import pytest
from markdown_it import MarkdownIt

from rerankbench.errors import UsageError
from rerankbench.gate.limits import Limits
from rerankbench.gate.show import formats, terminal
from rerankbench.gate.verdict import Gate, compare

from ..records import record, timed

HOSTILE = 'a<script>|`%0A::error::x\x1b[31m,b:c"&'
BASE = [0.9, 0.8, 0.7, 0.9, 0.8, 0.6, 0.7, 0.9]


def _gate() -> Gate:
    """One of each: the same, failed, unclear, refused, missing, added; slower, and unclear."""
    base = [
        record(BASE, "same"),
        record(BASE, HOSTILE),
        record(BASE, "noisy"),
        record(BASE, "changed"),
        record(BASE, "lost"),
        timed(record(BASE, "slow"), [1.0] * 3, 1000),
    ]
    new = [
        record(BASE, "same"),
        record([value - 0.5 for value in BASE], HOSTILE),
        record([0.1, 1.0, 0.9, 0.6, 0.9, 0.7, 0.8, 0.8], "noisy"),
        record(BASE, "changed", first_stage_parameters={"k1": 2.0}),
        record(BASE, "more"),
        timed(record(BASE, "slow"), [1.5] * 3, 2000),
    ]
    return compare(base, new, Limits())


def test_json_holds_every_verdict() -> None:
    body = json.loads(formats.as_json(_gate()))
    assert body["conclusion"] == "failed"
    assert {each["name"].split(" · ")[-1]: each["outcome"] for each in body["quality"]} == {
        "same": "same",
        HOSTILE: "failed",
        "noisy": "unclear",
        "changed": "refused",
        "slow": "same",
    }
    assert [each["outcome"] for each in body["speed"]] == ["failed", "unclear"]
    assert [name.split(" · ")[-1] for name in (*body["missing"], *body["added"])] == [
        "lost",
        "more",
    ]
    failed = next(each for each in body["quality"] if each["outcome"] == "failed")
    assert len(failed["worst"]) == 8
    assert failed["worst"][0]["base"] - failed["worst"][0]["new"] == pytest.approx(0.5)


def test_junit_counts_what_a_ci_system_counts() -> None:
    suites = Xml.fromstring(formats.as_junit(_gate()))
    (suite,) = suites
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases) == 8
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure")) == 4
    assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped")) == 2
    failed = next(each for each in cases if "script" in each.attrib["classname"])
    assert 'a<script>|`%0A::error::x\ufffd[31m,b:c"&' in failed.attrib["classname"]
    assert "Worst queries:\n- q0 (0.900 → 0.400, -0.500)\n" in (failed.findtext("failure") or "")


def test_annotations_are_one_command_a_line_and_nothing_in_them_ends_it() -> None:
    lines = formats.as_github(_gate()).splitlines()
    levels = [line.split(" ", 1)[0] for line in lines]
    assert sorted(levels) == ["::error"] * 4 + ["::notice"] + ["::warning"] * 2
    hostile = next(line for line in lines if "script" in line)
    title, _, message = hostile.removeprefix("::error title=").partition("::")
    assert "%250A" in title
    assert ":" not in title
    assert "," not in title
    assert "%250A::error::x" in message


def test_markdown_shows_text_as_text() -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(formats.as_markdown(_gate()))
    assert "<script>" not in page
    assert "a&lt;script&gt;|`%0A::error::x" in page
    assert page.count("<table>") == 2
    assert "Gate failed. 5 cells compared." in page


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminals_form_fits_and_commands_nothing(width: int) -> None:
    text = terminal.render(_gate(), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "FAILED" in text
    coloured = terminal.render(_gate(), width=width, colours=True)
    assert "\x1b[" in coloured
    assert "\x1b[31m,b" not in coloured


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'junit'"):
        formats.render(_gate(), "junt")


@pytest.mark.parametrize("form", ["text", "markdown", "junit", "github", "json"])
def test_every_form_says_how_many_queries_it_takes(form: str) -> None:
    base = [record([1.0] * 6, "small"), record([1.0] * 6, "other")]
    new = [record([0.5] * 6, "small"), record([0.4] * 6, "other")]
    shown = " ".join(formats.render(compare(base, new, Limits()), form).split())
    assert "6 cannot make any drop significant; it takes 8" in shown
    assert "0.0000" not in shown
    if form in ("text", "markdown", "junit"):
        assert "with fewer than 8 queries no drop" in shown
        assert "1/2ⁿ, times 2 for Holm" in shown


def test_a_metrics_name_is_never_folded() -> None:
    name = "MRR(rel=2)@100"
    both = [
        replace(record([value, 0.5], "reranker-of-a-long-name"), per_query={name: {"a": value}})
        for value in (0.5, 0.4)
    ]
    limits = Limits(drops={name: 0.01})
    text = formats.render(compare(both[:1], both[1:], limits), "text")
    assert f"Quality: {name}\n" in text
    assert max(map(len, text.splitlines())) <= 80


def test_queries_enough_that_show_nothing_are_not_called_few() -> None:
    swapped = [0.8, 0.4] * 4
    gate = compare([record(swapped[:7])], [record(swapped[1:])], Limits())
    shown = " ".join(formats.render(gate, "text").split())
    assert "Detects nothing, though there are enough queries: " in shown
    assert "with fewer than" not in shown


def test_a_cell_that_is_not_tested_detects_neither_something_nor_nothing() -> None:
    shown = formats.render(compare([record([1.0] * 6)], [record([1.0] * 6)], Limits()), "markdown")
    assert "nothing |" not in shown
    assert "Detects nothing" not in shown
