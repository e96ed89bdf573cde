"""Rerankers whose model runs in torch alone and scores every pair by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rerankbench.protocols import Job
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.checkpoint_factory import LoadableModel
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.pointwise import PointwiseJob, PointwiseReranker
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef


def on_torch(
    loadable: LoadableModel[Any],
    engine: EngineRef,
    device: Any,
    tokenizer: Any,
    model: Any,
    *,
    encode: Callable[[Job], PointwiseJob],
    forward: Callable[..., Any],
    left: bool = False,
    label: int | None = None,
    as_saved: bool = False,
    notes: Sequence[str] = (),
) -> PointwiseReranker:
    """The reranker of a loaded model, after a trial of how padding changes its scores.

    `forward` takes padded inputs, on the `left` or the right; the rest is `PointwiseReranker`'s.
    Raises ModelError for a model whose pairs have no score of their own.
    """
    tables = tables_of(model)
    reranker = PointwiseReranker(
        ref=loadable.ref,
        engine_ref=engine,
        engine=TorchEngine(
            model.to(device),
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            forward=forward,
            left=left,
        ),
        encode=encode,
        check=TokenCheck(name=loadable.ref.name, tokenizer=tokenizer, tables=tables),
        device=device,
        about=loading.about(loadable.checkpoint, tokenizer),
        label=label,
        as_saved=as_saved,
        notes=notes,
    )
    padding.settle_by_trial(reranker, model)
    return reranker
