"""`rerankbench leaderboard`: a table of records on stdout, or inside a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rerankbench.cli.usage import Paths

if TYPE_CHECKING:
    from rerankbench.leaderboard.options import LayoutChanges

DEFAULT_LAYOUT = "plain"


def leaderboard(
    paths: Paths = None,
    layout: Annotated[
        str,
        typer.Option(
            "--layout",
            metavar="NAME",
            help="plain, wide, ratings, honesty, hf-blog, beir-full, beir-older, "
            "celi-1 to celi-6, or FILE.yaml.",
        ),
    ] = DEFAULT_LAYOUT,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown, csv, latex, html, or json (every record as it is, whatever the "
            "layout).",
            show_default="a table to read; markdown when piped",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="NAME",
            help="published: show those figures beside ours, with the difference.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="A metric that the records hold; repeat for several, the first is the headline.",
        ),
    ] = None,
    average: Annotated[
        bool, typer.Option("--average", help="Add the mean over all collections (--layout wide).")
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAMES",
            help="Only these columns, such as metric,delta,docs_per_s,p90.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="NAME",
            help="Count Δ and p from this row.",
            show_default="the first stage's order",
        ),
    ] = None,
    notes: Annotated[
        str | None,
        typer.Option(
            "--notes",
            metavar="NAME",
            help="brief (six lines at most), all, cautions or none.",
            show_default="the layout's",
        ),
    ] = None,
    significance: Annotated[
        bool,
        typer.Option(
            "--significance",
            help="Show which differences are real: intervals, tier letters, rank ranges, p.",
        ),
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Decide games by this judge's stored answers (--layout ratings).",
        ),
    ] = None,
    inject_into: Annotated[
        Path | None,
        typer.Option(
            "--inject",
            metavar="FILE",
            help="Put the table between <!-- rerankbench:begin NAME --> and "
            "<!-- rerankbench:end NAME --> in this file.",
        ),
    ] = None,
    block: Annotated[
        str | None,
        typer.Option(
            "--block",
            metavar="NAME",
            help="Name of the block.",
            show_default="the layout's name",
        ),
    ] = None,
) -> None:
    """Make leaderboards from finished records; no model runs.

    Example: rerankbench leaderboard results --layout beir-full --inject README.md
    """
    # Imported here, so that `rerankbench --help` does not wait for pydantic.
    from rerankbench.errors import UsageError
    from rerankbench.leaderboard.against import publish_against
    from rerankbench.leaderboard.inject import inject
    from rerankbench.leaderboard.judge import with_judge
    from rerankbench.leaderboard.layout_file import load_layout
    from rerankbench.leaderboard.options import LayoutChanges, changed
    from rerankbench.leaderboard.publish import DEFAULT_FORMAT, publish, show
    from rerankbench.leaderboard.significant import with_significance
    from rerankbench.results.record_set import open_archive

    if inject_into is not None and format_name not in (None, DEFAULT_FORMAT):
        raise UsageError(f"--inject writes Markdown; leave out --format {format_name}")
    if block is not None and inject_into is None:
        raise UsageError("--block names a block in the file of --inject; add --inject FILE")
    _check_changes(format_name, against, significance=significance, judge=judge)
    changes = LayoutChanges(
        metrics=metric or (),
        average=average,
        columns=[name.strip() for name in columns.split(",") if name.strip()] if columns else (),
        baseline=baseline,
        notes=notes,
    )
    _check_format(format_name, changes)
    form = load_layout(layout)
    archive = open_archive(paths or [Path("results")])
    form = changed(form, changes, archive.records)
    form = with_significance(form) if significance else form
    form = form if judge is None else with_judge(form, judge)
    if inject_into is None and format_name is None and against is None:
        show(archive, form)
        return
    format_name = format_name or DEFAULT_FORMAT
    if against is None:
        text = publish(archive, form, format_name)
    else:
        text = publish_against(archive.records, form, format_name, against)
    if inject_into is None:
        typer.echo(text, nl=False)
        return
    is_new = inject(inject_into, block or form.name, text)
    typer.echo(f"{inject_into}: {'written' if is_new else 'already up to date'}", err=True)


def _check_changes(
    format_name: str | None, against: str | None, *, significance: bool, judge: str | None
) -> None:
    """Raise UsageError for options about tables if the output is not a table."""
    from rerankbench.errors import UsageError

    if significance and format_name == "json":
        raise UsageError("--significance marks tables; --format json prints records unchanged")
    if significance and against is not None:
        raise UsageError("published figures have no queries to test; leave out --significance")
    if judge is not None and format_name == "json":
        raise UsageError("--judge decides games; --format json prints records unchanged")
    if judge is not None and against is not None:
        raise UsageError("published figures have no games; leave out --judge")


def _check_format(format_name: str | None, changes: LayoutChanges) -> None:
    from rerankbench.errors import UsageError
    from rerankbench.leaderboard.options import LayoutChanges

    if format_name == "json" and changes != LayoutChanges():
        raise UsageError(
            "--metric, --average, --columns, --baseline and --notes change tables; --format json "
            "holds records as they are"
        )
