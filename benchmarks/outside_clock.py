"""The reported docs/sec beside a clock outside of the process.

`rerankbench rerank` runs on a few queries and on many, and the whole process is timed: the extra
documents by the extra seconds are the speed without starting up and loading. `rerankbench run`
then reports its docs/sec for just those extra queries. All three take turns; a round in which
other processes kept the machine busy is shown and does not count. Batches of the larger job mix
the few queries with the extra ones, which the reported speed cannot know.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import common
from benchmarks.common import COMMAND
from rerankbench.run.environment import machine_busy_s
from rerankbench.run.speed import FOREIGN_LOAD_LIMIT

MOST_APART = 0.05
DEPTH = 100
_SEED = 7
# Enough for all queries in every pass: the sample must not be cut.
_BUDGET_S = 900


def write_subset(folder: Path, source: Path, query_ids: Sequence[str]) -> Path:
    """A BEIR folder with these queries alone, over the same corpus."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").symlink_to(source / "corpus.jsonl")
    chosen = set(query_ids)
    lines = (source / "queries.jsonl").read_text().splitlines(keepends=True)
    kept = (line for line in lines if json.loads(line)["_id"] in chosen)
    (folder / "queries.jsonl").write_text("".join(kept))
    head, *judged = (source / "qrels" / "test.tsv").read_text().splitlines(keepends=True)
    kept = (line for line in judged if line.split("\t")[0] in chosen)
    (folder / "qrels" / "test.tsv").write_text("".join((head, *kept)))
    return folder


def hits(run: Path) -> dict[str, int]:
    """Query ids of a TREC run with the number of their documents, at most `DEPTH`."""
    counts: dict[str, int] = {}
    for line in run.read_text().splitlines():
        query_id = line.split()[0]
        counts[query_id] = min(DEPTH, counts.get(query_id, 0) + 1)
    return counts


def rerank_s(collection: Path, run: Path, model: Path, place: Path) -> float:
    """Seconds of a whole `rerankbench rerank`, from its start to its end."""
    job = ("rerank", "-q", "-d", str(collection), "--run", str(run), "-k", str(DEPTH))
    into = ("-m", str(model), "-o", str(place / "out.trec"))
    return common.wall_s((COMMAND, *job, *into), RERANKBENCH_HOME=str(place / "home"))


def reported_docs_per_s(collection: Path, run: Path, model: Path, place: Path) -> float:
    """What `rerankbench run` reports of the same model on a collection."""
    results, home = str(place / "results"), {"RERANKBENCH_HOME": str(place / "home")}
    job = ("run", "-q", "-d", str(collection), "--first-stage", f"run:{run}", "-k", str(DEPTH))
    into = ("-m", str(model), "-o", results, "--fresh")
    common.output((COMMAND, *job, *into, "--speed-budget", str(_BUDGET_S)), **home)
    rows = json.loads(common.output((COMMAND, "leaderboard", results, "--format", "json")))
    found: list[float] = [row["docs_per_s"] for row in rows if row["docs_per_s"] is not None]
    return found[0]


def watched(work: Callable[[], float]) -> tuple[float, float]:
    """What `work` gives, and how many cores processes other than its own kept busy meanwhile."""
    began_s, busy_s, own_s = time.perf_counter(), machine_busy_s() or 0.0, _children_s()
    found = work()
    busy_s, own_s = (machine_busy_s() or 0.0) - busy_s, _children_s() - own_s
    return found, max(0.0, busy_s - own_s) / (time.perf_counter() - began_s)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tiny-l2-h128-ce", help="below the shared models")
    parser.add_argument("--few", type=int, default=4, metavar="QUERIES")
    parser.add_argument("--extra", type=int, default=64, metavar="QUERIES")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    place = common.shared()
    if place is None:
        parser.exit(2, "needs SciFact and a model below $RERANKBENCH_SHARED\n")
    source, model = place / "collections" / "scifact", place / "models" / options.model
    run = place / "reference" / "scifact.bm25.top100.trec"
    counts = hits(run)
    chosen = random.Random(_SEED).sample(sorted(counts), options.few + options.extra)
    extra = chosen[options.few :]
    with common.scratch() as folder:
        few = write_subset(folder / "few", source, chosen[: options.few])
        many = write_subset(folder / "many", source, chosen)
        added = write_subset(folder / "added", source, extra)
        works = {
            "few": partial(rerank_s, few, run, model, folder),
            "many": partial(rerank_s, many, run, model, folder),
            "reported": partial(reported_docs_per_s, added, run, model, folder),
        }
        runs = {name: partial(watched, work) for name, work in works.items()}
        rounds = common.interleaved(runs, options.repetitions)
    report(options.model, rounds, sum(counts[query_id] for query_id in extra), len(extra))


def report(
    model: str, rounds: Mapping[str, Sequence[tuple[float, float]]], docs: int, queries: int
) -> None:
    """Write what was found."""
    few, many, said = (
        [value for value, _ in rounds[name]] for name in ("few", "many", "reported")
    )
    loads = [max(load for _, load in one) for one in zip(*rounds.values(), strict=True)]
    slopes = [docs / (many_s - few_s) for many_s, few_s in zip(many, few, strict=True)]
    lines = [
        [str(number), f"{own:.1f}", f"{outside:.1f}", f"{own / outside:.3f}", f"{load:.2f}"]
        for number, (own, outside, load) in enumerate(zip(said, slopes, loads, strict=True), 1)
    ]
    counted = [number for number, load in enumerate(loads) if load <= FOREIGN_LOAD_LIMIT]
    apart = None
    verdict = "undecided: every round was disturbed"
    if counted:
        apart = common.ratios([said[at] for at in counted], [slopes[at] for at in counted])
        verdict = common.verdict(abs(apart.median - 1) <= MOST_APART)
    shown = f": {apart.show('.3f')}" if apart else ""
    text = f"""# The clock

`{model}` on {docs:,} documents of {queries} SciFact queries: what `rerankbench run` reports, and
what a clock outside says of `rerankbench rerank` (the whole process, with and without these
documents).

{common.table(("round", "reported docs/s", "outside docs/s", "ratio", "busy cores"), lines)}

The last column is what other processes kept busy; only rounds below {FOREIGN_LOAD_LIMIT} count.
Median ratio of those {len(counted)}, the range in parentheses{shown}. Within {MOST_APART:.0%}:
{verdict}."""
    raw = {"model": model, "docs": docs, "rounds": rounds, "outside_docs_per_s": slopes}
    found = {"foreign_load": loads, "reported_by_outside": apart, "verdict": verdict}
    common.save("outside-clock", {**raw, **found}, text)


if __name__ == "__main__":
    main()
