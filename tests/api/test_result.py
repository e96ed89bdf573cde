"""A result compared and shown: the same figures as the commands, and nothing unescaped."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import rerankbench
from rerankbench.errors import InputError, UsageError

from .conftest import command, rows


def _first_words(query: str, documents: list[str]) -> list[float]:
    return [
        -float(text.split()[0] not in query) - place / 100 for place, text in enumerate(documents)
    ]


def test_compare_is_what_the_command_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = rerankbench.run(folder, {"words": _first_words}, output="kept")
    capsys.readouterr()
    command("compare", "bm25", "words", "kept", "--metric", "MAP", "--format", "json")
    (theirs,) = json.loads(capsys.readouterr().out)["comparisons"]
    (ours,) = rows(result.compare("bm25", "words", "MAP"))
    assert (ours.pop("metric"), ours.pop("reranker_a"), ours.pop("reranker_b")) == (
        *("MAP", "bm25", "words"),
    )
    interval = [ours.pop("interval_low"), ours.pop("interval_high")]
    assert {**ours, "interval": interval} == {key: theirs[key] for key in (*ours, "interval")}
    assert theirs["difference"] != 0


def test_compare_takes_names_and_metrics_that_there_are(folder: Path) -> None:
    result = rerankbench.run(folder, {"words": _first_words}, metrics="MRR@10")
    assert list(result.compare("bm25", "words")["metric"]) == ["MRR@10"]
    with pytest.raises(UsageError, match="no reranker 'word' in these records; did you mean"):
        result.compare("bm25", "word")
    with pytest.raises(UsageError, match="no metric 'nDCG@7' in all of these records"):
        result.compare("bm25", "words", "nDCG@7")


class _Reader(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts += data


def test_a_notebook_shows_the_table_with_its_notes_and_runs_nothing(folder: Path) -> None:
    name = "<script>alert(1)</script> & _co_"
    result = rerankbench.run(folder, {name: lambda q, d: [1.0] * len(d)})
    reader = _Reader()
    reader.feed(result._repr_html_())
    assert {"table", "ul"} <= reader.tags
    assert not {"script", "style", "img"} & reader.tags
    assert name in reader.texts
    assert "neighbouring scores tie" in reader.texts  # A note below the table.
    for value in result.leaderboard()["nDCG@10"]:
        assert f"{value:.3f}" in reader.texts
    markdown = result._repr_markdown_()
    assert "<script" not in markdown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in markdown
    assert str(result) == markdown
    assert repr(result) == f"<RunResult of bm25, {name} on small>"


def test_a_notebook_shows_every_metric_that_was_asked_for(folder: Path) -> None:
    result = rerankbench.run(folder, {"words": _first_words}, metrics=["MAP", "Recall@5"])
    heads = next(line for line in str(result).splitlines() if line.startswith("| Reranker"))
    assert [head.strip() for head in heads.strip("|").split("|")][1:4] == ["MAP", "Δ", "Recall@5"]


def test_a_run_file_that_is_another_machines_is_told(folder: Path) -> None:
    result = rerankbench.run(folder, {"words": _first_words}, output="kept")
    for path in Path("kept").rglob("runs/*"):
        path.write_text("q0 Q0 d0 1 0.5 other\n")
    with pytest.raises(InputError, match=r"is not what '.*' was measured with; run again with"):
        rerankbench.run(folder, {"words": _first_words}, output="kept")
        result.rankings()


def test_metrics_stand_in_the_order_they_were_asked_for(folder: Path) -> None:
    board = rerankbench.run(folder, "random", metrics=["recip_rank", "P@3"]).leaderboard()
    names = list(board.columns)
    assert names[names.index("reranker") + 1 : names.index("docs_per_s")] == ["MRR", "P@3"]
    assert re.fullmatch(r"0\.\d+|1\.0", str(board["MRR"][0]))
