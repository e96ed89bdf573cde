"""What is written down keeps pace with what the program does."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from rerankbench import __version__
from rerankbench.cli import app
from rerankbench.known import collections
from rerankbench.results.store import read_records
from rerankbench.run import config

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_commands_names_every_command(command: str) -> None:
    assert f"`rerankbench {command}`" in (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_show_only_commands_and_options_that_exist(page: Path) -> None:
    for line in re.findall(r"^(?: {4}|\$ )(?:\$ )?rerankbench (\w+.*)$", page.read_text(), re.M):
        words = line.partition(" #")[0].split()
        command = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert command is not get_command(app), line
        assert not hasattr(command, "commands"), line
        known = {option for each in command.params for option in each.opts}
        options = re.findall(r"(?<!\S)--?[a-z][a-z-]*", " ".join(words))
        assert set(options) <= known, f"{page}: {line}"


def test_the_readme_is_short_and_shows_what_people_come_for() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    shown = set(re.findall(r"^\$ rerankbench (\w+)", text, re.M))
    assert {"run", "leaderboard", "report", "gate", "doctor"} <= shown


def test_the_readme_shows_the_demo_as_its_baseline_has_it() -> None:
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| \*?([\w-]+)\*? +\| +\*?(0\.\d{3})", text, re.M)
    records = read_records([ROOT / "results" / "baselines" / "demo"])
    means = {each.cell.reranker.name: each.mean("nDCG@10") for each in records}
    assert len(rows) == 4
    for name, shown in rows:
        # The baseline is in float32; a model may move a little in the machine's own choice.
        allowed = 0.005 if name == "demo-cross-encoder" else 0.0005
        assert float(shown) == pytest.approx(means[name], abs=allowed), name


def test_ci_types_what_the_readme_names() -> None:
    commands = re.findall(r"^make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.M)
    text = (ROOT / "README.md").read_text()
    assert [each for each in commands if f"`make {each}`" not in text] == []
    assert re.findall(r"^\$ (make \w+)", text, re.M) == ["make run", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s:#]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_drawing_of_the_rooms_is_the_contract_over_them() -> None:
    """Layer by layer, and no room of the package is missing."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    drawing = page.split("## The rooms")[1].split("```")[1].splitlines()[1:]
    lines = [re.split(r" {4,}", line)[0] for line in drawing if not line.startswith(" ")]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = [each for each in settings["contracts"] if each["type"] == "layers"]
    assert [line.split() for line in lines] == [
        [room.strip() for room in layer.split("|")] for layer in contract["layers"]
    ]
    drawn = {room for line in lines for room in line.split()}
    package = ROOT / "rerankbench"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert drawn == modules | {path.parent.name for path in package.glob("*/__init__.py")}


def test_modules_that_the_architecture_names_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    pages = [page, *(path.read_text() for path in (ROOT / "docs" / "contributing").glob("*.md"))]
    named = {each for text in pages for each in re.findall(r"`([a-z_/.]+/[\w./]*)`", text)}
    assert len(named) >= 20
    missing = [
        each
        for each in sorted(named)
        if not any((folder / each).exists() for folder in (ROOT, ROOT / "rerankbench"))
        and not re.search(r"NAME|ROOM|SUITE", each)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_python_import_what_is_there(page: Path) -> None:
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rerankbench"):
                for alias in node.names:
                    place = f"{node.module}.{alias.name}"
                    public = pkgutil.resolve_name(place)
                    if inspect.ismodule(public):  # and not one that a module merely uses
                        assert public.__name__ == place


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_valid_and_names_known_collections(path: Path) -> None:
    loaded = config.load(path, {})
    assert loaded.suite == path.stem
    for dataset in loaded.datasets:
        assert dataset.id == "demo" or collections.expand(dataset.id)


def test_the_demo_config_is_the_one_inside_the_package() -> None:
    inside = config.load(config.demo_path(), {})
    assert config.load(ROOT / "configs" / "demo.yaml", {}) == inside


def test_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == __version__


def test_constraints_pin_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    extras = [each for name in ("dev", "onnx", "openvino") for each in groups[name]]
    pinned = {
        _plain(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    needed = {
        _plain(re.split(r"[<>=!~\[ ]", each)[0]) for each in [*project["dependencies"], *extras]
    }
    assert needed - pinned == set()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_finding_has_its_row_and_every_script_and_test_that_pages_name_is_there() -> None:
    behaviours = (ROOT / "docs" / "behaviours.md").read_text()
    scripts = {path.name for path in (ROOT / "findings").glob("*.sh")}
    assert [name for name in sorted(scripts) if f"`{name}`" not in behaviours] == []
    pages = behaviours + (ROOT / "docs" / "interoperability.md").read_text()
    assert set(re.findall(r"`([\w-]+\.sh)`", pages)) <= scripts
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", pages))
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []
    assert len(named) >= 5


def test_every_behaviour_has_its_package_version_and_source() -> None:
    page = (ROOT / "docs" / "behaviours.md").read_text()
    lines = [line.strip("| \n") for line in page.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    rows = [row for row in rows if row[0] != "What happens"]
    assert len(rows) > 50
    source = r"`[\w-]+\.sh`|`test_\w+`|\btests/[\w/]+\.py|\bits source, `"
    for row in rows:
        assert len(row) == 4, row
        assert re.search(r"[A-Za-z]\w+ \d+(\.\d+)+", row[1]), f"no package and version: {row}"
        assert re.search(source, row[2]) or re.search(r"`[\w/]+\.py`", row[1]), f"no source: {row}"
    named = re.findall(r"\btests/[\w/.]+", page)
    assert [each for each in named if not (ROOT / each).exists()] == []
