"""`rerankbench judge`: a language model decides between rankings, in place of a metric."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.numbers import finite
from rerankbench.cli.usage import Paths

_Names = list[str] | None


def judge(
    url: Annotated[
        str, typer.Option(metavar="URL", help="OpenAI-compatible, such as https://host/v1.")
    ],
    judge_model: Annotated[str, typer.Option(metavar="NAME", help="What the service calls it.")],
    paths: Paths = None,
    api_key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable with the key.")
    ] = None,
    model: Annotated[
        _Names,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            help="A reranker to judge; repeatable. [default: all but oracle and random]",
        ),
    ] = None,
    top_k: Annotated[
        int,
        typer.Option("-k", "--top-k", metavar="N", min=1, help="Documents shown of each ranking."),
    ] = 10,
    snippet_chars: Annotated[
        int, typer.Option(metavar="N", min=1, help="Characters of each document.")
    ] = 300,
    queries: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="A seeded sample of so many queries a task."),
    ] = None,
    temperature: Annotated[
        str, typer.Option(metavar="X", help="A number, or 'default' for the service's own.")
    ] = "0",
    price_in: Annotated[
        float | None,
        typer.Option(metavar="X", min=0, callback=finite, help="USD for a million prompt tokens."),
    ] = None,
    price_out: Annotated[
        float | None,
        typer.Option(
            metavar="X", min=0, callback=finite, help="USD for a million completion tokens."
        ),
    ] = None,
    dataset: Annotated[
        _Names,
        typer.Option(
            "-d", "--dataset", metavar="COLLECTION", help="Where a collection lies; repeatable."
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Requests at once.")
    ] = 4,
    timeout_s: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.001,
            max=3600,
            callback=finite,
            help="Patience with one answer.",
        ),
    ] = 120,
    max_questions: Annotated[
        int, typer.Option(metavar="N", min=0, help="Refuse to ask more than so many.")
    ] = 5000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count questions and tokens; ask nothing.")
    ] = False,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown or json.",
            show_default="tables to read; markdown when piped",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say less.")] = False,
) -> None:
    """Have a language model say which of two rankings is better.

    Sends queries and documents to the service. Every pair is shown in both orders; if the
    answers disagree, it is a tie. Answers are stored, and nothing is asked twice.

    Example: rerankbench judge --url http://localhost:8000/v1 --judge-model M --dry-run
    """
    from rerankbench.console import Terminal
    from rerankbench.errors import UsageError
    from rerankbench.judge.command import JudgeOptions, run
    from rerankbench.judge.judging import Prices

    prices = (price_in, price_out)
    if prices != (None, None) and not all(
        price is not None and isfinite(price) for price in prices
    ):
        raise UsageError("a cost needs two finite prices; give --price-in and --price-out")
    options = JudgeOptions(
        paths=paths or [Path("results")],
        url=url,
        model=judge_model,
        key_variable=api_key_env,
        rerankers=model or [],
        top_k=top_k,
        snippet_chars=snippet_chars,
        queries=queries,
        temperature=_temperature(temperature),
        prices=Prices(prompt=price_in, completion=price_out),
        places=dataset or [],
        concurrency=concurrency,
        timeout_s=timeout_s,
        most_questions=max_questions,
        dry_run=dry_run,
        format_name=format_name,
    )
    typer.echo(run(options, Terminal(verbosity=-1 if quiet else 0)), nl=False)


def _temperature(text: str) -> float | None:
    from rerankbench.errors import UsageError

    if text == "default":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise UsageError(f"--temperature must be a number from 0 to 2, or default (given: {text})")
    return value
