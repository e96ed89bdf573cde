"""What the code host, pre-commit and the release read: every target and path named is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import rerankbench
from scripts.lowest import lowest
from scripts.release_version import problems

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
OTHERS = [ROOT / name for name in (".pre-commit-config.yaml", "mkdocs.yml", "CITATION.cff")]
TARGETS = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.M))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _values(node: Any) -> list[str]:
    """Every text in a YAML document."""
    if isinstance(node, dict):
        return [text for value in node.values() for text in _values(value)]
    if isinstance(node, list):
        return [text for value in node for text in _values(value)]
    return [node] if isinstance(node, str) else []


def _steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", [*WORKFLOWS, *FORMS, *OTHERS], ids=lambda path: path.name)
def test_every_target_and_path_that_a_file_names_is_there(path: Path) -> None:
    texts = _values(_read(path))
    targets = {target for text in texts for target in re.findall(r"\bmake ([a-z][\w-]*)", text)}
    assert targets <= TARGETS
    places = re.compile(
        r"(?<![\w./$*-])((?:scripts|tests|docs|rerankbench|configs)/[\w./-]*\w|\w+\.(?:md|txt|toml))"
    )
    named = {place for text in texts for place in places.findall(text)}
    inside = {ROOT / "docs"} if path.name == "mkdocs.yml" else set()
    missing = {
        place
        for place in named
        if not any((folder / place).exists() for folder in (ROOT, *inside))
    }
    assert missing == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_its_jobs_wait_for_jobs_that_exist(path: Path) -> None:
    workflow = _read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= set(workflow["jobs"])
        assert set(job.get("permissions", {})) <= {"id-token"}
    for step in _steps(workflow):
        assert ("uses" in step) != ("run" in step)
        assert "@" in step.get("uses", "@")


def test_ci_runs_what_the_script_runs_on_every_python_that_is_supported() -> None:
    workflow = _read(ROOT / ".github" / "workflows" / "ci.yml")
    runs = {step["run"] for step in _steps(workflow) if "run" in step}
    script = (ROOT / ".ci" / "run").read_text()
    assert set(re.findall(r"^make .*$", script, re.M)) <= runs
    pythons = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={pythons[0]}"
    assert pythons == ["3.11", "3.12", "3.13", "3.14"]
    listed = re.findall(r":: Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert listed == pythons


def test_only_the_last_job_of_a_release_can_publish() -> None:
    jobs = _read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    publishing = [name for name, job in jobs.items() if "permissions" in job]
    assert publishing == [list(jobs)[-1]] == ["publish"]
    assert jobs["publish"]["environment"] == "pypi"
    uploaded = [
        step["with"]["name"]
        for step in _steps({"jobs": jobs})
        if step.get("uses", "").startswith("actions/upload-artifact")
    ]
    assert uploaded
    assert all(name.startswith("dist-") for name in uploaded)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_has_what_a_code_host_asks_for(path: Path) -> None:
    form = _read(path)
    if path.name == "config.yml":
        return
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    for field in fields:
        assert field["attributes"]["label"]
        assert field["type"] in ("input", "textarea", "dropdown", "checkboxes")


def test_the_citation_names_this_version_and_licence() -> None:
    citation = _read(ROOT / "CITATION.cff")
    assert citation["version"] == rerankbench.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["license"] in project["license"].split(" AND ")


@pytest.mark.parametrize(
    ("tag", "heading", "count"),
    [
        ("v0.2.0", "0.2.0 (2026-12-01)", 0),
        ("v0.2.1", "0.2.0 (2026-12-01)", 1),
        ("v0.2.0", "0.2.0 (unreleased)", 1),
        ("0.2.0", "0.1.0 (2026-12-01)", 2),
    ],
)
def test_a_tag_is_released_only_for_the_version_that_the_changelog_dates(
    tag: str, heading: str, count: int
) -> None:
    assert len(problems(tag, '__version__ = "0.2.0"\n', f"# Changelog\n\n## {heading}\n")) == count


def test_every_dependency_has_a_lower_bound_to_test() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    constraints = lowest(project["dependencies"])
    assert len(constraints) == len(project["dependencies"])
    assert lowest(["a>=1.2,<3", "b-c[x]>=0.1"]) == ["a==1.2", "b-c==0.1"]
    with pytest.raises(ValueError, match="no lower bound"):
        lowest(["a<2"])
