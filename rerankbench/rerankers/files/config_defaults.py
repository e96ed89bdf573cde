"""What a config.json leaves to transformers: the default of the class that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any


def setting(config: Mapping[str, Any], key: str) -> Any:
    """What a config says under a key or its other name, else transformers' default.

    None where neither knows it. Only for a key that is missing is transformers imported.
    """
    if key in config:
        return config[key]
    other_name, default = _default(str(config.get("model_type")), key)
    return config.get(other_name, default)


@cache
def _default(model_type: str, key: str) -> tuple[str, Any]:
    """What an architecture calls a setting in its files, and its default."""
    from transformers import CONFIG_MAPPING

    if model_type not in CONFIG_MAPPING:
        return key, None
    kind: Any = CONFIG_MAPPING[model_type]
    return kind.attribute_map.get(key, key), getattr(kind(), key, None)
