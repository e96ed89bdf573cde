"""Fixtures for all tests: a cache of their own, no hub, and the optional real collections."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from rerankbench import registry

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parent.parent.parent / "shared"


# How long an example takes depends on what else the machine does. In CI the examples are the same
# each time, so that a change is judged by what it does; elsewhere new ones are tried.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def only_our_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what others have installed beside rerankbench."""
    monkeypatch.setattr(registry, "entry_points", lambda *, group: ())
    registry._installed.cache_clear()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or fills the user's caches, or asks a hub."""
    home = tmp_path / "rerankbench-home"
    monkeypatch.setenv("RERANKBENCH_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return home


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real collections, models and reference runs; tests that need them skip where absent."""
    folder = Path(os.environ.get("RERANKBENCH_SHARED", _BESIDE_THE_CHECKOUT))
    if not (folder / "collections").is_dir():
        pytest.skip(f"no real collections at {folder} (set RERANKBENCH_SHARED)")
    return folder
