"""The same model in sentence-transformers, for `rerankbench doctor` to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from rerankbench.protocols import Reranker, RerankerSpec
from rerankbench.rerankers.pointwise import PointwiseReranker, relevance
from rerankbench.types import Candidates, RerankerRef

Scores = Callable[[Sequence[Candidates]], Sequence[float] | None]


def load(reranker: Reranker[Any], spec: RerankerSpec) -> Scores | None:
    """A function from candidates to raw scores in float32; None without the package.

    It returns None for a model that sentence-transformers reads otherwise, or not at all.
    """
    if find_spec("sentence_transformers") is None:
        return None

    def scores(candidates: Sequence[Candidates]) -> Sequence[float] | None:
        if spec.recipe:
            return None
        if reranker.ref.family in _ENCODERS:
            return _encoded(reranker.ref, spec, candidates)
        if isinstance(reranker, PointwiseReranker) and reranker.as_saved:
            return _crossed(reranker, spec, candidates)
        return None

    return scores


_ENCODERS = {"bi-encoder": "SentenceTransformer", "late-interaction": "MultiVectorEncoder"}


def _crossed(
    reranker: PointwiseReranker, spec: RerankerSpec, candidates: Sequence[Candidates]
) -> Sequence[float]:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        spec.model,
        revision=spec.revision,
        device="cpu",
        max_length=reranker.ref.max_length,
        activation_fn=torch.nn.Identity(),
        trust_remote_code=spec.trust_remote_code,
        local_files_only=True,
    )
    pairs = [(each.query.text, one.content) for each in candidates for one in each.documents]
    found = model.predict(pairs, batch_size=8, show_progress_bar=False)
    if found.ndim == 1:
        return [float(score) for score in found]
    return [float(score) for score in relevance(found, reranker.label)]


def _encoded(
    ref: RerankerRef, spec: RerankerSpec, candidates: Sequence[Candidates]
) -> Sequence[float] | None:
    import sentence_transformers

    kind = getattr(sentence_transformers, _ENCODERS[ref.family], None)
    if kind is None or spec.max_length is not None:
        return None
    model = kind(
        spec.model,
        revision=spec.revision,
        device="cpu",
        trust_remote_code=spec.trust_remote_code,
        local_files_only=True,
    )
    scores: list[float] = []
    for entry in candidates:
        queries = model.encode_query([entry.query.text], show_progress_bar=False)
        contents = [document.content for document in entry.documents]
        documents = model.encode_document(contents, show_progress_bar=False)
        scores += model.similarity(queries, documents)[0].tolist()
    return scores
