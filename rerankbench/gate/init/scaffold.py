"""The files that put the gate into a repository: a config, and a workflow for each CI system.

Templates are complete files that run as they are; only the margin and the package are filled
in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import yaml

from rerankbench.errors import InputError, UsageError, nearest
from rerankbench.files.whole import write_whole
from rerankbench.gate.init import git_ignore
from rerankbench.gate.limits import parse_drops
from rerankbench.run import config as configs

CONFIG = Path("configs") / "rerankbench.yaml"
BASELINE = "main"
PACKAGE = "rerankbench"
NO_CI = "none"

_MARGIN = "--max-drop nDCG@10=0.005"
_PACKAGE_LINES = re.compile(
    r"(?<=RERANKBENCH_PACKAGE)(?P<sign>: | = )(?P<value>\S+)$", re.MULTILINE
)
# It stands between quotes in YAML, Groovy and shell scripts.
_PACKAGE = re.compile(r"[A-Za-z0-9.~/][\w .,:;@+=~/<>!#&?%\[\]()*-]*")
_CONFIG_HEADER = """\
# What CI runs for the gate. float32 keeps scores as equal as machines of different kinds can make
# them. After a change here, run it and `rerankbench baseline promote main`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A template and where it goes; what `joins` others is only written where nothing is.

    `then` is what a person has left to do.
    """

    template: str
    path: Path
    joins: bool = False
    then: str = ""


CI: Mapping[str, tuple[Target, ...]] = {
    "github": (Target(template="github.yml", path=Path(".github/workflows/rerankbench.yml")),),
    "gitlab": (
        Target(template="gitlab.yml", path=Path(".gitlab/rerankbench.yml")),
        Target(template="gitlab-ci.yml", path=Path(".gitlab-ci.yml"), joins=True),
    ),
    "jenkins": (
        Target(
            template="Jenkinsfile",
            path=Path("Jenkinsfile.rerankbench"),
            then="in Jenkins: make a pipeline job with Script Path Jenkinsfile.rerankbench",
        ),
    ),
    "pre-commit": (
        Target(
            template="pre-commit.yaml",
            path=Path(".pre-commit-config.yaml"),
            joins=True,
            then="in every clone: pre-commit install -t pre-push",
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of the user: collections, models, CI systems, margins, and what CI installs."""

    datasets: Sequence[str]
    models: Sequence[str]
    ci: Sequence[str]
    max_drop: Sequence[str]
    package: str = PACKAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """Files to write, relative to the repository, and texts to add to files that are there.

    `then` is what a person has left to do for the chosen CI.
    """

    config: configs.RunConfig
    files: Mapping[Path, str]
    additions: Mapping[Path, str]
    then: Sequence[str] = ()


def make(answers: Answers, folder: Path) -> Scaffold:
    """The files for a repository. Raises UsageError for an impossible answer."""
    if not folder.is_dir():
        raise InputError(folder, "not a folder", remedy="make it, or name another with --folder")
    drops = parse_drops(answers.max_drop)
    margins = " ".join(f"--max-drop {metric}={drop:g}" for metric, drop in drops.items())
    values = {
        "datasets": list(answers.datasets),
        "models": list(answers.models),
        "top_k": 100,
        "metrics": list(drops),
        "dtype": "float32",
    }
    config = configs.validated({**values, "suite": CONFIG.stem}, "init")
    files = {CONFIG: _CONFIG_HEADER + _yaml(values)}
    additions: dict[Path, str] = {}
    for target in _targets(answers.ci):
        text = _filled(template(target.template), margins, _checked(answers.package))
        path = folder / target.path
        is_anothers = target.joins and path.exists() and not _holds(path, text)
        (additions if is_anothers else files)[target.path] = text
    then = [target.then for target in _targets(answers.ci) if target.then]
    return Scaffold(config=config, files=files, additions=additions, then=then)


def template(name: str) -> str:
    return (package_files("rerankbench") / "gate" / "init" / "templates" / name).read_text(
        encoding="utf-8"
    )


def installs(ci: Sequence[str]) -> bool:
    """Whether a workflow of these CI systems installs rerankbench. Raises UsageError for no CI."""
    return any(_PACKAGE_LINES.search(template(target.template)) for target in _targets(ci))


def write(scaffold: Scaffold, folder: Path) -> list[Path]:
    """Write all files or none, and what .gitignore lacks; gives the paths of all of them.

    Raises StorageError where the disk refuses one, InputError where .gitignore cannot be read.

    Files of an earlier, stopped `init` stay even then.
    """
    written: list[Path] = []
    try:
        for path, text in scaffold.files.items():
            if not _holds(folder / path, text):
                write_whole(folder / path, text)
                written.append(folder / path)
        extended = git_ignore.extend(folder)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return [*scaffold.files, *([git_ignore.FILE] if extended else [])]


def refuse_existing(scaffold: Scaffold, baseline: Path, results: Path, folder: Path) -> None:
    """Raise UsageError naming every path that exists already: none is overwritten.

    A stopped `init` can be repeated: files with exactly the text that would be written
    are no obstacle, and if all of them are in place, nor are results: the run continues them.
    """
    missing = [path for path, text in scaffold.files.items() if not _holds(folder / path, text)]
    paths = [*missing, baseline, *([results] if missing else [])]
    taken = [f"{path}: already exists" for path in paths if (folder / path).exists()]
    if taken:
        taken[-1] += "; nothing was written: move it away, or edit it by hand"
        raise UsageError("\n".join(taken))


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _targets(names: Sequence[str]) -> Iterator[Target]:
    for name in dict.fromkeys(names):
        if name not in (*CI, NO_CI):
            raise UsageError(f"no CI '{name}'; {nearest(name, (*CI, NO_CI))}")
        yield from CI.get(name, ())


def _checked(package: str) -> str:
    if not _PACKAGE.fullmatch(package):
        remedy = "expected what pip installs, such as rerankbench==0.1.0, without quotes"
        raise UsageError(f"--package {package}: {remedy}")
    return package


def _filled(text: str, margins: str, package: str) -> str:
    text = text.replace(_MARGIN, margins)
    if package == PACKAGE:
        return text
    # Single quotes mean the same in YAML and in Groovy: the text as it stands.
    return _PACKAGE_LINES.sub(lambda match: f"{match['sign']}'{package}'", text)


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=1000)
