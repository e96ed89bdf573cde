"""The sections of a report, and the page that they form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rerankbench.report.boards import boards
from rerankbench.report.bootstrap import bootstrapped
from rerankbench.report.page import page
from rerankbench.report.plots.plot import export
from rerankbench.report.sections.depth import depth_curves
from rerankbench.report.sections.environment import environments
from rerankbench.report.sections.intervals import intervals
from rerankbench.report.sections.latency import latencies
from rerankbench.report.sections.leaderboards import leaderboards
from rerankbench.report.sections.method import method
from rerankbench.report.sections.section import Section
from rerankbench.report.sections.slices import by_query_length
from rerankbench.report.sections.sources import sources, warnings
from rerankbench.report.sections.summary import summary
from rerankbench.report.sections.trade_offs import trade_offs
from rerankbench.results import derived, grouping
from rerankbench.results.record_set import RecordSet

TITLE = "Reranker report"


def sections(archive: RecordSet, *, metric: str | None = None) -> list[Section]:
    """The sections in reading order.

    `metric` replaces the records' own headline. Raises UsageError if no record has
    it or there are no records, InputError for a damaged file beside them.
    """
    chosen = None if metric is None else derived.choose_metric(archive.records, metric)
    records = grouping.in_order(archive.records)
    found = boards(records, chosen)
    means = [bootstrapped(board) for board in found]
    return [
        summary(found),
        leaderboards(found),
        trade_offs(found, means),
        intervals(found, means),
        latencies(found),
        depth_curves(archive, found),
        by_query_length(archive, found),
        method(),
        environments(records),
        warnings(records),
        sources(records),
    ]


def render(parts: Sequence[Section], *, title: str = TITLE) -> str:
    """The whole page, self-contained."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return page(
        "report.html",
        title,
        description="How good and how fast each reranker is, and how sure that is.",
        contents=[(part.identifier, part.title) for part in parts],
        script=script,
        parts=parts,
    )


def export_plots(parts: Sequence[Section], folder: Path) -> list[Path]:
    """Write every plot as SVG and as PNG; returns the paths."""
    return [path for part in parts for plot in part.plots for path in export(plot, folder)]
