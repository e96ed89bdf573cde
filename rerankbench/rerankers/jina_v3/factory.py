"""jina-reranker-v3: one pass over a query and all its documents, and a vector of each of them.

A score is the cosine of two vectors, of which each depends on all that was read before it
(https://arxiv.org/abs/2509.25085). A list too long for one pass is read in blocks, whose query
vectors are merged before any document is scored. So a score belongs to its list, and is never kept
by pair. The backbone is transformers' own Qwen3; none of the checkpoint's code is run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import EngineChoice, RerankerSpec
from rerankbench.rerankers import loading
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.engines.choice import torch_alone
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.weight_file import safetensors_header
from rerankbench.rerankers.jina_v3.lists import JinaV3
from rerankbench.rerankers.jina_v3.prompt import BlockRecipe, BlockWriter
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef

# What the model was made for, where its tokeniser sets no limit.
MAX_LENGTH = 131072
# A linear layer, ReLU, and another one; neither has a bias.
_PROJECTOR = ("projector.0.weight", "projector.2.weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class JinaV3Factory(CheckpointFactory[BlockRecipe, BlockRecipe]):
    """Finds, identifies and loads jina-reranker-v3 and what is trained on from it."""

    def find(self, spec: RerankerSpec) -> Checkpoint:
        """The checkpoint without its code, which is never run. Raises ModelError."""
        return source.checkpoint_of(replace(spec, trust_remote_code=False))

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: BlockRecipe
    ) -> tuple[BlockRecipe, RefFacts]:
        """The recipe, for a model with the projector. Raises ModelError, UsageError."""
        _projector_files(checkpoint)
        return recipe, RefFacts(
            max_length=_max_length(checkpoint, spec, recipe),
            recipe={
                "prompt": recipe.text,
                "score": "cosine",
                "scores_lists": True,
                "block": recipe.block,
                "query_tokens": recipe.query_tokens,
                "document_tokens": recipe.document_tokens,
                "truncation": "each text on its own; lists beyond a block or the length in blocks",
            },
            reads="lists",
            scale="cosine",
        )

    def choose_engine(
        self, loadable: LoadableModel[BlockRecipe], pairs: int | None
    ) -> EngineChoice:
        """Torch; blocks are read one by one, whatever tokens a batch may have."""
        choice = torch_alone(loadable.spec)
        return replace(choice, engine=replace(choice.engine, batch_tokens=None))

    def build(self, loadable: LoadableModel[BlockRecipe], engine: EngineRef) -> JinaV3:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        ref, device = loadable.ref, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable)
        writer = BlockWriter(
            tokenizer, loadable.description, max_length=loadable.max_length, name=ref.name
        )
        backbone = loading.model(loadable, "Qwen3Model", trained_as="jina-reranker-v3")
        return JinaV3(
            ref=ref,
            engine_ref=engine,
            writer=writer,
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables_of(backbone)),
            backbone=backbone.to(device),
            projector=_projector(loadable.checkpoint, device),
            device=device,
        )


FACTORY = JinaV3Factory(family="jina-v3", recipe=BlockRecipe)


def _max_length(checkpoint: Checkpoint, spec: RerankerSpec, recipe: BlockRecipe) -> int:
    """Tokens of a block's texts; as in the authors' code, only the tokeniser limits them."""
    own = int(checkpoint.tokenizer_config.get("model_max_length") or 0)
    limit = own if 0 < own < 10**6 else checkpoint.max_length(otherwise=MAX_LENGTH)
    length = spec.max_length or limit
    if not recipe.least <= length <= limit:
        raise UsageError(
            f"{checkpoint.name}: max length {length} must be from {recipe.least}, so that a block "
            "holds a query twice and a document (the recipe's query_tokens, document_tokens), to "
            f"the model's {limit}"
        )
    return length


def _projector_files(checkpoint: Checkpoint) -> list[Path]:
    """The files with the projector's matrices. Raises ModelError for any other projector."""
    held = {
        name: (path, tensor["shape"])
        for path in checkpoint.weight_files()
        for name, tensor in safetensors_header(path).items()
        if name.startswith("projector.")
    }
    if sorted(held) != sorted(_PROJECTOR):
        there = ", ".join(sorted(held)) or "none"
        raise ModelError(
            f"{checkpoint.name}: its projector must be {' and '.join(_PROJECTOR)} (there: "
            f"{there:.80}); name a checkpoint that was trained as jina-reranker-v3"
        )
    shapes = [held[name][1] for name in _PROJECTOR]
    width = checkpoint.setting("hidden_size")
    if [len(shape) for shape in shapes] != [2, 2] or (shapes[0][1], shapes[1][1]) != (
        width,
        shapes[0][0],
    ):
        raise ModelError(
            f"{checkpoint.name}: its projector's shapes, {shapes}, do not follow on {width} "
            "numbers of the backbone; fetch the model again"
        )
    return [held[name][0] for name in _PROJECTOR]


def _projector(checkpoint: Checkpoint, device: Any) -> list[Any]:
    from safetensors import safe_open

    tensors = []
    for name, path in zip(_PROJECTOR, _projector_files(checkpoint), strict=True):
        with safe_open(path, framework="pt") as weights:
            tensors.append(weights.get_tensor(name).float().to(device))
    return tensors
