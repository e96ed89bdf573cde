"""The same candidates on every machine, at every depth: also where scores tie at the cut."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rerankbench.files.trec import format_run
from rerankbench.firststage import bm25
from rerankbench.progress import Silent
from rerankbench.types import Ranking

from .stubs import InMemory

WORDS = ("amber", "brass", "cedar", "delta", "ember", "flint", "grove", "heron", "ivory", "jetty")


def collection() -> InMemory:
    """Short texts of few words: hundreds of documents tie for every query."""
    numbers = random.Random(7)
    texts = [" ".join(numbers.choices(WORDS, k=numbers.randint(1, 6))) for _ in range(3000)]
    doc_ids = [f"{numbers.randrange(10**9):09}" for _ in texts]
    queries = [" ".join(numbers.choices([*WORDS, "absent"], k=3)) for _ in range(20)]
    return InMemory(texts, [*queries, "absent", ""], doc_ids=doc_ids)


def rankings(cache: Path, depth: int) -> list[Ranking]:
    corpus = collection()
    stage = bm25.create({}, cache)
    return list(stage.retrieve(corpus, corpus.queries(), depth, progress=Silent()))


def features() -> list[str]:
    """What NumPy uses of this CPU beyond what it was built for, and can be told not to use."""
    config: Any = np.show_config(mode="dicts")
    return list(config["SIMD Extensions"].get("found", ()))


def test_candidates_do_not_depend_on_the_cpus_features(tmp_path: Path) -> None:
    found = features()
    if not found:
        pytest.skip("NumPy uses no optional feature of this CPU")
    code = (
        "import sys; from pathlib import Path; from rerankbench.files.trec import format_run;"
        "from tests.firststage.test_bm25_everywhere import features, rankings;"
        "assert not features(), features();"
        "sys.stdout.write(format_run(rankings(Path(sys.argv[1]), 100), 'x'))"
    )
    plain = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "plain")],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(found)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == format_run(rankings(tmp_path / "own", 100), "x")


def test_the_first_100_of_1000_are_the_candidates_at_100(tmp_path: Path) -> None:
    deep, tied_at_the_cut = rankings(tmp_path, 1000), 0
    for depth in (1, 10, 100):
        for long, short in zip(deep, rankings(tmp_path, depth), strict=True):
            assert short.hits == long.hits[:depth]
            after = long.hits[depth : depth + 1]
            tied_at_the_cut += bool(after) and after[0].score == short.hits[-1].score
    assert tied_at_the_cut > 20


def test_a_document_that_scores_0_is_no_candidate(tmp_path: Path) -> None:
    *others, unmatched, empty = rankings(tmp_path, 3000)
    assert unmatched.hits == empty.hits == ()
    assert all(hit.score > 0 for ranking in others for hit in ranking.hits)
    assert all(0 < len(ranking.hits) < 3000 for ranking in others)
