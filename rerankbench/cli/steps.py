"""`retrieve`, `rerank`, `evaluate`: single steps with TREC runs as input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.run import Names, first_stage_override

Dataset = Annotated[
    str,
    typer.Option(
        "-d", "--dataset", metavar="COLLECTION", help="BEIR folder, ir_datasets id, or demo."
    ),
]
Split = Annotated[str | None, typer.Option(metavar="NAME", help="Split of the collection.")]
Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="The TREC run to write.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say less.")]


def retrieve(
    dataset: Dataset,
    output: Output,
    first_stage: Annotated[
        str, typer.Option(metavar="NAME", help="bm25, rank-bm25 or run:FILE.trec.")
    ] = "bm25",
    first_stage_arg: Annotated[
        Names, typer.Option(metavar="KEY=VALUE", help="Such as k1=0.9; repeatable.")
    ] = None,
    top_k: Annotated[int, typer.Option("-k", "--top-k", metavar="N", min=1, help="Depth.")] = 1000,
    split: Split = None,
    quiet: Quiet = False,
) -> None:
    """Retrieve candidates for every judged query, as a TREC run.

    Example: rerankbench retrieve -d scifact/ -k 1000 -o scifact.bm25.trec
    """
    from rerankbench.run import command

    entry = first_stage_override(first_stage, first_stage_arg)
    command.retrieve(dataset, split, entry, top_k, output, verbosity=-1 if quiet else 0)


def rerank(
    dataset: Dataset,
    run: Annotated[Path, typer.Option("--run", metavar="FILE", help="The TREC run to rerank.")],
    model: Annotated[
        str, typer.Option("-m", "--model", metavar="MODEL", help="Hub id, folder or name.")
    ],
    output: Output,
    top_k: Annotated[
        int | None,
        typer.Option("-k", "--top-k", metavar="N", min=1, help="Depth. [default: the whole run]"),
    ] = None,
    split: Split = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N.")
    ] = "auto",
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="auto, float32, bfloat16, float16 or int8.")
    ] = "auto",
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, native, torch, compile, onnx or openvino.")
    ] = "auto",
    batch_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Padded tokens in one batch.")
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(metavar="N", min=8, help="Tokens of a pair; documents are cut to it."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Rerank a TREC run and write another, scores in full precision.

    Example: rerankbench rerank -d scifact/ --run bm25.trec -m MODEL -o out.trec
    """
    from rerankbench.run import command

    overrides = {
        "datasets": [{"id": dataset, "split": split}],
        "models": [model],
        "first_stages": [{"name": "run", "path": str(run)}],
        "top_k": top_k or command.deepest(run),
        "device": device,
        "dtype": dtype,
        "engine": engine,
        "batch_tokens": batch_tokens,
        "max_length": max_length,
    }
    command.rerank(overrides, output, verbosity=-1 if quiet else 0)


def evaluate(
    qrels: Annotated[
        Path, typer.Argument(metavar="QRELS", help="Judgments: BEIR's TSV or trec_eval's form.")
    ],
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A TREC run.")],
    metric: Annotated[
        Names,
        typer.Option(metavar="NAME", help="nDCG@10, MAP, ndcg_cut_10, AP, R@100…; repeatable."),
    ] = None,
    per_query: Annotated[
        bool, typer.Option("--per-query", help="Also print the values of every query.")
    ] = False,
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="text (as trec_eval prints) or json.")
    ] = "text",
) -> None:
    """Evaluate a TREC run as `trec_eval -c` does.

    Every judged query counts, with or without results.

    Example: rerankbench evaluate qrels/test.tsv run.trec --metric nDCG@10
    """
    from rerankbench.run import command

    command.evaluate(qrels, run, metric or ["nDCG@10"], per_query=per_query, form=format_name)
