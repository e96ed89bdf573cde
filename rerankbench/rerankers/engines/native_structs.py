"""The structs of the native encoder, field by field as in native_encoder.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from rerankbench.errors import ModelError


class Layer(ctypes.Structure):
    """Addresses of one layer's weights."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in (
            *("qkv", "out", "up", "down"),
            *("qkv_bias", "out_bias", "up_bias", "down_bias"),
            *("attention_norm", "attention_shift", "output_norm", "output_shift"),
        )
    ]


class Encoder(ctypes.Structure):
    """A model: its sizes, its products, and addresses of its tables and layers."""

    _fields_ = [
        *((n, ctypes.c_int64) for n in ("layer_count", "hidden", "heads", "inner", "activation")),
        ("epsilon", ctypes.c_double),
        *((n, ctypes.c_void_p) for n in ("product", "release")),
        *((n, ctypes.c_void_p) for n in ("words", "positions", "types", "norm", "shift")),
        ("layers", ctypes.c_void_p),
        *((n, ctypes.c_void_p) for n in ("word_projections", "position_projections")),
        *((n, ctypes.c_void_p) for n in ("type_projections", "projection_bias")),
    ]


class Batch(ctypes.Structure):
    """Addresses of a batch's tokens and of what is made of them."""

    _fields_ = [
        ("group_count", ctypes.c_int64),
        *((n, ctypes.c_void_p) for n in ("groups", "offsets", "ids", "positions", "types")),
        *((n, ctypes.c_void_p) for n in ("contexts", "residuals", "next")),
    ]


class _Place(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("number", ctypes.c_int64)]


def check_layout(library: ctypes.CDLL) -> None:
    """Raise ModelError for a library with other structs, or another memory layout."""
    length = ctypes.c_int64.in_dll(library, "kLayoutLength").value
    theirs = (_Place * length).in_dll(library, "kLayout")
    ours = [place for struct in (Layer, Encoder, Batch) for place in _layout(struct)]
    if [(entry.name.decode(), entry.number) for entry in theirs] != ours:
        raise ModelError(
            "engine native: native_structs.py and native_encoder.cpp do not declare the same "
            "structs; install rerankbench again, or use --engine torch"
        )


def _layout(struct: type[ctypes.Structure]) -> Iterator[tuple[str, int]]:
    """The struct's name and size, then its fields' names and where they begin."""
    yield struct.__name__, ctypes.sizeof(struct)
    for field in struct._fields_:
        yield field[0], getattr(struct, field[0]).offset
