"""Every encoder against sentence-transformers' own cross-encoder."""

from __future__ import annotations

import pytest
import torch

from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from tests.rerankers.loaded import load

from .. import tiny
from .conftest import CheckpointOf

library = pytest.importorskip("sentence_transformers")


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_scores_are_those_of_its_cross_encoder(
    checkpoint_of: CheckpointOf, kind: str, labels: int
) -> None:
    folder, candidates = checkpoint_of(kind, labels), tiny.mixed(queries=4)
    model = library.CrossEncoder(
        str(folder), device="cpu", max_length=tiny.MAX_LENGTH, activation_fn=torch.nn.Identity()
    )
    # Of two texts the library takes an empty second one for none.
    pairs = [(c.query.text, d.content) for c in candidates for d in c.documents]
    raw = model.predict([pair for pair in pairs if pair[1]], batch_size=5)
    expected = iter(raw.tolist() if labels == 1 else (raw[:, 1] - raw[:, 0]).tolist())
    reranker = load(
        naming.find_factory(str(folder)),
        RerankerSpec(model=str(folder), dtype="float32", engine="torch"),
    )
    prepared = reranker.prepare(Job(candidates=candidates))
    scores = {
        pair: score
        for batch in reranker.score(prepared)
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    for place, (_, text) in enumerate(pairs):
        if text:
            assert scores[place] == pytest.approx(next(expected), abs=1e-4)
