"""What the benchmarks share: made collections, interleaved runs, ratios, results on disk."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from rerankbench.console import Terminal
from rerankbench.firststage.analysis import STOP_WORDS
from rerankbench.leaderboard.inject import inject
from rerankbench.run import environment

RESULTS = Path(__file__).parent / "results"
GATE_PAGE = Path(__file__).parent.parent / "docs" / "gate-evidence.md"
COMMAND = str(Path(sys.executable).with_name("rerankbench"))
GIB = 2**30

Figure = TypeVar("Figure")
terminal = Terminal()

# Generated passages follow Zipf's law over a million words and are as long as MS MARCO's; the
# commonest words are Lucene's stop words.
_VOCABULARY = 1_000_000
_WORDS, _WORDS_SD = 56, 20
_QUERY_WORDS = 6
_AT_ONCE = 50_000
_SEED = 20_261_121


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of some figures, between the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """The spread of at least one figure."""
        return cls(median=median(figures), low=min(figures), high=max(figures))

    def show(self, form: str = ".2f") -> str:
        """Such as `1.08 (1.05 to 1.12)`."""
        low, high = format(self.low, form), format(self.high, form)
        return f"{format(self.median, form)} ({low} to {high})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Spread of ours ÷ theirs, repetition by repetition: what disturbs one disturbs its pair."""
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])


def interleaved(
    runs: Mapping[str, Callable[[], Figure]], repetitions: int
) -> dict[str, list[Figure]]:
    """Every run so many times, in rounds; each round has an order of its own (seeded)."""
    found: dict[str, list[Figure]] = {name: [] for name in runs}
    shuffled = random.Random(repetitions)
    for number in range(repetitions):
        for name in shuffled.sample(sorted(runs), len(runs)):
            terminal.note(f"round {number + 1} of {repetitions}: {name}")
            found[name].append(runs[name]())
    return found


def shared() -> Path | None:
    """Where larger collections and models lie (`$RERANKBENCH_SHARED`), if there is one."""
    folder = Path(os.environ.get("RERANKBENCH_SHARED", "../shared"))
    return folder.absolute() if folder.is_dir() else None


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards; collections that must not be kept are written there."""
    with TemporaryDirectory(prefix="rerankbench-benchmark-") as name:
        yield Path(name)


def wall_s(command: Sequence[str], **variables: str) -> float:
    """Seconds from a process's start to its end, with these environment variables besides."""
    began_s = time.perf_counter()
    output(command, **variables)
    return time.perf_counter() - began_s


def output(command: Sequence[str], **variables: str) -> str:
    """What a process prints. Raises RuntimeError with its complaints where it fails."""
    whole = {**os.environ, **variables}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _word(rank: int) -> str:
    """A speakable word, short for frequent ranks."""
    if rank < len(STOP_WORDS):
        return sorted(STOP_WORDS)[rank]
    word, rest = "", rank + 500
    while rest:
        rest, syllable = divmod(rest, 95)
        word += "bcdfghklmnprstvwxyz"[syllable // 5] + "aeiou"[syllable % 5]
    return word + "n"


def write_generated(folder: Path, passages: int, queries: int) -> Path:
    """A BEIR folder that depends on the seed alone; a larger one begins with the smaller."""
    if folder.exists():
        return folder
    draw = np.random.default_rng(_SEED)
    words = np.array([_word(rank) for rank in range(_VOCABULARY)], dtype=object)
    until = np.cumsum(1 / np.arange(1, _VOCABULARY + 1))
    until /= until[-1]
    (folder / "qrels").mkdir(parents=True)
    with (folder / "queries.jsonl").open("w") as handle:
        for number in range(queries):
            # What people ask for is neither the commonest nor the rarest.
            ranks = np.exp(draw.uniform(np.log(50), np.log(100_000), _QUERY_WORDS)).astype(int)
            handle.write(json.dumps({"_id": f"q{number}", "text": " ".join(words[ranks])}) + "\n")
    judged = (f"q{number}\t0\t1\n" for number in range(queries))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    with (folder / "corpus.jsonl").open("w") as handle:
        for start in range(0, passages, _AT_ONCE):
            lengths = draw.normal(_WORDS, _WORDS_SD, _AT_ONCE).clip(10, 200).astype(int)
            text = words[np.searchsorted(until, draw.random(lengths.sum()))]
            ends = np.cumsum(lengths)[: passages - start]
            for number, end in enumerate(ends):
                passage = " ".join(text[end - lengths[number] : end])
                entry = {"_id": str(start + number), "title": "", "text": passage}
                handle.write(json.dumps(entry) + "\n")
    return folder


def verdict(holds: bool) -> str:
    """How a target is reported."""
    return "holds" if holds else "missed"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column reads from the left, figures from the right."""
    marks = [":--", *("--:" for _ in heads[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, marks, *rows))


def save(name: str, figures: Mapping[str, Any], text: str, *, page: Path | None = None) -> None:
    """Write `results/NAME.json` (with the environment) and `results/NAME.md`.

    A page in `docs/` that shows the latter has a block of that name for it.
    """
    here = environment.inspect()
    RESULTS.mkdir(exist_ok=True)
    raw = {"benchmark": name, "environment": asdict(here), **figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(raw, indent=1, default=asdict) + "\n")
    machine = f"{here.cpu}, {here.cores} cores, {here.memory_bytes / GIB:.0f} GiB; {here.system}"
    commit = f"rerankbench {here.packages['rerankbench']} ({here.git_sha})"
    footing = f"{machine}; Python {here.python}; {commit}."
    whole = f"{text.strip()}\n\n{footing}\n"
    (RESULTS / f"{name}.md").write_text(whole)
    if page is not None:
        inject(page, name, whole.partition("\n")[2].replace("\n## ", "\n### "))
    terminal.note(f"{RESULTS / name}.md")
