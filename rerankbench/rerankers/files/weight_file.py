"""Which files hold a model's weights, and the facts in the header of a safetensors file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rerankbench.errors import ModelError

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# How transformers ends the name of a list of parts.
_INDEX_END = ".safetensors.index.json"


def weight_files(folder: Path, named: str | None = None) -> tuple[Path, ...]:
    """The files that transformers would load from a folder; none where it finds none.

    A folder may hold the same weights several times: as one file and in parts, in other dtypes,
    under the names of other libraries. `named` is what config.json says under
    `transformers_weights`. Raises ModelError for a list of parts that cannot be followed.
    """
    if named is not None:
        chosen = folder / named
        pure = PurePosixPath(named)
        if pure.is_absolute() or ".." in pure.parts or "\0" in named:
            raise ModelError(f"{folder}: its weights, {named!r:.80}, lie outside; fetch it again")
        if not chosen.is_file():
            raise ModelError(f"{folder}: no {named:.80}, which its config names; fetch it again")
        return _parts(chosen) if named.endswith(_INDEX_END) else (chosen,)
    if (folder / WHOLE).is_file():
        return (folder / WHOLE,)
    return _parts(folder / INDEX) if (folder / INDEX).is_file() else ()


def _parts(path: Path) -> tuple[Path, ...]:
    """The files that a list of parts names."""
    try:
        names = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
        escaping = [n for n in names if PurePosixPath(n).name != n or len(n) > 250 or "\0" in n]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{path}: is no list of weight files; fetch the model again") from None
    for name in escaping:
        raise ModelError(f"{path}: '{name:.80}' is no file of its folder; fetch the model again")
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing or not names:
        raise ModelError(
            f"{path}: {len(missing)} of {len(names)} files are missing"
            + (f", such as {missing[0]:.80}" if missing else "")
            + "; fetch the model again"
        )
    return tuple(path.parent / name for name in names)


def weight_count(paths: Iterable[Path]) -> int:
    """Numbers in the files that are learned: floats, each tensor once. Raises ModelError."""
    sizes = {
        name: math.prod(tensor["shape"])
        for path in paths
        for name, tensor in safetensors_header(path).items()
        if name != "__metadata__" and tensor["dtype"][0] in "FB" and tensor["dtype"] != "BOOL"
    }
    return sum(sizes.values())


def safetensors_header(path: Path) -> Mapping[str, Any]:
    """The tensors listed in the file: dtype and shape by name. Raises ModelError."""
    # The format: 8 bytes of length (little endian), then a JSON header of that length.
    try:
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if not 2 <= length <= path.stat().st_size - 8:
                raise ValueError("its header is longer than the file")
            header = json.loads(handle.read(length))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check it") from None
    except RecursionError:
        raise ModelError(f"{path}: is no safetensors file (nested); fetch it again") from None
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
        and all(isinstance(size, int) and size >= 0 for size in tensor["shape"])
        and bool(tensor.get("dtype"))
        and isinstance(tensor["dtype"], str)
    )
