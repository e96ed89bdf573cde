"""Defaults that transformers uses for settings missing in a config.json."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

# Positions that are added to scores, or none at all: nothing limits their length.
WITHOUT_POSITIONS = frozenset({"t5", "mt5", "umt5", "xlnet"})
# These count positions from after the padding id, and skip padding tokens: in transformers all
# whose code has `create_position_ids_from_input_ids`.
COUNTED_AFTER_PADDING = frozenset(
    {"camembert", "data2vec-text", "esm", "ibert", "layoutlmv3", "lilt", "longformer", "luke"}
    | {"markuplm", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl"}
    | {"xmod"}
)


def setting(config: Mapping[str, Any], key: str) -> Any:
    """What a config says under a key or its other name, else transformers' default.

    None where neither knows it. Only for a key that is missing is transformers imported.
    """
    if config.get(key) is not None or not config.get("model_type"):
        return config.get(key)
    other_name, default = _default(str(config["model_type"]), key)
    value = config.get(other_name)
    return default if value is None else value


@cache
def _default(model_type: str, key: str) -> tuple[str, Any]:
    """What an architecture calls a setting in its files, and its default."""
    from transformers import CONFIG_MAPPING

    if model_type not in CONFIG_MAPPING:
        return key, None
    kind: Any = CONFIG_MAPPING[model_type]
    try:
        made = kind()
    except ValueError:
        return key, None  # A pair of two models, each with a configuration of its own.
    return kind.attribute_map.get(key, key), getattr(made, key, None)
