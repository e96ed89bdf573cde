"""`rerankbench run`: everything from collections to a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rerankbench.cli.numbers import finite

Names = list[str] | None


def run(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG", help="A YAML file. [default: the embedded demo]", show_default=False
        ),
    ] = None,
    dataset: Annotated[
        Names,
        typer.Option(
            "-d",
            "--dataset",
            metavar="COLLECTION",
            help="BEIR folder, ir_datasets id, demo; repeatable.",
        ),
    ] = None,
    model: Annotated[
        Names,
        typer.Option(
            "-m", "--model", metavar="MODEL", help="Hub id, folder, bm25, random…; repeatable."
        ),
    ] = None,
    name: Annotated[
        Names,
        typer.Option(metavar="NAME", help="Name of the row; with several -m once for each."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Split of the collections.")
    ] = None,
    first_stage: Annotated[
        str | None, typer.Option(metavar="NAME", help="bm25, rank-bm25 or run:FILE.trec.")
    ] = None,
    first_stage_arg: Annotated[
        Names, typer.Option(metavar="KEY=VALUE", help="Argument such as k1=0.9; repeatable.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option("-k", "--top-k", metavar="N", min=1, help="Depth. [default: 100]")
    ] = None,
    metric: Annotated[
        Names,
        typer.Option(
            metavar="NAME", help="Repeatable; the first is the headline. [default: nDCG@10]"
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N.")
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto, float32, bfloat16, float16 or int8."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto, native, torch, compile, onnx or openvino."),
    ] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Padded tokens in a batch.")
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(metavar="N", min=8, help="Longest pair in tokens; documents are cut to fit."),
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Run a seeded sample of N queries.")
    ] = None,
    always_include_positives: Annotated[
        bool,
        typer.Option(
            "--always-include-positives",
            help="Add relevant documents that the first stage missed: unrealistic.",
        ),
    ] = False,
    no_speed: Annotated[bool, typer.Option("--no-speed", help="Do not measure speed.")] = False,
    passes: Annotated[
        int | None, typer.Option(metavar="N", min=3, help="Timed passes. [default: 3]")
    ] = None,
    speed_budget: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", callback=finite, help="Seconds of measuring a cell. [default: 60]"
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("-o", "--results", metavar="FOLDER", help="Folder. [default: results]"),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the records' folder.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run finished cells again.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what is left to do, with time and cost; run nothing."
        ),
    ] = False,
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Format of --dry-run: text or json."),
    ] = None,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more.", show_default=False)
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say less.")] = False,
) -> None:
    """Rerank collections, measure quality and speed, show the table.

    Finished cells are saved in the results folder and not run again; repeat an
    interrupted command to continue where it stopped.

    Example: rerankbench run -d scifact/ -m cross-encoder/ms-marco-MiniLM-L6-v2
    """
    from rerankbench.errors import UsageError
    from rerankbench.leaderboard.publish import run_as_text
    from rerankbench.run.command import foresee, run_config

    overrides: dict[str, Any] = {
        "datasets": [{"id": dataset_id, "split": split} for dataset_id in dataset]
        if dataset
        else None,
        "models": named_models(model, name),
        "first_stages": first_stage_override(first_stage, first_stage_arg),
        "top_k": top_k,
        "metrics": metric,
        "device": device,
        "dtype": dtype,
        "engine": engine,
        "batch_tokens": batch_tokens,
        "max_length": max_length,
        "limit_queries": limit_queries,
        "always_include_positives": always_include_positives or None,
        "speed": {
            "enabled": False if no_speed else None,
            "passes": passes,
            "budget_s": speed_budget,
        },
        "results": results,
        "suite": suite,
    }
    verbosity = -1 if quiet else verbose
    if dry_run:
        foresee(config, overrides, format_name or "text", fresh=fresh, verbosity=verbosity)
    elif format_name is not None:
        raise UsageError("--format is for --dry-run; `rerankbench leaderboard` prints records")
    else:
        run_config(config, overrides, run_as_text, fresh=fresh, verbosity=verbosity)


def named_models(models: Names, names: Names) -> list[Any] | None:
    """The models with their rows' names, as a config writes them. Raises UsageError."""
    from rerankbench.errors import UsageError

    if not names:
        return models
    if len(names) != len(models or []):
        raise UsageError(
            f"--name was given {len(names)} times for {len(models or [])} models; name each -m "
            "once, in the same order"
        )
    return [
        {"model": model, "name": name} for model, name in zip(models or [], names, strict=True)
    ]


def first_stage_override(name: str | None, pairs: Names) -> list[dict[str, str]] | None:
    """The options in the form of a config; arguments without a name are for BM25."""
    from rerankbench.errors import UsageError

    if name is None and not pairs:
        return None
    arguments = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError(f"--first-stage-arg {pair}: expected KEY=VALUE, such as k1=0.9")
        arguments[key] = value
    if "name" in arguments:
        raise UsageError("--first-stage-arg name=…: name the first stage with --first-stage")
    return [{"name": name or "bm25", **arguments}]
