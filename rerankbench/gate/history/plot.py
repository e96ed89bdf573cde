"""Histories as a picture in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rerankbench.errors import UsageError
from rerankbench.files.whole import write_whole
from rerankbench.gate.history.commits import Commit
from rerankbench.gate.history.figure import HistoryFigure
from rerankbench.gate.history.series import CellHistory

_KINDS = (".svg", ".png")


def check(path: Path) -> None:
    """Raises UsageError for a file of another kind, before anything is read."""
    if path.suffix not in _KINDS:
        raise UsageError(f"--plot {path}: name a file that ends in .svg or .png")


def save(
    histories: Sequence[CellHistory], commits: Sequence[Commit], figure: HistoryFigure, path: Path
) -> None:
    """Write the picture. Raises UsageError where there are more lines than can be told apart."""
    from matplotlib.figure import Figure

    from rerankbench.report.plots.history import MOST, HistoryLine, HistoryPanel, draw
    from rerankbench.report.plots.look import WIDE, Size
    from rerankbench.report.plots.svg import png_file, svg_file

    place = {commit.sha: at for at, commit in enumerate(commits)}
    groups: dict[str, list[HistoryLine]] = {}
    for history in histories:
        task = str(history.name).removesuffix(f" · {history.name.reranker}")
        points = [(place[step.commit.sha], step.value, step.changed) for step in history.steps]
        line = HistoryLine(name=history.name.reranker, points=tuple(points))
        groups.setdefault(task, []).append(line)
    names = {history.name.reranker for history in histories}
    if len(names) > MOST:
        raise UsageError(f"{len(names)} lines cannot be told apart; name some with --model")
    panels = [
        HistoryPanel(title=f"{task}: {figure.head}", lines=tuple(lines))
        for task, lines in groups.items()
    ]
    labels = [f"{commit.short}\n{commit.date}" for commit in commits]

    def drawn(size: Size) -> Figure:
        return draw(panels, labels, size)

    as_file = svg_file if path.suffix == ".svg" else png_file
    write_whole(path, as_file(drawn, WIDE, "history"))
