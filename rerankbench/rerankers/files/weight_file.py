"""Facts of a safetensors file, read from its header alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError


def weight_count(path: Path) -> int:
    """Numbers in the file that are learned: floats. Raises ModelError."""
    return sum(
        math.prod(tensor["shape"])
        for name, tensor in safetensors_header(path).items()
        if name != "__metadata__" and tensor["dtype"][0] in "FB"
    )


def safetensors_header(path: Path) -> Mapping[str, Any]:
    """What the file says of its tensors: dtype and shape by name. Raises ModelError."""
    # The format: 8 bytes of length (little endian), then a JSON header of that length.
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if not 2 <= length <= path.stat().st_size - 8:
                raise ValueError("its header is longer than the file")
            header = json.loads(handle.read(length))
    except ValueError as error:
        raise ModelError(f"{path}: is no safetensors file ({error}); fetch it again") from None
    if not isinstance(header, dict) or not all(map(_is_tensor, header.items())):
        raise ModelError(f"{path}: is no safetensors file (no header); fetch it again")
    return header


def _is_tensor(entry: tuple[str, Any]) -> bool:
    name, tensor = entry
    if name == "__metadata__":
        return True
    return (
        isinstance(tensor, dict)
        and isinstance(tensor.get("shape"), list)
        and all(isinstance(size, int) for size in tensor["shape"])
        and bool(tensor.get("dtype"))
        and isinstance(tensor["dtype"], str)
    )
