"""The command: records in, a table on stdout or inside a document."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from rerankbench.cli.leaderboard import DEFAULT_LAYOUT, leaderboard
from rerankbench.errors import ConfigError, InputError, UsageError
from rerankbench.leaderboard.layout_file import DEFAULT, names
from rerankbench.leaderboard.renderers import names as formats
from rerankbench.results.store import SCHEMA, dump_record
from rerankbench.types import (
    Cell,
    CollectionHashes,
    CollectionRef,
    EngineRef,
    Environment,
    FirstStageRef,
    Record,
    RerankerRef,
)

app = typer.Typer()
app.command()(leaderboard)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _record(name: str, value: float) -> Record:
    cell = Cell(
        collection=CollectionRef(
            name="scifact",
            source="scifact",
            split="test",
            hashes=CollectionHashes(corpus="c", queries="q", qrels="j"),
        ),
        first_stage=FirstStageRef(name="bm25", parameters={"k1": 0.9}),
        depth=100,
        reranker=RerankerRef(name=name, family="sequence-classification", revision="1"),
        engine=EngineRef(engine="torch", device="cpu"),
    )
    environment = Environment(
        machine_id="m",
        cpu="Test CPU",
        cores=8,
        memory_bytes=1,
        gpu=None,
        gpu_memory_bytes=None,
        system="Linux",
        python="3.11",
        packages={},
        git_sha=None,
    )
    return Record(
        schema=SCHEMA,
        suite="default",
        quality_key=name,
        speed_key="s",
        cell=cell,
        environment=environment,
        started_at="2026-01-01T00:00:00+00:00",
        per_query={"nDCG@10": {"1": value}},
        queries_without_results=0,
        scored_pairs=1,
        truncated_pairs=0,
        run_sha256="0",
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "default" / "records"
    folder.mkdir(parents=True)
    for name, value in (("worse", 0.4), ("better", 0.6)):
        (folder / f"{name}.json").write_bytes(dump_record(_record(name, value)))
    return tmp_path / "results"


def test_results_in_the_current_folder_are_the_default(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    found = _run()
    assert found.exit_code == 0
    assert found.stdout.startswith("### scifact (test), bm25 top-100\n\n| Reranker |")
    assert found.stdout.index("better") < found.stdout.index("worse")
    assert found.stderr == ""


def test_single_files_and_folders_mix(results: Path) -> None:
    worse = results / "default" / "records" / "worse.json"
    found = _run(worse, "--format", "csv")
    assert found.stdout == "Reranker,nDCG@10\nworse,0.4\n"
    assert _run(worse, results, "--format", "csv").stdout.count("worse") == 1


def test_json_lists_every_record(results: Path) -> None:
    found = _run(results, "--format", "json")
    assert [one["reranker"] for one in json.loads(found.stdout)] == ["better", "worse"]


def test_significance_marks_any_table(results: Path) -> None:
    for layout in ("plain", "wide"):
        found = _run(results, "--layout", layout, "--significance")
        assert "0.600 a" in found.stdout
        assert "not told apart at 5 %" in found.stdout
    assert "| Rank |" in _run(results, "--significance").stdout


@pytest.mark.parametrize("more", [("--format", "json"), ("--against", "published")])
def test_significance_is_refused_where_nothing_can_be_marked(
    results: Path, more: tuple[str, str]
) -> None:
    found = _run(results, "--significance", *more)
    assert isinstance(found.exception, UsageError)
    assert found.stdout == ""


def test_inject_fills_the_block_of_the_layout(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "<!-- rerankbench:begin wide -->\n<!-- rerankbench:end wide -->\n", encoding="utf-8"
    )
    found = _run(results, "--layout", "wide", "--inject", readme)
    assert (found.exit_code, found.stdout) == (0, "")
    assert found.stderr.endswith("README.md: written\n")
    assert "| better" in readme.read_text(encoding="utf-8")
    again = _run(results, "--layout", "wide", "--inject", readme)
    assert again.stderr.endswith("README.md: already up to date\n")


def test_inject_fills_the_block_that_is_named(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "<!-- rerankbench:begin ours -->\n<!-- rerankbench:end ours -->\n", encoding="utf-8"
    )
    assert _run(results, "--inject", readme, "--block", "ours").exit_code == 0
    assert "| better" in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--layout", "plian"], ConfigError, "did you mean 'plain'"),
        (["--format", "xml"], UsageError, "no format 'xml'"),
        (["--inject", "x.md", "--format", "csv"], UsageError, "--inject writes Markdown"),
        (["--block", "x"], UsageError, "--block names a block"),
        (["--inject", "absent.md"], InputError, "absent.md: no such file"),
        (["--layout", "beir-full", "absent"], InputError, "absent: no such file or folder"),
    ],
)
def test_mistakes_say_what_to_do(
    results: Path, arguments: list[str], error: type[Exception], message: str
) -> None:
    found = _run(results, *arguments)
    assert isinstance(found.exception, error)
    assert message in str(found.exception)
    assert found.stdout == ""


def test_help_names_every_layout_and_format() -> None:
    found = _run("--help")
    text = " ".join(found.stdout.replace("│", " ").split())
    # The tables of one paper stand as a range.
    text = text.replace("celi-1 to celi-6", " ".join(f"celi-{table}" for table in range(1, 7)))
    assert all(name in text for name in (*names(), *formats()))
    assert "Example: rerankbench leaderboard" in text
    assert DEFAULT_LAYOUT == DEFAULT


def test_nothing_heavy_is_imported(results: Path) -> None:
    script = (
        "import sys, typer\n"
        "from rerankbench.cli.leaderboard import leaderboard\n"
        "app = typer.Typer(); app.command()(leaderboard)\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "heavy = {'torch', 'transformers', 'pandas', 'bm25s', 'ir_datasets'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", script, str(results)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert "better" in found.stdout


def _at_a_terminal(*arguments: str) -> str:
    """What a person sees on 80 columns, without colours and links."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rerankbench", "leaderboard", *arguments],
        env={
            **{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "COLUMNS": "80",
            "TERM": "xterm-256color",
        },
        stdout=theirs,
    )
    os.close(theirs)
    seen = b""
    # Linux reports the end of a terminal as an input/output error.
    with suppress(OSError):
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", seen.decode()).replace("\r\n", "\n")


def test_a_terminal_shows_a_table_to_read(results: Path) -> None:
    seen = _at_a_terminal(str(results))
    assert seen.startswith("scifact (test), bm25 top-100\nReranker   nDCG@10\n")
    assert "better      0.600*" in seen
    assert "| better" not in seen
    assert max(map(len, seen.splitlines())) <= 80


def test_a_format_that_is_named_is_the_same_at_a_terminal(results: Path) -> None:
    seen = _at_a_terminal(str(results), "--format", "markdown")
    assert seen == _run(results).stdout


def test_piped_tables_do_not_wait_for_the_terminals(results: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from rerankbench.cli.leaderboard import leaderboard\n"
        "leaderboard([Path(sys.argv[1])])\n"
        "sys.exit('rerankbench.leaderboard.renderers.terminal' in sys.modules)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(results)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("### scifact")


def test_html_is_a_page(results: Path) -> None:
    found = _run(results, "--format", "html")
    assert found.stdout.startswith("<!doctype html>")
    assert "<bdi>better</bdi>" in found.stdout
