"""`rerankbench audit`: checks of published tables against their own figures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class AuditFormat(StrEnum):
    """The format of findings."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def audit(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files with tables: Markdown, tabs, CSV or HTML.", metavar="FILE"),
    ],
    output: Annotated[
        AuditFormat, typer.Option("--format", metavar="NAME", help="text, json or markdown.")
    ] = AuditFormat.TEXT,
) -> None:
    """Check published tables: averages, zeros, order, copied speeds.

    Exit code 1 if there are errors or warnings; notes alone are fine.

    Example: rerankbench audit README.md --format json
    """
    from rerankbench.audit import findings
    from rerankbench.audit.review import review

    audited = review(paths)
    write = {
        AuditFormat.TEXT: findings.as_text,
        AuditFormat.JSON: findings.as_json,
        AuditFormat.MARKDOWN: findings.as_markdown,
    }
    typer.echo(write[output](audited), nl=False)
    if not audited.is_clean:
        raise typer.Exit(1)
