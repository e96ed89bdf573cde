"""The leaderboards themselves, as `rerankbench leaderboard` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.archive import Archive
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.significant import with_significance
from rerankbench.report.boards import Board
from rerankbench.report.page import Html
from rerankbench.report.sections.section import Section, board_heading
from rerankbench.report.tables import tables_html


def leaderboards(boards: Sequence[Board]) -> Section:
    """For every board a table over its collections, where there are several, and one of each."""
    blocks: list[Html] = []
    for board in boards:
        blocks.append(board_heading(board))
        archive = Archive(board.records)
        blocks += [tables_html(build(archive, layout)) for layout in _layouts(board)]
    return Section(identifier="leaderboards", title="Leaderboards", blocks=tuple(blocks))


def _layouts(board: Board) -> Iterator[Layout]:
    """The tables say which of their differences are real, wherever there is a metric at all."""
    metric = {"metric": board.metric}
    if len(board.tasks) > 1:
        yield load_layout("wide").model_copy(update=metric)
    plain = load_layout("plain").model_copy(update=metric)
    yield plain if board.metric is None else with_significance(plain)
