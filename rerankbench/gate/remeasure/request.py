"""What the user wants to run, and which options contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import UsageError

# A 95 % signed-rank interval needs this many.
FEWEST_ROUNDS = 6
DEFAULT_BUDGET_S = 10.0
_NEEDS_A_BASE = "a base to run: --rev REV or --base-python PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """The versions to run; None means the folder and the Python here.

    `config` is None for the demo, `rounds` if speed is not to be measured, `keep` if nothing
    of the run is to be kept. `budget_s` is seconds a cell and round.
    """

    rev: str | None = None
    new_rev: str | None = None
    base_python: Path | None = None
    new_python: Path | None = None
    install: str | None = None
    config: Path | None = None
    rounds: int | None = None
    budget_s: float | None = None
    keep: Path | None = None

    @property
    def runs(self) -> bool:
        """Whether anything is to be run: true if the base is something other than what is here."""
        return self.rev is not None or self.base_python is not None

    def refuse_contradictions(self, *, base: bool, new: bool, speed: bool) -> None:
        """Raise UsageError for options that contradict each other.

        `base` and `new` say whether records of that name were given, `speed` whether it counts.
        """
        if base != new:
            raise UsageError(f"name both BASE and NEW, or neither of them and {_NEEDS_A_BASE}")
        if not self.runs:
            self._refuse_what_only_runs_use()
            if not base:
                raise UsageError(f"name BASE and NEW, or {_NEEDS_A_BASE}")
        if self.runs and base and self.rounds is None:
            raise UsageError(
                "BASE and NEW exist already, so nothing would be run; "
                "add --remeasure 10, or leave them out"
            )
        if self.install is not None and self.rev is None and self.new_rev is None:
            raise UsageError("--install is for the environment of a revision; add --rev REV")
        self._refuse_useless_rounds(speed=speed)

    def _refuse_what_only_runs_use(self) -> None:
        options = {
            "--remeasure": self.rounds,
            "--new-rev": self.new_rev,
            "--new-python": self.new_python,
            "--config": self.config,
            "--install": self.install,
            "--keep": self.keep,
            "--speed-budget": self.budget_s,
        }
        for option, value in options.items():
            if value is not None:
                raise UsageError(f"{option} needs {_NEEDS_A_BASE}")

    def _refuse_useless_rounds(self, *, speed: bool) -> None:
        if self.rounds is None:
            if self.budget_s is not None:
                raise UsageError("--speed-budget is for measuring; add --remeasure 10")
            return
        if not speed:
            raise UsageError("--remeasure measures what --speed ignore ignores; leave one out")
        if self.rounds < FEWEST_ROUNDS:
            raise UsageError(
                f"--remeasure {self.rounds}: an interval of 95 % needs {FEWEST_ROUNDS} rounds "
                "at least; 10 are usual"
            )
        if self.budget_s is not None and self.budget_s <= 0:
            raise UsageError("--speed-budget: expected seconds above 0, such as 10")
