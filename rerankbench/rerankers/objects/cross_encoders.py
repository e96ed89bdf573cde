"""A CrossEncoder of sentence-transformers that is loaded already, as a reranker.

It scores as its own `predict` does, in its own batches, with one difference: activations are left
out, so that saturated scores make no ties.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers.files import labels
from rerankbench.rerankers.pointwise import relevance
from rerankbench.types import EngineRef, RerankerRef

CHUNK_PAIRS = 1024
"""Pairs handed to `predict` at once: enough to sort by length, few enough to show progress."""
_PACKAGE = "sentence-transformers"
_LONGEST = 2**31
"""Tokenisers without a length say so by a number beyond this."""


def reranker_of(model: Any, name: str | None, own_key: str) -> LoadedReranker:
    """The model with what it tells of itself, and a hash of its weights as they are now.

    `own_key` is no other object's. Raises ModelError where nothing tells which of its labels to
    score.
    """
    name = name or _source(model) or type(model).__name__
    label = labels.of(model.config.to_dict(), None, model=name)
    ref = RerankerRef(
        name=name,
        family="loaded-cross-encoder",
        revision=f"weights {_hash(model.state_dict())}",
        parameters=sum(each.numel() for each in model.parameters()),
        dtype=str(next(model.parameters()).dtype).removeprefix("torch."),
        max_length=_max_length(model),
        recipe={
            "object": own_key,
            "scored_by": f"predict, {_PACKAGE} {version(_PACKAGE)}",
            "score": label.score,
            **label.as_recipe(),
            "reproducible": "not known: a Python object, scored anew each time",
        },
    )
    engine = EngineRef(engine=_PACKAGE, device=str(model.device))
    return LoadedReranker(model=model, label=label, ref=ref, engine=engine)


@dataclass(slots=True, kw_only=True)
class LoadedReranker:
    """The model with the label that is scored; there is nothing to find or to load."""

    model: Any
    label: labels.Label
    ref: RerankerRef
    engine: EngineRef
    attention_kernel: str | None = None
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> LoadedReranker:
        """Itself."""
        return self

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """Its own `predict`, where the model is."""
        return EngineChoice(engine=self.engine)

    def load(self, engine: EngineRef) -> LoadedReranker:
        """Itself."""
        return self

    def prepare(self, job: Job) -> Job:
        """`predict` tokenises by itself."""
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        """Whole queries at a time."""
        chunk: list[tuple[int, tuple[str, str]]] = []
        for candidates, pairs in zip(prepared.candidates, prepared.pairs(), strict=True):
            if prepared.done.issuperset(pairs):
                continue
            texts = ((candidates.query.text, each.content) for each in candidates.documents)
            chunk += zip(pairs, texts, strict=True)
            if len(chunk) >= CHUNK_PAIRS:
                yield self._batch(chunk)
                chunk = []
        if chunk:
            yield self._batch(chunk)

    def _batch(self, chunk: Sequence[tuple[int, tuple[str, str]]]) -> ScoredBatch:
        found: npt.NDArray[np.float32] = self.model.predict(
            [texts for _, texts in chunk],
            activation_fn=_unchanged,
            apply_softmax=False,
            show_progress_bar=False,
        )
        logits = found.reshape(len(chunk), -1)
        scores = relevance(logits, self.label.index).tolist()
        return ScoredBatch(pairs=[pair for pair, _ in chunk], scores=scores)

    def warnings(self) -> Sequence[str]:
        """A label that was guessed."""
        return () if self.label.caution is None else (self.label.caution,)

    def peak_device_bytes(self) -> int | None:
        """Not told apart from what else the process holds."""
        return None


def _unchanged(logits: Any) -> Any:
    return logits


def _source(model: Any) -> str:
    """The hub's name or the folder's that it was loaded from, if it still says so."""
    source = str(getattr(model.config, "_name_or_path", "") or "")
    return Path(source).name if Path(source).is_dir() else source


def _max_length(model: Any) -> int | None:
    """Tokens of a pair, under either of the names that sentence-transformers had for it."""
    length = getattr(model, "max_seq_length", None)
    if length is None and not hasattr(type(model), "max_seq_length"):
        length = getattr(model, "max_length", None)
    return int(length) if length is not None and length < _LONGEST else None


def _hash(weights: Any) -> str:
    """16 hex digits of every weight's name, type and bits."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(weights):
        weight = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\0".encode())
        # As bytes, since NumPy does not know all of torch's types.
        digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
