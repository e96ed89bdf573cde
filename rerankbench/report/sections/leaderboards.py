"""The leaderboards themselves, as `rerankbench leaderboard` makes them."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.archive import Archive
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.report.boards import Board
from rerankbench.report.page import Html
from rerankbench.report.sections.section import Section, board_heading
from rerankbench.report.tables import tables_html


def leaderboards(boards: Sequence[Board]) -> Section:
    """For every board a table over its collections, where there are several, and one of each."""
    blocks: list[Html] = []
    for board in boards:
        blocks.append(board_heading(board))
        for name in ("wide", "plain") if len(board.tasks) > 1 else ("plain",):
            layout = load_layout(name).model_copy(update={"metric": board.metric})
            blocks.append(tables_html(build(Archive(board.records), layout)))
    return Section(identifier="leaderboards", title="Leaderboards", blocks=tuple(blocks))
