"""What is written down keeps pace with what the program does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from rerankbench import __version__
from rerankbench.cli import app
from rerankbench.known import collections
from rerankbench.leaderboard.renderers.json import summary
from rerankbench.run import config
from tests.leaderboard.records import make_record

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_names_every_command(command: str) -> None:
    assert f"`rerankbench {command}`" in (ROOT / "README.md").read_text()


def test_readme_uses_only_options_that_exist() -> None:
    shown = re.findall(r"^\$ rerankbench (\w+)(.*)$", (ROOT / "README.md").read_text(), re.M)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for command, rest in shown:
        known = {option for each in commands[command].params for option in each.opts}
        given = re.findall(r"(?<!\S)--?[a-z-]+", rest.partition("#")[0])
        assert set(given) <= known, f"{command} {rest}"
    assert len(shown) >= 6


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


def test_the_interface_page_names_every_json_key() -> None:
    page = (ROOT / "docs" / "interface.md").read_text()
    record = summary(make_record("a"))
    assert [key for key in record if f"`{key}`" not in page] == []


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
