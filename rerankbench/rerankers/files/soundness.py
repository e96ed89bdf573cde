"""Refuses checkpoints that would load and score wrongly: positions, adapters, weights."""

from __future__ import annotations

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.checkpoint import HEAD_WEIGHTS, Checkpoint
from rerankbench.rerankers.files.weight_file import WHOLE

# Files of PEFT; a folder may have them beside the base model.
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
# Architectures that add an embedding of each token's place to it, and once had other ways too.
_WITH_TABLES = frozenset(
    {"albert", "bert", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "layoutlm"}
    | {"lilt", "markuplm", "megatron-bert", "mra", "nezha", "nystromformer", "roberta"}
    | {"roberta-prelayernorm", "roc_bert", "splinter", "xlm-roberta", "xlm-roberta-xl", "xmod"}
    | {"yoso"}
)


def check(checkpoint: Checkpoint, *, with_code: bool) -> None:
    """Raises ModelError with the remedy; `with_code`: the model's own code is trusted."""
    _check_positions(checkpoint, with_code=with_code)
    _check_adapters(checkpoint)
    _check_weights(checkpoint)


def _check_positions(checkpoint: Checkpoint, *, with_code: bool) -> None:
    """Refuse positions that transformers has no code for, such as it had up to release 4."""
    kind = checkpoint.config.get("position_embedding_type", "absolute")
    without_table = checkpoint.config.get("model_type") not in _WITH_TABLES
    if kind == "absolute" or (without_table and not kind.startswith("relative_key")):
        return
    if "auto_map" not in checkpoint.config:
        raise ModelError(
            f"{checkpoint.name}: its positions are {kind:.40}, which transformers 5 has no code "
            "for: its weights for them would not be used; name a model with absolute positions"
        )
    if not with_code:
        raise ModelError(
            f"{checkpoint.name}: its positions are {kind:.40}, which need its own code; read it, "
            "then name the model in a config with 'trust_remote_code: true' and its revision"
        )


def _check_adapters(checkpoint: Checkpoint) -> None:
    for folder in {checkpoint.folder, checkpoint.transformer}:
        if adapter := next((name for name in _ADAPTERS if (folder / name).exists()), None):
            raise ModelError(
                f"{checkpoint.name}: holds an adapter ({adapter}), which is not applied; merge it "
                "with its base model (peft's merge_and_unload), save that and name its folder"
            )


def _check_weights(checkpoint: Checkpoint) -> None:
    if checkpoint.weight_files() or (checkpoint.folder / HEAD_WEIGHTS).is_file():
        return
    others = sorted(path.name for path in checkpoint.transformer.glob("*.safetensors"))
    pickled = any(checkpoint.transformer.glob("*.bin"))
    if others:
        raise ModelError(
            f"{checkpoint.name}: its weights are not called {WHOLE} (there: {others[0]:.60}), so "
            "transformers does not find them; save it with model.save_pretrained(folder)"
        )
    why = " (pickled *.bin weights can run code and are not loaded)" if pickled else ""
    raise ModelError(
        f"{checkpoint.name}: no *.safetensors in it{why}; "
        "save it with model.save_pretrained(folder) and name that folder"
    )
