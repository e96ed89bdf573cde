"""What pip installs elsewhere to get the same, from what installers record of where it came from.

The records are the examples of the specification, with our names.
"""

from __future__ import annotations

import json
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from rerankbench.gate.init import installed

GIT = "https://example.org/rerankbench.git"
WHEEL = "https://example.org/rerankbench-9.9-py3-none-any.whl"


def _installed(folder: Path, record: Any = None) -> PathDistribution:
    info = folder / "rerankbench-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: rerankbench\nVersion: 9.9\n")
    if record is not None:
        (info / "direct_url.json").write_text(json.dumps(record))
    return PathDistribution(info)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, "rerankbench==9.9"),
        (
            {
                "url": GIT,
                "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "c0"},
            },
            f"rerankbench @ git+{GIT}@c0",
        ),
        (
            {"url": GIT, "vcs_info": {"vcs": "git", "commit_id": "c0"}, "subdirectory": "py"},
            f"rerankbench @ git+{GIT}@c0#subdirectory=py",
        ),
        ({"url": WHEEL, "archive_info": {}}, f"rerankbench @ {WHEEL}"),
        ({"url": "file:///not/there", "dir_info": {"editable": True}}, None),
        ({"url": "file:///not/there/r.whl", "archive_info": {}}, None),
        ({"url": "file:///not/there", "vcs_info": {"vcs": "git", "commit_id": "c0"}}, None),
    ],
)
def test_where_it_came_from(tmp_path: Path, record: Any, expected: str | None) -> None:
    assert installed.requirement(tmp_path, _installed(tmp_path, record)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "./."), ("vendor/re rank", "./vendor/re rank"), ("../beside", None)],
)
def test_what_lies_in_the_repository_is_a_path_in_it(
    tmp_path: Path, path: str, expected: str | None
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    record = {"url": (repository / path).resolve().as_uri(), "dir_info": {}}
    assert installed.requirement(repository, _installed(tmp_path, record)) == expected


def test_a_project_below_the_place_it_came_from_is_named_by_its_own_path(tmp_path: Path) -> None:
    url = (tmp_path / "vendor").as_uri()
    record = {"url": url, "dir_info": {}, "subdirectory": "python"}
    found = installed.requirement(tmp_path, _installed(tmp_path, record))
    assert found == "./vendor/python"


def test_sources_that_were_never_installed_have_no_requirement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert installed.requirement(tmp_path) is None
