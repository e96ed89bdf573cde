"""JSON files of checkpoints, read with one clear line for what can be wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.schemas import Schema, checked


def read_object(
    path: Path, schema: type[Schema] | None = None, *, needed: bool = False
) -> Mapping[str, Any]:
    """The JSON object in a file; empty for a file that is not there, unless it is `needed`.

    Raises ModelError, also for values that are not what the `schema` says.
    """
    value = read_value(path, needed=needed)
    if value is None and not path.exists():
        return {}
    if not isinstance(value, dict):
        raise ModelError(f"{path}: is no JSON object; fetch the model again")
    return value if schema is None else checked(path, schema, value)


def read_value(path: Path, *, needed: bool = False) -> Any:
    """The JSON value in a file; None for one that is not there. Raises ModelError."""
    if not path.exists() and not needed:
        return None
    if path.exists() and not path.is_file():
        raise ModelError(f"{path}: is no regular file; fetch the model again")
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_constant)
    except FileNotFoundError:
        if (path.parent / "adapter_config.json").exists():
            raise ModelError(
                f"{path.parent}: is an adapter without its base model; merge the two (peft's "
                "merge_and_unload) and save the result"
            ) from None
        raise ModelError(f"{path.parent}: no {path.name} in it; is it a model folder?") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check it") from None
    except RecursionError:
        raise ModelError(f"{path}: is nested too deeply; fetch the model again") from None
    except ValueError as error:
        raise ModelError(f"{path}: is not JSON ({error!s:.100}); fetch the model again") from None


def _constant(written: str) -> float:
    """Infinity, which transformers writes for some settings; NaN is no number."""
    if written == "NaN":
        raise ValueError("NaN is no number")
    return float(written)
