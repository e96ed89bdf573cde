"""Scoring heads on disk: `rerankbench_head.json` and its tensors beside an encoder's own files.

`docs/head-checkpoints.md` is the format's description. Reading imports no torch: shapes come from
the header of the safetensors file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError, NewerFileError, nearest
from rerankbench.files.whole import write_whole
from rerankbench.rerankers.files.checkpoint import HEAD_WEIGHTS
from rerankbench.rerankers.files.json_file import read_object
from rerankbench.rerankers.files.schemas import ConfigFile
from rerankbench.rerankers.files.weight_file import safetensors_header

NAME = "rerankbench_head.json"
WEIGHTS = HEAD_WEIGHTS
FORMAT = 1
HEADS = ("monobert", "mean", "celi")
_KEYS = ("format", "head", "token_dim")
_DTYPES = ("F32", "F16", "BF16")
# What configurations of transformers call the size of a hidden state.
_WIDTHS = ("hidden_size", "dim", "d_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Which head it is; `hidden_size` is what its tensors say of the encoder."""

    head: str
    token_dim: int | None
    hidden_size: int

    @property
    def reads_texts(self) -> bool:
        """Whether it must know which tokens are the query's and which the document's."""
        return self.head == "celi"


def read(folder: Path) -> Head:
    """The head in a checkpoint folder, all checked. Raises ModelError, NewerFileError."""
    path, weights = folder / NAME, folder / WEIGHTS
    for file in (path, weights):
        if not file.is_file():
            raise ModelError(
                f"{folder}: no {file.name} in it; write it with rerankers.heads.head_file.save"
            )
    head, token_dim = _checked(path, read_object(path, needed=True))
    header = safetensors_header(weights)
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    for name, entry in sorted(tensors.items()):
        if entry["dtype"] not in _DTYPES:
            raise ModelError(
                f"{weights}: {name} is {entry['dtype']}; save it as one of {', '.join(_DTYPES)}"
            )
    shapes = {name: tuple(entry["shape"]) for name, entry in tensors.items()}
    width = _check_shapes(weights, head, token_dim, shapes, _width(folder))
    return Head(head=head, token_dim=token_dim, hidden_size=width)


def save(folder: Path | str, head: str, weights: Mapping[str, Any]) -> None:
    """Write a head's two files into a folder that holds its encoder already.

    `weights` are arrays or tensors: `score.weight` (1 × D), `score.bias` (1), and for `celi`
    `tokens.weight` (D_tok × D) and `tokens.bias` (D_tok), as `torch.nn.Linear` holds them. They
    are written in float32. Raises ModelError where they do not fit each other or the encoder.
    """
    folder = Path(folder)
    arrays = {name: _array(value) for name, value in weights.items()}
    settings: dict[str, Any] = {"format": FORMAT, "head": head}
    if head == "celi":
        tokens = arrays.get("tokens.weight", np.empty(0))
        settings["token_dim"] = len(tokens) or None
    _, token_dim = _checked(folder / NAME, settings)
    shapes = {name: array.shape for name, array in arrays.items()}
    _check_shapes(folder / WEIGHTS, head, token_dim, shapes, _width(folder))

    from safetensors.numpy import save as serialised

    # The tensors first: where the JSON is, the head is whole.
    write_whole(folder / WEIGHTS, serialised(arrays))
    write_whole(folder / NAME, json.dumps(settings, indent=2) + "\n")


def _array(value: Any) -> npt.NDArray[np.float32]:
    """Of an array, a list, or a tensor of torch, which is known by how it leaves its graph."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.ascontiguousarray(value, dtype=np.float32)


def _checked(path: Path, settings: Mapping[str, Any]) -> tuple[str, int | None]:
    """Head and token dimension of what the JSON says."""
    form, head = settings.get("format"), settings.get("head")
    if type(form) is not int or form < 1:
        raise ModelError(f"{path}: 'format' must be {FORMAT} (given: {form!r:.60})")
    if form > FORMAT:
        raise NewerFileError(path, form, FORMAT)
    for key in settings:
        if key not in _KEYS:
            raise ModelError(f"{path}: unknown key '{key:.60}'; {nearest(key, _KEYS)}")
    if not isinstance(head, str) or head not in HEADS:
        raise ModelError(f"{path}: 'head' must be one of {', '.join(HEADS)} (given: {head!r:.60})")
    token_dim = settings.get("token_dim")
    if head != "celi":
        if "token_dim" in settings:
            raise ModelError(f"{path}: 'token_dim' is for the head celi; take it out of {head}")
        return head, None
    if type(token_dim) is not int or token_dim < 1:
        raise ModelError(
            f"{path}: celi needs 'token_dim', a whole number from 1 (given: {token_dim!r:.60})"
        )
    return head, token_dim


def _check_shapes(
    path: Path,
    head: str,
    token_dim: int | None,
    shapes: Mapping[str, Sequence[int]],
    width: int | None,
) -> int:
    """The hidden size that the tensors are for, the encoder's `width` where that is known."""
    of = "" if width is None else f" for hidden states of {width}"
    if width is None:
        width = [0, *shapes.get("score.weight", ())][-1]
    wanted: dict[str, tuple[int, ...]] = {"score.weight": (1, width), "score.bias": (1,)}
    if token_dim is not None:
        wanted |= {"tokens.weight": (token_dim, width), "tokens.bias": (token_dim,)}
    if set(shapes) != set(wanted):
        raise ModelError(
            f"{path}: {head} has the tensors {', '.join(wanted)} "
            f"(given: {', '.join(sorted(shapes)) or 'none'})"
        )
    for name, shape in wanted.items():
        if tuple(shapes[name]) != shape:
            raise ModelError(
                f"{path}: {name} is {_written(shapes[name])}; {head} needs {_written(shape)}{of}"
            )
    return width


def _written(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "a single number"


def _width(folder: Path) -> int | None:
    """The size of the encoder's hidden states, where its configuration says so."""
    config = read_object(folder / "config.json", ConfigFile, needed=True)
    sizes = (config.get(key) for key in _WIDTHS)
    return next((size for size in sizes if type(size) is int), None)
