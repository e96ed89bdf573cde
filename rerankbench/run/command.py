"""What `run`, `retrieve`, `rerank` and `evaluate` do with their parsed options."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from rerankbench.console import Terminal
from rerankbench.errors import UsageError
from rerankbench.files.trec import format_run, read_qrels, read_run
from rerankbench.files.whole import cache_home, gzip_bytes, read_lines, write_whole
from rerankbench.known import metric_name
from rerankbench.progress import Progress
from rerankbench.registry import naming
from rerankbench.results.store import Store
from rerankbench.run import cells, environment, forecast_page, plan, quality
from rerankbench.run import config as configs
from rerankbench.run.candidates import stage_warnings
from rerankbench.run.config import RunConfig
from rerankbench.run.course import Course
from rerankbench.run.forecast import forecast
from rerankbench.run.given import NOTHING, Given
from rerankbench.run.past_speed import PastSpeeds
from rerankbench.run.pipeline import run
from rerankbench.run.speed import Instruments
from rerankbench.run.work import Work
from rerankbench.types import Ranking, Record


def run_config(
    path: Path | None,
    overrides: Mapping[str, Any],
    table: Callable[[Sequence[Record], Store, Sequence[str]], str],
    *,
    fresh: bool,
    verbosity: int,
) -> None:
    """Run what config and options describe, then print the `table` of those cells.

    Raises what `Report.raise_for_failures` does, after the table.
    """
    terminal = Terminal(verbosity=verbosity)
    config = _load(path, overrides)
    report = run(prepare(config, terminal, fresh=fresh))
    if report.records:
        store = Store(results=config.results, suite=config.suite)
        with terminal.task("making the table", None, ""):
            text = table(report.records, store, config.metrics)
        sys.stdout.write(text)
        folder = config.results / config.suite
        terminal.note(f"{len(report.records)} records in {folder}")
    report.raise_for_failures()


def foresee(
    path: Path | None, overrides: Mapping[str, Any], form: str, *, fresh: bool, verbosity: int
) -> None:
    """Print what `run_config` would do, as text or as JSON; no model is loaded."""
    if form not in ("text", "json"):
        raise UsageError(f"no format '{form}'; known: text, json")
    work = prepare(_load(path, overrides), Terminal(verbosity=verbosity), fresh=fresh)
    render = forecast_page.as_json if form == "json" else forecast_page.as_text
    typer.echo(render(forecast(work)), nl=False)


def _load(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """The config, or the demo's if nothing at all is named."""
    nothing_named = path is None and not overrides["datasets"] and not overrides["models"]
    return configs.load(configs.demo_path() if nothing_named else path, overrides)


def prepare(config: RunConfig, progress: Progress, *, fresh: bool, given: Given = NOTHING) -> Work:
    """What a config asks for on this machine, with every name checked and nothing done yet."""
    machine = environment.inspect()
    cuda = environment.cuda_is_likely()
    with progress.task("looking for collections and models", None, ""):
        planned = plan.make(config, machine, cuda=cuda, cache=cache_home(), given=given)
    return Work(
        plan=planned,
        store=Store(results=config.results, suite=config.suite),
        instruments=Instruments(
            machine_busy_s=environment.machine_busy_s,
            energy_j=environment.energy_j,
            reset_peak_memory=environment.reset_peak_memory,
            peak_memory_bytes=environment.peak_memory_bytes,
        ),
        progress=progress,
        course=Course(planned, progress, partial(PastSpeeds, config.results)),
        cache=cache_home(),
        fresh=fresh,
    )


def check(config: RunConfig) -> None:
    """Check every name of a config without any work. Raises ConfigError naming all mistakes."""
    machine = environment.inspect()
    plan.make(config, machine, cuda=environment.cuda_is_likely(), cache=cache_home())


def retrieve(
    dataset: str,
    split: str | None,
    first_stages: list[dict[str, str]] | None,
    top_k: int,
    output: Path,
    *,
    verbosity: int,
) -> None:
    """Write the first stage's rankings as a TREC run."""
    terminal = Terminal(verbosity=verbosity)
    overrides = {
        "datasets": [{"id": dataset, "split": split}],
        "models": ["bm25"],
        "first_stages": first_stages,
        "top_k": top_k,
    }
    work = prepare(configs.load(None, overrides), terminal, fresh=False)
    group = only_group(work.plan, terminal)
    rankings = cells.retrieve(work, group)
    for warning in (*group.collection.warnings(), *stage_warnings(group.first_stage)):
        terminal.warn(warning)
    write_whole(output, _run_bytes(output, rankings, group.first_stage_ref.name))
    hits = sum(len(ranking.hits) for ranking in rankings)
    terminal.note(f"{output}: {len(rankings)} queries, {hits} hits")


def deepest(run: Path) -> int:
    """The number of documents in a run's longest list. Raises InputError.

    Lines are only counted; they are checked when the run is read.
    """
    counts = Counter(line.split(maxsplit=1)[0] for _, line in read_lines(run))
    return max(counts.values(), default=1)


def rerank(overrides: Mapping[str, Any], output: Path, *, verbosity: int) -> None:
    """Write a reranked TREC run."""
    terminal = Terminal(verbosity=verbosity)
    work = prepare(configs.load(None, overrides), terminal, fresh=False)
    group = only_group(work.plan, terminal)
    cell = group.cells[-1]
    rankings = cells.rerank(work, group, cell)
    tag = cell.cell.reranker.name.replace("/", "_")
    write_whole(output, _run_bytes(output, rankings, tag))
    cells.forget(cell)
    terminal.note(f"{output}: {len(rankings)} queries reranked by {cell.cell.reranker.name}")


def only_group(planned: plan.Plan, progress: Progress) -> plan.Group:
    """The single group of a plan. Raises UsageError for a name of several collections."""
    if len(planned.groups) != 1:
        raise UsageError("that name stands for several collections; name one of them")
    with progress.task(f"reading {planned.groups[0].collection.name}", None, ""):
        return plan.open_group(planned, planned.groups[0])


def _run_bytes(path: Path, rankings: Sequence[Ranking], tag: str) -> bytes:
    text = format_run(rankings, tag)
    return gzip_bytes(text) if path.suffix == ".gz" else text.encode()


def evaluate(
    qrels_path: Path, run_path: Path, names: Sequence[str], *, per_query: bool, form: str
) -> None:
    """Print measures of a run in trec_eval's form, or as JSON."""
    if form not in ("text", "json"):
        raise UsageError(f"no format '{form}'; known: text, json")
    metrics = {name: naming.parse_metric(name) for name in names}
    qrels, rankings = read_qrels(qrels_path), read_run(run_path, warn=Terminal().warn)
    by_metric = quality.evaluate(qrels, rankings, list(metrics.values()))
    values = {name: by_metric[metric.name] for name, metric in metrics.items()}
    unanswered = quality.without_results(qrels, rankings)
    if unanswered:
        Terminal().warn(f"{unanswered} of {len(qrels)} judged queries have no results, score 0")
    for line in quality.cannot_score(qrels, map(metric_name.level, names)):
        Terminal().warn(line)
    text = quality.as_json if form == "json" else quality.as_trec_eval
    typer.echo(text(values, per_query=per_query))
