"""`rerankbench card`: pages out of records on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rerankbench.results.store import Store, read_records

from ..compare.judged_suites import write_pair
from ..leaderboard.records import make_record
from .conftest import Command


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two models and the first stage on one collection."""
    store = Store(results=tmp_path / "results", suite="default")
    for name, family, value in (("a", "x", 0.8), ("b", "x", 0.4), ("bm25", "baseline", 0.5)):
        store.write_record(
            make_record(name, {"nDCG@10": [value, 0.5], "MAP": [0.5, 0.5]}, family=family)
        )
    return store.results


def test_a_card_is_printed_or_written(command: Command, results: Path, tmp_path: Path) -> None:
    done = command("card", "a", results)
    assert done.code == 0
    assert done.out.startswith("# a\n\n**Leaderboard rank: #1 of 2**")
    file = tmp_path / "card.html"
    done = command("card", "b", results, "--format", "html", "-o", file)
    assert (done.code, done.out) == (0, "")
    assert file.read_text().startswith("<!doctype html>")
    assert "written" in done.err


def test_all_cards_are_written_beside_their_list(
    command: Command, results: Path, tmp_path: Path
) -> None:
    done = command("card", "--all", results, "-o", tmp_path / "cards")
    assert done.code == 0
    names = {path.name for path in (tmp_path / "cards").iterdir()}
    assert names == {"index.md", "a.md", "b.md", "bm25.md"}
    assert "4 pages written" in done.err


def test_metric_and_margin_decide_the_games(command: Command, results: Path) -> None:
    ties = command("card", "a", results, "--metric", "MAP")
    assert "| Ties   |     4 | 100.0% |" in ties.out
    assert ties.out == command(
        "card", "a", results, "--metric", "MAP", "--tie-margin", 0.4
    ).out.replace(" by more than 0.4", "")
    assert "| Wins   |     1 |" in command("card", "a", results, "--tie-margin", 0.3).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["card"], "name a reranker, or add --all"),
        (["card", "--all"], "name a folder for them with -o"),
        (["card", "A1", "{results}"], "no rated reranker 'A1'"),
        (["card", "a", "{results}", "--metric", "nDCG@7"], "the records hold MAP, nDCG@10"),
        (["card", "a", "{results}/missing"], "missing"),
    ],
)
def test_mistakes_are_one_line(
    command: Command, results: Path, arguments: list[str], message: str
) -> None:
    done = command(*(each.format(results=results) for each in arguments))
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def judged(results: Path) -> Path:
    """The same, with answers of a judge that prefers b."""
    records = {each.cell.reranker.name: each for each in read_records([results])}
    for name in ("b", "bm25"):
        answers = {"q0": ("b", "b") if name == "b" else ("a", "a"), "q1": ("a", "b")}
        write_pair(results, records["a"], records[name], answers)  # type: ignore[arg-type]
    return results


def test_a_judge_decides_the_games(command: Command, judged: Path, tmp_path: Path) -> None:
    done = command("card", "b", judged, "--judge", "judge-1")
    assert (done.code, done.out.count("1W-0L-1T")) == (0, 1)
    assert done.out.startswith("# b\n\n**Leaderboard rank: #1 of 2**")
    assert "not judged by judge-1, so left out: b and bm25 on scifact." in done.out
    assert command("card", "--all", judged, "--judge", "judge-1", "-o", tmp_path / "c").code == 0
    assert "The judge judge-1 decided" in (tmp_path / "c" / "index.md").read_text()
    for arguments, message in (
        (("--judge", "juge-1"), "did you mean 'judge-1'?"),
        (("--judge", "judge-1", "--tie-margin", 0.1), "leave it out with --judge"),
    ):
        done = command("card", "b", judged, *arguments)
        assert (done.code, done.out) == (2, "")
        assert message in done.err


def test_a_judge_who_was_never_asked(command: Command, results: Path) -> None:
    done = command("card", "a", results, "--judge", "judge-1")
    assert done.code == 2
    assert "run `rerankbench judge` first" in " ".join(done.err.split())


def test_a_leaderboard_by_a_judge(command: Command, judged: Path) -> None:
    done = command("leaderboard", judged, "--layout", "ratings", "--judge", "judge-1")
    assert done.code == 0
    assert done.out.startswith("### Ratings by the judge judge-1, scifact\n")
    assert "8 answers on 4 games" in done.out
    for arguments, message in (
        (("--judge", "judge-1"), "--judge decides nothing in 'plain'"),
        (("--layout", "ratings", "--judge", "x"), "no judge 'x'"),
        (("--layout", "ratings", "--judge", "x", "--format", "json"), "--format json prints"),
        (("--judge", "x", "--against", "published"), "published figures have no games"),
    ):
        done = command("leaderboard", judged, *arguments)
        assert (done.code, done.out) == (2, "")
        assert message in " ".join(done.err.split())


def test_no_model_and_no_chart_library_is_imported_for_markdown(results: Path) -> None:
    script = (
        "import sys; from rerankbench import cli; "
        f"code = cli._run(['card', 'a', {str(results)!r}]); "
        "assert not {'torch', 'transformers', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
