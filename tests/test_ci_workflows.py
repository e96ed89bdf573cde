"""The workflows that `rerankbench init` writes, run as they stand against the demo.

Only installing is left out: the `rerankbench` on the path is this one. Scripts run as their CI
runs them: GitHub and pre-commit by `bash -e`, GitLab all lines in one shell, Jenkins by `sh -xe`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as Xml

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300
NEW = "rerankbench-new"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bash") is None, reason="no bash"),
    pytest.mark.skipif(shutil.which("git") is None, reason="no git"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a CI would run, and the variables that the workflow sets."""

    command: list[str]
    variables: Mapping[str, str]


def _github(folder: Path) -> Script:
    workflow = yaml.safe_load((folder / ".github/workflows/rerankbench.yml").read_text())
    steps = workflow["jobs"]["quality"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step and step["name"] != "Install"]
    # A step is a shell of its own, and the job ends with the first that fails.
    whole = " && ".join(f"bash -e -c {shlex.quote(script)}" for script in scripts)
    return Script(command=["bash", "-c", whole], variables=workflow["env"])


def _gitlab(folder: Path) -> Script:
    included = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())["include"][0]["local"]
    job = yaml.safe_load((folder / included).read_text())["rerankbench"]
    lines = ["set -eo pipefail", *job["script"]]
    return Script(command=["bash", "-c", "\n".join(lines)], variables=job["variables"])


def _jenkins(folder: Path) -> Script:
    text = (folder / "Jenkinsfile.rerankbench").read_text()
    scripts = [dedent(found) for found in re.findall(r"sh '''(.*?)'''", text, re.DOTALL)]
    whole = " && ".join(f"sh -xe -c {shlex.quote(script)}" for script in scripts[1:])
    variables = dict(re.findall(r"^ {8}([A-Z_]+) = '(.*)'$", text, re.MULTILINE))
    assert len(scripts) == 3
    return Script(command=["bash", "-c", whole], variables=variables)


def _pre_commit(folder: Path) -> Script:
    config = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())
    entry = config["repos"][0]["hooks"][0]["entry"]
    return Script(command=shlex.split(entry), variables={})


SYSTEMS: Mapping[str, Callable[[Path], Script]] = {
    "github": _github,
    "gitlab": _gitlab,
    "jenkins": _jenkins,
    "pre-commit": _pre_commit,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A git repository that `init` has been in, with programs of its own on the path."""

    folder: Path
    programs: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env={
                **{name: value for name, value in os.environ.items() if "GITHUB" not in name},
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "RERANKBENCH_HOME": str(self.programs / "home"),
                "HF_HUB_OFFLINE": "1",
                "OMP_NUM_THREADS": "1",
                **variables,
            },
        )

    def play(self, system: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the workflow of one CI."""
        script = SYSTEMS[system](self.folder)
        return self.run(*script.command, **script.variables, **variables)

    def commit(self) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        for command in (("add", "--all"), (*who, "commit", "--quiet", "-m", "all")):
            done = self.run("git", *command)
            assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """After `init --no-run` and the two commands that it names; few queries, to be quick."""
    programs = tmp_path_factory.mktemp("programs")
    program = programs / "rerankbench"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rerankbench "$@"\n')
    program.chmod(0o755)
    made = Repository(folder=tmp_path_factory.mktemp("repository"), programs=programs)
    assert made.run("git", "init", "--quiet").returncode == 0
    systems = [part for system in SYSTEMS for part in ("--ci", system)]
    done = made.run(
        "rerankbench", "init", "--yes", "--no-run", "--package", "rerankbench", *systems
    )
    assert done.returncode == 0, done.stderr
    with (made.folder / "configs" / "rerankbench.yaml").open("a") as config:
        config.write("limit_queries: 20\nmax_length: 192\n")
    for line in re.findall(r"^- (rerankbench .*)$", done.stderr, re.MULTILINE):
        done = made.run(*shlex.split(line))
        assert done.returncode == 0, done.stderr
    made.commit()
    return made


@pytest.fixture
def worse(repository: Repository) -> Repository:
    """A copy in which documents are cut so short that the model loses."""
    folder = repository.folder.with_name(f"{repository.folder.name}-worse")
    if not folder.exists():
        shutil.copytree(repository.folder, folder)
        config = folder / "configs" / "rerankbench.yaml"
        config.write_text(config.read_text().replace("max_length: 192", "max_length: 32"))
    return Repository(folder=folder, programs=repository.programs)


def test_the_baseline_is_in_git(repository: Repository) -> None:
    listed = repository.run("git", "ls-files", "results/baselines").stdout.split()
    assert [Path(each).name for each in listed] == [
        "README.md",
        "demo-test-20-queries-bm25-top-100-bm25.json",
        "demo-test-20-queries-bm25-top-100-demo-cross-encoder.json",
    ]


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_unchanged_code_passes(repository: Repository, tmp_path: Path, system: str) -> None:
    summary = tmp_path / "summary.md"
    done = repository.play(system, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Gate passed" in done.stdout
    report = Xml.parse(repository.folder / NEW / "gate.xml").getroot()
    assert (report.get("tests"), report.get("failures")) == ("2", "0")
    if system == "github":
        assert "Gate passed" in summary.read_text()


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_worse_model_fails_with_3(worse: Repository, tmp_path: Path, system: str) -> None:
    left = worse.folder / NEW / "left-by-an-earlier-build.json"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    summary = tmp_path / "summary.md"
    done = worse.play(system, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the drop exceeds the margin" in " ".join(done.stdout.split())
    assert "Gate failed" in done.stdout
    if system != "pre-commit":
        assert not left.exists()
        report = Xml.parse(worse.folder / NEW / "gate.xml").getroot()
        assert report.get("failures") == "1"
    if system == "github":
        assert "::error title=nDCG@10%3A demo/test" in done.stdout
        assert "### Gate failed" in summary.read_text()
