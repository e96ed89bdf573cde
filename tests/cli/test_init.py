"""`rerankbench init`: asks or is told, overwrites nothing, and what it wrote runs."""

from __future__ import annotations

import io
import shlex
import subprocess
from pathlib import Path

import pytest

from rerankbench.results.store import read_records
from rerankbench.run import config

from .conftest import Command

CONFIG = Path("configs/rerankbench.yaml")
GITHUB = Path(".github/workflows/rerankbench.yml")
MAIN = Path("results/baselines/main")
PIP = ("--package", "rerankbench==0.1.0")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def _files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_config_workflow_and_baseline(command: Command, collection: Path, model: Path) -> None:
    done = command("init", "-d", collection, "-m", model, "--yes", *PIP)
    assert done.code == 0, done.err
    assert done.out.splitlines()[:3] == [str(CONFIG), str(GITHUB), ".gitignore"]
    loaded = config.load(CONFIG, {})
    assert loaded.datasets[0].id == str(collection)
    kept = read_records([MAIN])
    assert sorted(each.cell.reranker.name for each in kept) == ["bm25", "tiny-bert"]
    assert all(each.measurements.throughput is None for each in kept)
    assert "RERANKBENCH_PACKAGE: 'rerankbench==0.1.0'" in GITHUB.read_text()
    done = command("run", CONFIG, "--no-speed", "-o", "new")
    assert done.code == 0, done.err
    assert command("gate", "main", "new", "--strict", "--speed", "ignore").code == 0


def test_nothing_is_asked_where_nobody_is(command: Command) -> None:
    done = command("init")
    assert done.code == 2
    assert "add --yes" in done.err
    assert _files() == []


def test_a_person_answers(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = "data/a data/b\nmine\ngitlab none\nMAP=0.01\nrerankbench @ git+https://x/y\ny\n"
    monkeypatch.setattr("sys.stdin", _Terminal(answers))
    done = command("init", "--no-run")
    assert done.code == 0, done.err
    assert _files() == [".gitignore", ".gitlab-ci.yml", ".gitlab/rerankbench.yml", str(CONFIG)]
    loaded = config.load(CONFIG, {})
    assert [each.id for each in loaded.datasets] == ["data/a", "data/b"]
    assert loaded.metrics == ("MAP",)
    assert "--max-drop MAP=0.01" in Path(".gitlab/rerankbench.yml").read_text()
    assert done.out.split() == [
        *(str(CONFIG), ".gitlab/rerankbench.yml", ".gitlab-ci.yml", ".gitignore")
    ]
    assert "  .gitignore: /results/rerankbench/ /rerankbench-new/" in done.err


def test_enter_takes_what_is_offered_and_options_are_not_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal("\n\n\n\n\n"))
    done = command("init", "--no-run", "--ci", "none")
    assert done.code == 0, done.err
    assert "CI (github" not in done.err
    assert _files() == [".gitignore", str(CONFIG)]
    assert config.load(CONFIG, {}).models[0].model == "demo-cross-encoder"


def test_ci_gets_what_is_here_where_it_can(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = "rerankbench==9.9"
    monkeypatch.setattr("rerankbench.gate.init.installed.requirement", lambda folder: release)
    done = command("init", "--yes", "--no-run")
    assert done.code == 0, done.err
    assert f"RERANKBENCH_PACKAGE: '{release}'" in GITHUB.read_text()


def test_ci_is_not_told_to_install_what_only_this_machine_has(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rerankbench.gate.init.installed.requirement", lambda folder: None)
    done = command("init", "--yes", "--no-run")
    assert done.code == 2
    assert "name with --package what pip installs there" in done.err
    assert _files() == []
    # A hook runs what is on the path, and asks for nothing.
    assert command("init", "--yes", "--no-run", "--ci", "pre-commit").code == 0


def test_a_person_is_asked_until_something_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rerankbench.gate.init.installed.requirement", lambda folder: None)
    monkeypatch.setattr("sys.stdin", _Terminal("\n\n\n\n\n\n./vendor/rerankbench\ny\n"))
    done = command("init", "--no-run")
    assert done.code == 0, done.err
    assert "RERANKBENCH_PACKAGE: './vendor/rerankbench'" in GITHUB.read_text()


def test_a_no_writes_nothing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal("\n\n\n\nn\n"))
    done = command("init", "--no-run", *PIP)
    assert done.code == 2
    assert f"  {GITHUB}" in done.err
    assert _files() == []


def test_files_that_are_there_are_all_named_and_none_is_touched(command: Command) -> None:
    CONFIG.parent.mkdir()
    CONFIG.write_text("mine\n")
    MAIN.mkdir(parents=True)
    done = command("init", "--yes", "--no-run", *PIP)
    assert done.code == 2
    assert f"{CONFIG}: already exists" in done.err
    assert f"{MAIN}: already exists; nothing was written" in done.err
    assert _files() == [str(CONFIG)]
    assert CONFIG.read_text() == "mine\n"


def test_an_init_stopped_before_its_baseline_is_finished_by_the_same_command(
    command: Command, collection: Path, model: Path
) -> None:
    asked = ("init", "-d", collection, "-m", model, "--yes", *PIP)
    assert command(*asked, "--no-run").code == 0
    GITHUB.unlink()  # As if it had been stopped between its two files.
    assert command(*asked, "--no-run").code == 0
    assert GITHUB.is_file()
    assert command("run", CONFIG, "--no-speed").code == 0  # Stopped after its run.
    done = command(*asked)
    assert done.code == 0, done.err
    assert len(read_records([MAIN])) == 2
    assert f"{MAIN}: already exists" in command(*asked).err


def test_a_name_that_cannot_run_is_told_before_anything_is_written(
    command: Command, collection: Path
) -> None:
    done = command("init", "-d", collection, "-d", "no/where", "-m", "no/model", "--yes", *PIP)
    assert done.code == 2
    assert "no/where" in done.err
    assert "no/model" in done.err
    assert _files() == []


def test_without_running_it_says_what_to_type(command: Command) -> None:
    done = command("init", "--yes", "--no-run", *PIP)
    assert done.code == 0
    assert f"rerankbench run {CONFIG} --no-speed" in done.err
    assert "rerankbench baseline save main results/rerankbench" in done.err
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("ci", "line"),
    [
        ("pre-commit", "- in every clone: pre-commit install -t pre-push"),
        ("jenkins", "Script Path Jenkinsfile.rerankbench"),
    ],
)
def test_what_a_person_has_left_to_do_is_said_and_stands_in_the_docs(
    command: Command, ci: str, line: str
) -> None:
    done = command("init", "--yes", "--no-run", *PIP, "--ci", ci, "--ci", "github")
    left = done.err.partition("Left to do:\n")[2]
    assert line in left
    assert "commit these files and results/baselines" in left
    assert "Jenkins" in left or ci != "jenkins"
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text()
    assert line.removeprefix("- in every clone: ").split(" Jenkinsfile")[0] in page
    assert line not in command("init", "--yes", "--no-run", *PIP, "--folder", _other()).err


def _other() -> Path:
    Path("other").mkdir()
    return Path("other")


def test_a_gitignore_that_cannot_be_read_leaves_nothing_written(command: Command) -> None:
    Path(".gitignore").mkdir()
    done = command("init", "--yes", "--no-run", *PIP)
    assert done.code == 2
    assert ".gitignore: cannot be read" in done.err
    assert _files() == []


def test_what_others_share_is_said_and_left(command: Command) -> None:
    Path(".pre-commit-config.yaml").write_text("repos: []\n")
    done = command("init", "--yes", "--no-run", "--ci", "pre-commit")
    assert done.code == 0
    assert "stays as it is; add to it" in done.err
    assert "- id: rerankbench-gate" in done.err
    assert Path(".pre-commit-config.yaml").read_text() == "repos: []\n"


def test_another_repository_gets_the_files(
    command: Command, tmp_path: Path, collection: Path, model: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "--quiet", other], check=True)
    (other / ".gitignore").write_text("results/\n")
    done = command("init", "--yes", "--folder", other, "-d", collection, "-m", model, *PIP)
    assert done.code == 0, done.err
    assert _files() == []
    assert (other / MAIN / "README.md").exists()
    assert "git ignores results/baselines/main" in done.err


def test_a_collection_to_start_from_runs_by_the_line_that_is_said(command: Command) -> None:
    done = command("init", "--collection", "my data/first")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "my data/first/corpus.jsonl",
        "my data/first/queries.jsonl",
        "my data/first/qrels/test.tsv",
    ]
    assert _files() == sorted(done.out.splitlines())
    line = done.err.splitlines()[-1].split("rerankbench ")[1]
    done = command(*shlex.split(line), "-m", "oracle", "--no-speed")
    assert done.code == 0, done.err
    assert "Caution" not in done.out
    records = {each.cell.reranker.name: each for each in read_records([Path("results")])}
    assert len(records["bm25"].per_query["nDCG@10"]) == 6
    means = {name: record.mean("nDCG@10") or 0.0 for name, record in records.items()}
    assert 0 < means["bm25"] < means["oracle"]


def test_a_collection_is_never_written_over(command: Command) -> None:
    Path("empty").mkdir()
    assert command("init", "--collection", "empty").code == 0
    before = Path("empty/corpus.jsonl").read_text()
    Path("empty/queries.jsonl").unlink()
    Path("file").write_text("mine")
    Path("link").symlink_to("nowhere")
    for taken in ("empty", "file", "link"):
        done = command("init", "--collection", taken)
        assert (done.code, done.out) == (2, "")
        assert f"{taken}: is there already; name another" in done.err
    assert command("init", "--collection", "file/in").code == 2
    assert command("init", "--collection", "other", "-m", "bm25").code == 2
    assert Path("file").read_text() == "mine"
    assert Path("empty/corpus.jsonl").read_text() == before
    assert _files() == ["empty/corpus.jsonl", "empty/qrels/test.tsv", "file"]


def test_a_collection_called_as_one_of_ours_is_run_by_its_path(command: Command) -> None:
    done = command("init", "--collection", "demo")
    assert done.err.splitlines()[-1].endswith("rerankbench run -d ./demo -m bm25")


def test_help_has_an_example_and_fits(command: Command) -> None:
    done = command("init", "--help")
    assert "Example: rerankbench init" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
