"""The leaderboards, as `rerankbench leaderboard` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.leaderboard.significant import with_significance
from rerankbench.report.boards import Board
from rerankbench.report.sections.section import Section, board_heading
from rerankbench.results.record_set import RecordSet


def leaderboards(boards: Sequence[Board]) -> Section:
    """For every board a table over all its collections, if several, and one for each."""
    blocks: list[Markup] = []
    for board in boards:
        blocks.append(board_heading(board))
        archive = RecordSet(board.records)
        blocks += [fragment(build(archive, layout)) for layout in _layouts(board)]
    return Section(identifier="leaderboards", title="Leaderboards", blocks=tuple(blocks))


def _layouts(board: Board) -> Iterator[Layout]:
    """Notes that the tables of single collections share are given once, below the first table."""
    common = {"metric": board.metric, "notes": "all"}
    alone = common
    if len(board.tasks) > 1:
        yield load_layout("wide").model_copy(update=common)
        alone = {**common, "notes": "cautions"}
    plain = load_layout("plain").model_copy(update=alone)
    yield plain if board.metric is None else with_significance(plain)
