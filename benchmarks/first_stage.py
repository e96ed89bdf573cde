"""The BM25 first stage beside bm25s used bare and beside rank-bm25: seconds and memory.

Every system runs in a process of its own, on all cores, from the files of one BEIR folder to the
best 100 documents of each query. Bare bm25s gets what comes nearest to our analyser: words of any
length, Lucene's stop words, Porter's stemmer. Ours checks what it reads, keeps its index on disk
and reads that back, and answers with document ids; what that costs is part of the comparison.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common
from benchmarks.common import Spread
from rerankbench.collections.beir_folder import open_collection
from rerankbench.files.whole import cache_home
from rerankbench.firststage import analysis, bm25
from rerankbench.progress import Advance, Silent
from rerankbench.run import environment

DEPTH = 100
MOST_ADDED = 0.20
MOST_BYTES = 24 * common.GIB
LARGE = {"MS MARCO": 8_841_823, "BioASQ": 14_914_602}
COMPARED, QUERIES = 100_000, 500
SIZES = {
    "rerankbench": (250_000, 500_000, 1_000_000),
    "bm25s": (250_000,),
    "rank-bm25": (COMPARED,),
}

Figures = dict[str, Any]
Pairs = Mapping[str, Sequence[Figures]]
Far = Mapping[str, Figures]
Holds = Mapping[str, bool]


class _Stopwatch(Silent):
    """Notes when the last task began: with BM25 that is the search."""

    began_s = 0.0

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Look at the clock."""
        self.began_s = time.perf_counter()
        yield lambda done: None


def _import(*names: str) -> list[Any]:
    """Modules, loaded before the clock runs: that is the same for all."""
    return [importlib.import_module(name) for name in names]


def _ours(folder: Path) -> Figures:
    _import("bm25s", "Stemmer")
    collection, progress = open_collection(str(folder), "test"), _Stopwatch()
    queries = collection.queries()
    opened_s = time.perf_counter()
    # A run needs the hashes of a collection that it never saw, whatever the first stage.
    collection.hashes()
    hashed_s = time.perf_counter()
    bm25.create({}, cache_home()).retrieve(collection, queries, DEPTH, progress=progress)
    ended_s = time.perf_counter()
    return {
        "hash_s": hashed_s - opened_s,
        "build_s": progress.began_s - hashed_s,
        "search_s": ended_s - progress.began_s,
    }


def _read(path: Path) -> Iterator[str]:
    with path.open() as handle:
        for line in handle:
            entry = json.loads(line)
            yield f"{entry.get('title', '')} {entry['text']}".strip()


def _judged(folder: Path) -> list[str]:
    return [query.text for query in open_collection(str(folder), "test").queries()]


def _bare_bm25s(folder: Path) -> Figures:
    bm25s, stemmer = _import("bm25s", "Stemmer")
    tokens = partial(
        bm25s.tokenize,
        token_pattern=r"(?u)\b\w+\b",
        stopwords=list(analysis.STOP_WORDS),
        stemmer=stemmer.Stemmer("porter"),
        show_progress=False,
    )
    queries = _judged(folder)
    began_s = time.perf_counter()
    engine = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    engine.index(tokens(_read(folder / "corpus.jsonl")), show_progress=False)
    built_s = time.perf_counter()
    asked = tokens(queries, return_ids=False)
    engine.retrieve(asked, k=DEPTH, n_threads=-1, show_progress=False)
    return {"build_s": built_s - began_s, "search_s": time.perf_counter() - built_s}


def _bare_rank_bm25(folder: Path) -> Figures:
    (rank_bm25,) = _import("rank_bm25")
    analyzer, queries = analysis.LuceneEnglish(), _judged(folder)
    began_s = time.perf_counter()
    engine = rank_bm25.BM25Okapi([analyzer.terms(text) for text in _read(folder / "corpus.jsonl")])
    built_s = time.perf_counter()
    for query in queries:
        np.argsort(-engine.get_scores(analyzer.terms(query)))[:DEPTH]
    return {"build_s": built_s - began_s, "search_s": time.perf_counter() - built_s}


SYSTEMS = {"rerankbench": _ours, "bm25s": _bare_bm25s, "rank-bm25": _bare_rank_bm25}


def _measure(system: str, folder: Path) -> Figures:
    """Seconds and peak memory of one system in a process of its own, with empty caches."""
    with common.scratch() as cache:
        command = (sys.executable, "-m", "benchmarks.first_stage", "--alone", system, str(folder))
        found: Figures = json.loads(common.output(command, RERANKBENCH_HOME=str(cache)))
    return {**found, "whole_s": found["build_s"] + found["search_s"]}


def compare(folder: Path, repetitions: int) -> Pairs:
    """Ours and bare bm25s in turn."""
    runs = {name: partial(_measure, name, folder) for name in ("rerankbench", "bm25s")}
    return common.interleaved(runs, repetitions)


def grow(place: Path) -> list[Figures]:
    """Each system on more and more passages."""
    found = []
    for system, sizes in SIZES.items():
        for passages in sizes:
            folder = common.write_generated(place / str(passages), passages, QUERIES)
            common.terminal.note(f"{system}: {passages:,} passages")
            figures = _measure(system, folder)
            found.append({"system": system, "passages": passages, **figures})
    return found


def extrapolate(grown: Sequence[Figures], passages: int) -> Figures:
    """Our figures at another size: a fixed part and one for each passage, by least squares."""
    ours = [each for each in grown if each["system"] == "rerankbench"]
    sizes = [each["passages"] for each in ours]
    far = {"passages": float(passages)}
    for name in ("hash_s", "build_s", "search_s", "peak_bytes"):
        far[name] = float(
            np.polyval(np.polyfit(sizes, [each[name] for each in ours], 1), passages)
        )
    return far


def _ratio(runs: Pairs, part: str) -> Spread:
    ours, bare = ([each[part] for each in runs[who]] for who in ("rerankbench", "bm25s"))
    return common.ratios(ours, bare)


def _compared_table(compared: Mapping[str, Pairs]) -> str:
    rows = []
    for title, runs in compared.items():
        for name, part in (("build", "build_s"), ("search", "search_s"), ("both", "whole_s")):
            spreads = [Spread.of([each[part] for each in runs[who]]).show() for who in runs]
            rows.append((f"{title}: {name}", *spreads, _ratio(runs, part).show()))
        hashing = Spread.of([each["hash_s"] for each in runs["rerankbench"]]).show()
        rows.append((f"{title}: hashing, once", hashing, "", ""))
    return common.table(("seconds", "rerankbench", "bm25s bare", "ratio"), rows)


def _grown_table(grown: Sequence[Figures], far: Far) -> str:
    named = [(str(each["system"]), each) for each in grown]
    named += [(f"rerankbench, extrapolated to {title}", each) for title, each in far.items()]
    rows = [
        (
            name,
            f"{each['passages']:,.0f}",
            f"{each['hash_s']:.0f}" if "hash_s" in each else "",
            f"{each['build_s']:.0f}",
            f"{each['search_s']:.1f}",
            f"{each['peak_bytes'] / common.GIB:.2f}",
        )
        for name, each in named
    ]
    return common.table(("system", "passages", "hash s", "build s", "search s", "peak GiB"), rows)


def _text(compared: Mapping[str, Pairs], grown: Sequence[Figures], far: Far, holds: Holds) -> str:
    return f"""# The first stage

From the files of a BEIR folder to the best {DEPTH} documents of each query, on all cores, every
run in a process of its own: {COMPARED:,} generated passages with {QUERIES} queries, and SciFact.
Medians of interleaved runs, the range in parentheses. `bm25s` is used bare, with the same
stop words and stemmer; it keeps nothing on disk. Hashing is what a run needs to know a
collection again, whatever its first stage.

{_compared_table(compared)}

Build and search together less than {MOST_ADDED:.0%} over bm25s: {common.verdict(holds["time"])}.

{_grown_table(grown, far)}

One run each. `rank-bm25` (bare, our analyser) keeps a dictionary for every passage and is
shown at {SIZES["rank-bm25"][-1]:,} passages. Extrapolated: a fixed part and one for each passage,
fitted to our sizes. Under {MOST_BYTES / common.GIB:.0f} GiB at MS MARCO's size:
{common.verdict(holds["memory"])}."""


def main() -> None:
    """Measure, or be one of the systems that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--alone", nargs=2, metavar=("SYSTEM", "FOLDER"), help="one measurement")
    options = parser.parse_args()
    if options.alone:
        found = SYSTEMS[options.alone[0]](Path(options.alone[1]))
        sys.stdout.write(json.dumps({**found, "peak_bytes": environment.peak_memory_bytes()}))
        return
    with common.scratch() as place:
        generated = common.write_generated(place / str(COMPARED), COMPARED, QUERIES)
        compared = {"generated": compare(generated, options.repetitions)}
        scifact = (common.shared() or place) / "collections" / "scifact"
        if scifact.is_dir():
            # It takes a second, of which a disturbance is a large part.
            compared["SciFact"] = compare(scifact, 3 * options.repetitions)
        grown = grow(place)
    far = {title: extrapolate(grown, passages) for title, passages in LARGE.items()}
    added = {title: _ratio(runs, "whole_s") for title, runs in compared.items()}
    holds = {
        "time": all(spread.median - 1 < MOST_ADDED for spread in added.values()),
        "memory": far["MS MARCO"]["peak_bytes"] < MOST_BYTES,
    }
    raw = {"compared": compared, "ratios": added, "grown": grown, "far": far, "holds": holds}
    common.save("first-stage", raw, _text(compared, grown, far, holds))


if __name__ == "__main__":
    main()
