"""The notes below tables that show tests of significance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, TypeAlias

from rerankbench.leaderboard.columns.findings import Findings
from rerankbench.results.wording import spread

TestResult: TypeAlias = Literal["interval", "tiers", "ranks", "p"]


def significance_notes(
    findings: Findings, shown: AbstractSet[TestResult], baseline: str | None = None
) -> Iterator[str]:
    """How the letters, ranks, intervals and p values came about, as far as they are shown."""
    tested = list(findings.significance.values())
    if not tested:
        return
    if "interval" in shown:
        resamples = spread(task.resamples for task in tested)
        yield f"In parentheses: 95 % bootstrap intervals, {resamples} resamples of the queries."
    compared = [task for task in tested if task.pairs]
    tests = [task.tests for task in compared if task.tests]
    base = baseline or "the first stage's own order"
    if tests and "p" in shown:
        yield (
            f"p: paired randomisation test against {base}{_holm(tests)}; "
            "d: mean difference in its standard deviations."
        )
    names = {"tiers": "Letters", "ranks": "Ranks"}
    marks = [name for result, name in names.items() if result in shown]
    if compared and marks:
        shared = "; sharing a letter means not told apart at 5 %" if "tiers" in shown else ""
        yield (
            f"{' and '.join(marks).capitalize()}: paired randomisation tests of all pairs"
            f"{_holm([task.pairs for task in compared])}{shared}."
        )
    if compared:
        permutations = spread(task.permutations for task in compared)
        yield f"Tests are two-sided, {permutations} permutations, seed {compared[0].seed}."


def _holm(tests: Sequence[int]) -> str:
    """For how many tests of a collection p is adjusted; a single test needs no adjusting."""
    return f", Holm over {spread(tests)} tests" if max(tests) > 1 else ""
