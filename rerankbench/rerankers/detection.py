"""Detects the family of a checkpoint from its own files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rerankbench import registry
from rerankbench.errors import ModelError
from rerankbench.protocols import LoadableReranker, RerankerFactory, RerankerSpec
from rerankbench.rerankers.embedding.late_interaction_files import is_late_interaction
from rerankbench.rerankers.files import modules_file, source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import LAST_TOKEN_DECODERS
from rerankbench.rerankers.heads import head_file

# More of them, whose classifiers were trained on conversations or on plain pairs: files tell.
_CHATTING = LAST_TOKEN_DECODERS | frozenset(
    {"arcee", "exaone4", "glm", "glm4", "helium", "hunyuan_v1_dense", "ministral", "mixtral"}
    | {"nemotron", "olmo", "olmo2", "olmo3", "phi", "qwen2_moe", "qwen3_moe", "seed_oss"}
    | {"smollm3", "stablelm", "starcoder2"}
)
# https://huggingface.co/castorini/rank_zephyr_7b_v1_full and its copies; nothing else names it.
_WRITES_ORDERS = re.compile(r"rank[-_]?zephyr")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedFactory:
    """Hands every request to the factory of the family that the files tell."""

    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> LoadableReranker:
        """What will be run, from the files alone. Raises ModelError, UsageError."""
        family = family_of(source.checkpoint_of(spec))
        factory: RerankerFactory = registry.load("rerankers", family)
        return factory.identify(spec)


FACTORY = DetectedFactory()


def family_of(checkpoint: Checkpoint) -> str:
    """The family's registered name. Raises ModelError if it cannot be detected."""
    if (checkpoint.folder / head_file.NAME).is_file():
        return "head"
    saved = modules_file.read(checkpoint.folder)
    if is_late_interaction(checkpoint, saved):
        return "late-interaction"
    listed = None if saved is None else _listed_family(saved, checkpoint)
    return listed or _family_of_architecture(checkpoint)


def _listed_family(saved: modules_file.SavedModules, checkpoint: Checkpoint) -> str | None:
    """The family that a list of modules implies; None if the transformer's own class decides."""
    if "LogitScore" in saved.kinds:
        return "causal-lm"
    if saved.model_type == "CrossEncoder":
        if saved.heads:
            return "cross-encoder-modules"
        if saved.transformer.get("transformer_task") != "sequence-classification":
            return None
        in_chat = "message" in (saved.transformer.get("modality_config") or {})
        if in_chat and checkpoint.config.get("model_type") in _CHATTING:
            return "causal-lm"
        return _family_of_labels(checkpoint)
    if saved.model_type == "SentenceTransformer" and "Pooling" in saved.kinds:
        return "bi-encoder"
    return None


def _family_of_labels(checkpoint: Checkpoint) -> str:
    decodes = checkpoint.config.get("model_type") in LAST_TOKEN_DECODERS
    return "causal-lm" if decodes else "sequence-classification"


def _family_of_architecture(checkpoint: Checkpoint) -> str:
    architecture = checkpoint.architecture
    if architecture.endswith("ForSequenceClassification"):
        return _family_of_labels(checkpoint)
    if architecture.endswith("ForCausalLM"):
        # Not the card's base model: what was trained on from there may do anything.
        own = (checkpoint.name, checkpoint.folder.name, checkpoint.config.get("_name_or_path"))
        writes_orders = any(_WRITES_ORDERS.search(str(name).lower()) for name in own)
        return "listwise" if writes_orders else "causal-lm"
    if architecture.endswith("ForConditionalGeneration"):
        return "seq2seq"
    if architecture == "JinaForRanking":
        return "jina-v3"
    raise ModelError(
        f"{checkpoint.name}: nothing in its files says how it scores (architecture: "
        f"{architecture:.60}); name its 'family' in a config: {', '.join(_families())}"
    )


def _families() -> list[str]:
    """The registered names that a checkpoint can be of."""
    rows = {"bm25", "oracle", "random", "demo-cross-encoder", "detected", "http"}
    return [name for name in registry.built_in("rerankers") if name not in rows]
