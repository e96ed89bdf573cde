"""Tiny checkpoints of every architecture, built once a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from .. import tiny

CheckpointOf = Callable[..., Path]


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> CheckpointOf:
    """`checkpoint_of(kind, labels)`: a folder that tests must not change."""
    folder = tmp_path_factory.mktemp("models")

    @cache
    def build(kind: str = "bert", labels: int = 1) -> Path:
        return tiny.build(folder / f"{kind}-{labels}", kind, labels=labels)

    return build
