"""The same model in sentence-transformers, for `rerankbench doctor` to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.pointwise import relevance
from rerankbench.types import Candidates, RerankerRef

Scores = Callable[[Sequence[Candidates]], Sequence[float] | None]


def load(ref: RerankerRef, spec: RerankerSpec) -> Scores | None:
    """A function from candidates to raw scores in float32; None without the package.

    It returns None for a model that a cross-encoder of sentence-transformers is not.
    """
    if find_spec("sentence_transformers") is None:
        return None

    def scores(candidates: Sequence[Candidates]) -> Sequence[float] | None:
        as_saved = ref.recipe.get("prompt_from") in ("chat template", "tokeniser's pair")
        by_chat = ref.family == "causal-lm" and as_saved
        if spec.recipe:
            return None
        if ref.family in _ENCODERS:
            return _encoded(ref, spec, candidates)
        if ref.family in _CROSS_ENCODERS or by_chat:
            return _crossed(ref, spec, candidates)
        return None

    return scores


_CROSS_ENCODERS = ("sequence-classification", "cross-encoder-modules")
_ENCODERS = {"bi-encoder": "SentenceTransformer", "late-interaction": "MultiVectorEncoder"}


def _crossed(
    ref: RerankerRef, spec: RerankerSpec, candidates: Sequence[Candidates]
) -> Sequence[float]:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        spec.model,
        revision=spec.revision,
        device="cpu",
        max_length=ref.max_length,
        activation_fn=torch.nn.Identity(),
        trust_remote_code=spec.trust_remote_code,
        local_files_only=True,
    )
    pairs = [(each.query.text, one.content) for each in candidates for one in each.documents]
    found = model.predict(pairs, batch_size=8, show_progress_bar=False)
    if found.ndim == 1:
        return [float(score) for score in found]
    return [float(score) for score in relevance(found, _scored(ref))]


def _scored(ref: RerankerRef) -> int:
    """The label that a record's formula begins with, such as `logit1 - logit0`."""
    return int(str(ref.recipe["score"]).removeprefix("logit").split()[0])


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
    found: list[float] = []
    for each in candidates:
        queries = model.encode_query([each.query.text], show_progress_bar=False)
        contents = [document.content for document in each.documents]
        documents = model.encode_document(contents, show_progress_bar=False)
        found += model.similarity(queries, documents)[0].tolist()
    return found
