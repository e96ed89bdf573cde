"""Revisions checked out beside a real repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.gate.remeasure import revisions
from rerankbench.gate.remeasure.revisions import Revision

from .repositories import Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "repository")
    made.commit({"file": "old\n", "below/other": "1\n"})
    made.git("tag", "v1")
    made.commit({"file": "new\n"})
    return made


def test_a_name_is_found_from_any_folder_of_the_repository(repository: Repository) -> None:
    for name in ("v1", "HEAD~1", repository.git("rev-parse", "v1")[:10]):
        found = revisions.find(repository.root / "below", name)
        assert found.commit == repository.git("rev-parse", "v1")
        assert found.root == repository.root


@pytest.mark.parametrize("name", ["no-such", "--all", "HEAD:file", ""])
def test_a_name_of_no_commit_is_refused(repository: Repository, name: str) -> None:
    with pytest.raises(UsageError, match="not found in this repository; fetch it"):
        revisions.find(repository.root, name)


def test_outside_of_a_repository_there_are_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository"):
        revisions.find(tmp_path, "main")


def test_without_git_the_remedy_is_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        revisions.find(tmp_path, "main")


def _checked_out(repository: Repository, place: Path) -> str:
    revisions.check_out(revisions.find(repository.root, "v1"), place)
    return (place / "file").read_text()


def test_a_checkout_is_made_and_used_again(repository: Repository, tmp_path: Path) -> None:
    place = tmp_path / "home" / "src"
    assert _checked_out(repository, place) == "old\n"
    (place / "left.by.a.run").touch()
    assert _checked_out(repository, place) == "old\n"
    assert (place / "left.by.a.run").exists()
    assert (repository.root / "file").read_text() == "new\n"
    assert repository.git("status", "--porcelain") == ""


def test_a_checkout_that_was_deleted_or_changed_is_made_again(
    repository: Repository, tmp_path: Path
) -> None:
    place = tmp_path / "src"
    assert _checked_out(repository, place) == "old\n"
    shutil.rmtree(place)  # Git still lists it.
    assert _checked_out(repository, place) == "old\n"
    (place / "file").write_text("tampered\n")
    assert _checked_out(repository, place) == "old\n"
    (place / ".git").unlink()
    assert _checked_out(repository, place) == "old\n"
    Repository(place).git("checkout", "--quiet", "--detach", "main")
    assert _checked_out(repository, place) == "old\n"
    shutil.rmtree(place)
    place.mkdir()
    (place / "half").touch()  # An interrupted one.
    assert _checked_out(repository, place) == "old\n"
    assert not (place / "half").exists()


def test_inside_the_repository_a_bare_folder_is_no_checkout(repository: Repository) -> None:
    """Git would answer for the repository around it."""
    place = repository.root / "cache" / "src"
    place.mkdir(parents=True)
    revisions.check_out(revisions.find(repository.root, "main"), place)
    assert (place / ".git").exists()
    assert (place / "file").read_text() == "new\n"


def test_in_a_hook_of_git_the_same_is_found(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other")
    other.commit({"file": "other\n"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-index"))
    assert _checked_out(Repository(repository.root), tmp_path / "src") == "old\n"


def test_hooks_of_the_user_do_not_run(repository: Repository, tmp_path: Path) -> None:
    hook = repository.root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    assert _checked_out(repository, tmp_path / "src") == "old\n"
    assert not (tmp_path / "hooked").exists()


def test_what_git_refuses_is_told_in_its_words(repository: Repository, tmp_path: Path) -> None:
    lost = Revision(root=repository.root, name="lost", commit="0" * 40)
    with pytest.raises(
        UsageError, match=r"revision lost: git made no worktree at .* \(fatal: .*0{40}"
    ):
        revisions.check_out(lost, tmp_path / "src")
