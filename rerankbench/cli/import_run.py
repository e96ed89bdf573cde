"""`rerankbench import`: makes records of runs from other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.run import Names, first_stage_override
from rerankbench.cli.steps import Dataset, Quiet, Split


def import_run(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="TREC runs, or ranx's JSON.")],
    dataset: Dataset,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="What to call the one run.", show_default="as its file"
        ),
    ] = None,
    split: Split = None,
    first_stage: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="First stage of the runs: bm25 or run:FILE.trec."),
    ] = None,
    first_stage_arg: Annotated[
        Names, typer.Option(metavar="KEY=VALUE", help="Such as k1=0.9; repeatable.")
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            "-k", "--top-k", metavar="N", min=1, help="Depth.", show_default="the longest list"
        ),
    ] = None,
    metric: Annotated[
        Names, typer.Option(metavar="NAME", help="Additional metric; repeatable.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("-o", "--results", metavar="FOLDER", help="Folder. [default: results]"),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the records' folder.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make records of runs that another tool wrote.

    They stand beside measured ones in every table.

    Nothing is run: the records have quality, but no speed. With
    --first-stage they compare with rerankers of the same candidates.

    Example: rerankbench import colbert.trec -d scifact/ --first-stage bm25
    """
    from rerankbench.console import Terminal
    from rerankbench.files.whole import cache_home
    from rerankbench.interchange.imported import Importer, read_sources
    from rerankbench.results.store import Store
    from rerankbench.run import config as configs
    from rerankbench.run import environment, plan
    from rerankbench.run.command import only_group

    sources = read_sources(runs, name)
    overrides = {
        "datasets": [{"id": dataset, "split": split}],
        "models": ["bm25"],
        "first_stages": first_stage_override(first_stage, first_stage_arg),
        "top_k": top_k or max(source.depth for source in sources),
        "metrics": metric,
        "results": results,
        "suite": suite,
    }
    config = configs.load(None, overrides)
    machine = environment.inspect()
    planned = plan.make(config, machine, cuda=False, cache=cache_home())
    terminal = Terminal(verbosity=-1 if quiet else 0)
    importer = Importer(
        plan=planned,
        group=only_group(planned, terminal),
        store=Store(results=config.results, suite=config.suite),
        environment=machine,
        cache=cache_home(),
        progress=terminal,
        states_first_stage=overrides["first_stages"] is not None,
    )
    headline = importer.group.metrics[0].name
    for record in importer.run(sources):
        label = record.cell.reranker.name
        terminal.note(f"{label}: {headline} {record.mean(headline) or 0.0:.4f}")
        for warning in record.warnings:
            terminal.warn(f"{label}: {warning}")
    terminal.note(f"{len(sources)} records in {config.results / config.suite}")
