"""`rerankbench doctor`: what is installed, and whether a model scores as intended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="Hub id or folder. [default: this machine alone]"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A config with settings for MODEL."),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N.")
    ] = "auto",
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="auto, float32, bfloat16 or float16.")
    ] = "float32",
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, native, torch, compile, onnx, openvino.")
    ] = "auto",
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="text or json.")
    ] = "text",
) -> None:
    """Show how a model is scored and check it.

    Without a model it says what this machine can run. Exit code 1 where a check fails.

    Example: rerankbench doctor cross-encoder/ms-marco-MiniLM-L6-v2
    """
    from rerankbench.doctor import command

    command.doctor(model, config, device, dtype, engine, form=format_name)
