"""The files that `rerankbench init` writes: valid, safe to fill in, written all or not at all."""

from __future__ import annotations

import errno
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from rerankbench.cli import app
from rerankbench.errors import InputError, StorageError, UsageError
from rerankbench.files import whole
from rerankbench.gate.init import scaffold
from rerankbench.gate.init.scaffold import CI, Answers, make, refuse_existing, template, write
from rerankbench.run import config

ROOT = Path(__file__).resolve().parents[3]
BASELINE, RESULTS = Path("results/baselines/main"), Path("results/rerankbench")
TEMPLATES = [target.template for targets in CI.values() for target in targets]


def answers(**changes: Any) -> Answers:
    usual: dict[str, Any] = {
        "datasets": ["demo"],
        "models": ["demo-cross-encoder"],
        "ci": list(CI),
        "max_drop": ["nDCG@10=0.005"],
    }
    return Answers(**usual | changes)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_docs_link_to_every_template(name: str) -> None:
    page = (ROOT / "docs" / "gate.md").read_text()
    assert f"](../rerankbench/gate/init/templates/{name})" in page


def test_no_other_files_lie_beside_them() -> None:
    folder = ROOT / "rerankbench" / "gate" / "init" / "templates"
    assert sorted(path.name for path in folder.iterdir()) == sorted(TEMPLATES)


def test_the_usual_answers_give_the_templates_as_they_are(tmp_path: Path) -> None:
    made = make(answers(), tmp_path)
    texts = [text for path, text in made.files.items() if path != scaffold.CONFIG]
    assert texts == [template(name) for name in TEMPLATES]
    assert made.additions == {}


def test_the_config_is_what_run_reads(tmp_path: Path) -> None:
    odd = ["data/ours", "- x: {y}", "naïve #1", "no", "'"]
    write(make(answers(datasets=odd, models=["m: 1", "@a"]), tmp_path), tmp_path)
    loaded = config.load(tmp_path / scaffold.CONFIG, {})
    assert [each.id for each in loaded.datasets] == odd
    assert [each.model for each in loaded.models] == ["m: 1", "@a"]
    assert (loaded.suite, loaded.dtype, loaded.metrics) == ("rerankbench", "float32", ("nDCG@10",))
    assert loaded == make(answers(datasets=odd, models=["m: 1", "@a"]), tmp_path).config


def test_margins_reach_every_gate_and_the_config(tmp_path: Path) -> None:
    made = make(answers(max_drop=["ndcg_cut_20=0.01", "MAP=0.00002"]), tmp_path)
    gates = [
        line for text in made.files.values() for line in text.splitlines() if "gate main" in line
    ]
    assert len(gates) == 7
    assert all("--max-drop nDCG@20=0.01 --max-drop MAP=2e-05 --speed" in line for line in gates)
    assert made.config.metrics == ("nDCG@20", "MAP")


def test_what_pip_installs_reaches_every_workflow(tmp_path: Path) -> None:
    package = "rerankbench[onnx] @ git+https://example.org/x.git@v1#egg=y"
    whole = make(answers(package=package), tmp_path).files
    github = yaml.safe_load(whole[Path(".github/workflows/rerankbench.yml")])
    gitlab = yaml.safe_load(whole[Path(".gitlab/rerankbench.yml")])
    assert github["env"]["RERANKBENCH_PACKAGE"] == package
    assert gitlab["rerankbench"]["variables"]["RERANKBENCH_PACKAGE"] == package
    jenkins = whole[Path("Jenkinsfile.rerankbench")]
    assert f"        RERANKBENCH_PACKAGE = '{package}'\n" in jenkins


@pytest.mark.parametrize(
    "package", ["", "-r x", "a'b", 'a"b', "a\nb", "a\\b", "$(id)", "a`id`", "${{ secrets.X }}"]
)
def test_a_package_cannot_end_its_quotes(tmp_path: Path, package: str) -> None:
    with pytest.raises(UsageError, match="expected what pip installs"):
        make(answers(package=package), tmp_path)


def test_wrong_answers_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no CI 'github-actions'; did you mean 'github'"):
        make(answers(ci=["github-actions"]), tmp_path)
    with pytest.raises(UsageError, match="--max-drop 5"):
        make(answers(max_drop=["5"]), tmp_path)
    with pytest.raises(UsageError, match="datasets"):
        make(answers(datasets=[""]), tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        make(answers(), tmp_path / "nowhere")
    assert list(make(answers(ci=["none"]), tmp_path).files) == [scaffold.CONFIG]


def test_files_that_others_share_are_added_to_by_hand(tmp_path: Path) -> None:
    for name in (".gitlab-ci.yml", ".pre-commit-config.yaml"):
        (tmp_path / name).write_text("mine\n")
    made = make(answers(), tmp_path)
    assert sorted(map(str, made.additions)) == [".gitlab-ci.yml", ".pre-commit-config.yaml"]
    write(made, tmp_path)
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "mine\n"
    assert (tmp_path / ".gitlab" / "rerankbench.yml").exists()


def test_everything_that_is_there_is_named_at_once(tmp_path: Path) -> None:
    made = make(answers(), tmp_path)
    taken = [scaffold.CONFIG, Path("Jenkinsfile.rerankbench")]
    for path in taken:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(UsageError) as caught:
        refuse_existing(made, BASELINE, RESULTS, tmp_path)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == list(
        map(str, taken)
    )


def test_what_a_stopped_init_wrote_is_no_obstacle_to_the_next(tmp_path: Path) -> None:
    refuse_existing(make(answers(), tmp_path), BASELINE, RESULTS, tmp_path)
    write(make(answers(), tmp_path), tmp_path)
    (tmp_path / RESULTS).mkdir(parents=True)
    again = make(answers(), tmp_path)
    assert again.additions == {}
    refuse_existing(again, BASELINE, RESULTS, tmp_path)
    (tmp_path / "Jenkinsfile.rerankbench").unlink()
    with pytest.raises(UsageError, match=rf"^{RESULTS}: already exists"):
        refuse_existing(again, BASELINE, RESULTS, tmp_path)
    (tmp_path / BASELINE).mkdir(parents=True)
    with pytest.raises(UsageError, match=f"{BASELINE}: already exists"):
        refuse_existing(again, BASELINE, RESULTS, tmp_path)
    with pytest.raises(UsageError, match=rf"^{scaffold.CONFIG}: already exists"):
        refuse_existing(make(answers(models=["other"]), tmp_path), BASELINE, RESULTS, tmp_path)


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = whole.write_whole

    def write_whole(path: Path, body: str) -> None:
        if path.name.startswith("Jenkinsfile"):
            raise StorageError(f"{path}: cannot be written ({errno.ENOSPC})")
        real(path, body)

    monkeypatch.setattr(scaffold, "write_whole", write_whole)
    with pytest.raises(StorageError):
        write(make(answers(), tmp_path), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    earlier = tmp_path / scaffold.CONFIG
    real(earlier, make(answers(), tmp_path).files[scaffold.CONFIG])
    with pytest.raises(StorageError):
        write(make(answers(), tmp_path), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [earlier]


def _commands() -> list[tuple[str, str]]:
    """Template and every command line of ours in it, those of commented jobs too."""
    pages = [(name, template(name)) for name in TEMPLATES]
    pages.append(("gate.md", (ROOT / "docs" / "gate.md").read_text()))
    return [
        (name, found.strip())
        for name, text in pages
        for found in re.findall(r"(?:^|- |\$ |# |run: |;|    )\s*(rerankbench [^`;'|\n]*)", text)
    ]


def test_workflows_and_pages_use_only_commands_and_options_that_exist() -> None:
    root: Any = get_command(app)
    seen = set()
    for name, line in _commands():
        words = shlex.split(line, comments=True)[1:]
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        if command is root:
            continue  # A sentence that begins with the program's name.
        known = {option for each in command.params for option in each.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= known, f"{name}: {line}"
        seen.add((name, command.name))
    expected = {
        (name, command)
        for name in ("github.yml", "gitlab.yml", "Jenkinsfile", "pre-commit.yaml")
        for command in ("run", "gate")
    }
    assert expected <= seen


def test_github_jobs_have_what_actions_requires() -> None:
    workflow = yaml.safe_load(template("github.yml"))
    # YAML 1.1 reads `on` as a truth value; GitHub does not.
    assert workflow[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert {"runs-on", "steps", "timeout-minutes"} <= job.keys()
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert step.keys() <= {"uses", "run", "name", "with", "if"}
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
            # What a stranger can name must not be put into a script.
            assert "${{" not in step.get("run", "")


def test_gitlab_jobs_have_what_gitlab_requires() -> None:
    assert yaml.safe_load(template("gitlab-ci.yml")) == {
        "include": [{"local": ".gitlab/rerankbench.yml"}]
    }
    jobs = yaml.safe_load(template("gitlab.yml"))
    assert list(jobs) == ["rerankbench"]
    job = jobs["rerankbench"]
    assert all(isinstance(line, str) for line in (*job["script"], *job["before_script"]))
    assert len(job["cache"]["key"]["files"]) <= 2  # GitLab's limit.
    assert job["artifacts"]["reports"] == {"junit": "rerankbench-new/gate.xml"}


@pytest.mark.parametrize(
    ("name", "job"), [("github.yml", "speed"), ("gitlab.yml", "rerankbench-speed")]
)
def test_the_job_for_a_runner_of_ones_own_is_valid_without_its_marks(name: str, job: str) -> None:
    text = template(name)
    at = re.search(rf"^ *# {job}:$", text, re.MULTILINE)
    assert at is not None
    opened = text[: at.start()] + re.sub(r"^( *)# ", r"\1", text[at.start() :], flags=re.MULTILINE)
    loaded = yaml.safe_load(opened)
    found = (loaded["jobs"] if name == "github.yml" else loaded)[job]
    lines = (
        found["script"]
        if name == "gitlab.yml"
        else [each.get("run", "") for each in found["steps"]]
    )
    assert sum("--remeasure 10" in line for line in lines) == 1


def test_the_hook_has_what_pre_commit_requires() -> None:
    (repo,) = yaml.safe_load(template("pre-commit.yaml"))["repos"]
    (hook,) = repo["hooks"]
    assert repo["repo"] == "local"
    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert shlex.split(hook["entry"])[:2] == ["bash", "-ec"]


def test_the_pipeline_of_jenkins_is_balanced() -> None:
    text = template("Jenkinsfile")
    code = re.sub(r"(?s:'''.*?''')|'[^'\n]*'|\"[^\"\n]*\"|//.*", "", text)
    assert code.count("{") == code.count("}") == 12
    assert not re.search("['\"]", code)
    for part in ("agent any", "environment {", "stages {", "post {", "always {", "junit "):
        assert part in text
