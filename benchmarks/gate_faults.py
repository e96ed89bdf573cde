"""Real faults on SciFact: each is put into a copy of a model, a collection or the program.

The base is run once; then every fault, and every change that is none, is run on all queries and
held against it with `rerankbench gate` at its default margin, whose exit code is reported.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import common, faults
from rerankbench.gate.limits import DEFAULT_DROP
from rerankbench.gate.show import words

FAILED = 3
METRIC = "nDCG@10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A changed copy of the model, a fault in the code, or other options of the command."""

    name: str
    model: Callable[[Path], None] | None = None
    code: str | None = None
    options: tuple[str, ...] = ()
    untitled: bool = False
    searches_anew: bool = False


HARMLESS = (
    Case(name="the same again"),
    Case(name="torch in place of the native engine", options=("--engine", "torch")),
    Case(name="batches of 4,096 tokens", options=("--batch-tokens", "4096")),
    Case(name="float32 in place of bfloat16", options=("--dtype", "float32")),
    Case(name="two labels in place of one", model=faults.use_two_labels),
    Case(name="left padding asked for by the tokeniser", model=faults.ask_for_left_padding),
    Case(name="two sigmoids in float32", code="sigmoids-float32"),
)
HARMFUL = (
    Case(name="tokeniser: capitals kept", model=faults.keep_capitals),
    Case(name="tokeniser: every id one too high", model=faults.move_vocabulary),
    Case(name="label index swapped", model=partial(faults.use_two_labels, swapped=True)),
    Case(name="two sigmoids in bfloat16", code="sigmoids"),
    Case(name="title lost by the model", code="titles"),
    Case(name="title lost by search and model", code="titles", searches_anew=True),
    Case(name="title lost in a copy of the collection", untitled=True),
    Case(name="queries cut to three words", code="queries"),
    Case(
        name="left padding of a model that reads its first place",
        code="padding",
        options=("--engine", "torch"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the gate said of the model's cell, and how the command ended."""

    name: str
    base: float | None
    new: float | None
    difference: float | None
    lower_bound: float | None
    p: float | None
    outcome: str
    why: str
    exit_code: int

    @property
    def row(self) -> list[str]:
        """The table's cells."""
        new = "" if self.new is None else f"{self.new:.4f}"
        differences = (self.difference, self.lower_bound)
        shown = [new, *("" if each is None else f"{each:+.4f}" for each in differences)]
        p = words.probability(self.p).text
        return [self.name, *shown, p, f"{self.outcome}: {self.why}", str(self.exit_code)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where everything of this benchmark lies, and what is run."""

    folder: Path
    collection: Path
    model: Path

    def run(self, case: Case, results: Path) -> None:
        """Run the case on all queries; what earlier cases retrieved is found again."""
        model = self.model
        if case.model is not None:
            model = faults.copy_model(self.model, results.with_suffix(".model"))
            case.model(model)
        collection = self.collection
        if case.untitled:
            collection = write_untitled(results.with_suffix(".collection"), self.collection)
        home = results.with_suffix(".home") if case.searches_anew else self.folder / "home"
        program = ("rerankbench",) if case.code is None else ("benchmarks.faults", case.code)
        job = ("run", "-q", "--no-speed", "-d", str(collection), "-m", str(model))
        common.output(
            (sys.executable, "-m", *program, *job, "-o", str(results), *case.options),
            RERANKBENCH_HOME=str(home),
        )

    def gate(self, case: Case, base: Path, results: Path) -> Found:
        """What the command says of the case."""
        command = (common.COMMAND, "gate", str(base), str(results), "--speed", "ignore")
        done = subprocess.run(
            (*command, "--format", "json"), capture_output=True, text=True, check=False
        )
        verdicts = json.loads(done.stdout)["quality"]
        found: dict[str, Any] = next(
            each for each in verdicts if each["name"].endswith(f" {self.model.name}")
        )
        names = ("base", "new", "difference", "lower_bound", "p")
        figures = {name: found[name] for name in names}
        said = {name: found[name] for name in ("outcome", "why")}
        return Found(name=case.name, exit_code=done.returncode, **figures, **said)


def write_untitled(folder: Path, source: Path) -> Path:
    """A copy of the collection under its own name, whose documents have no titles."""
    copy = folder / source.name
    copy.mkdir(parents=True)
    for name in ("queries.jsonl", "qrels"):
        (copy / name).symlink_to(source / name)
    with (source / "corpus.jsonl").open() as lines, (copy / "corpus.jsonl").open("w") as written:
        for line in lines:
            written.write(json.dumps({**json.loads(line), "title": ""}) + "\n")
    return copy


def main() -> None:
    """Run and gate every case, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tiny-l2-h128-ce", help="below the shared models")
    parser.add_argument("--only", metavar="TEXT", help="cases whose name has it; writes nothing")
    options = parser.parse_args()
    shared = common.shared()
    if shared is None:
        parser.exit(2, "needs SciFact and a model below $RERANKBENCH_SHARED\n")
    cases = [each for each in (*HARMLESS, *HARMFUL) if (options.only or "") in each.name]
    with common.scratch() as folder:
        place = Place(
            folder=folder,
            collection=shared / "collections" / "scifact",
            model=shared / "models" / options.model,
        )
        common.terminal.note("base")
        base = folder / "base"
        place.run(Case(name="base"), base)
        found = {}
        for number, case in enumerate(cases, 1):
            results = folder / f"case-{number}"
            place.run(case, results)
            found[case.name] = place.gate(case, base, results)
            common.terminal.note(f"{number} of {len(cases)}: {' · '.join(found[case.name].row)}")
    if options.only is None:
        report(options.model, found)


def report(model: str, found: dict[str, Found]) -> None:
    """Write what was found, and whether the targets hold."""
    harmless = [found[case.name] for case in HARMLESS]
    harmful = [found[case.name] for case in HARMFUL]
    caught = all(each.exit_code == FAILED for each in harmful)
    quiet = all(each.exit_code == 0 for each in harmless)
    text = f"""# Faults and the gate

`{model}` on SciFact: 300 queries, 100 documents of BM25 each, {METRIC} {harmless[0].base:.4f}
before the change. `rerankbench gate --speed ignore` at its default margin of {DEFAULT_DROP}.

## Faults

{_table(harmful)}

Each ends with exit code {FAILED}: {common.verdict(caught)}.

## Changes that are none

{_table(harmless)}

None ends with exit code {FAILED}: {common.verdict(quiet)}."""
    raw = {
        "model": model,
        "margin": DEFAULT_DROP,
        "harmful": harmful,
        "harmless": harmless,
        "verdicts": {"caught": common.verdict(caught), "quiet": common.verdict(quiet)},
    }
    common.save("gate-faults", raw, text, page=common.GATE_PAGE)


def _table(found: Sequence[Found]) -> str:
    heads = ("change", "after", "difference", "95 % bound", "p", "verdict", "exit code")
    return common.table(heads, [each.row for each in found])


if __name__ == "__main__":
    main()
