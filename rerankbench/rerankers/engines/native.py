"""The native engine: a BERT-like encoder in C++ over unpadded pairs, on the CPU's own kernels.

Everything up to the last layer's attention is native (native_encoder.cpp); the last layer's rest
and the classification head see one row a pair and run in torch, in float32.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError
from rerankbench.rerankers.engines import native_library
from rerankbench.rerankers.engines.choice import NATIVE_ACTIVATIONS
from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.rerankers.engines.native_structs import Batch, Encoder, Layer
from rerankbench.rerankers.engines.positions import padding_before_positions, positions

if TYPE_CHECKING:
    import torch

# Short pairs go together until they are so many tokens; their activations then still fit a cache.
GROUP_TOKENS = 512
# Columns of a weight panel (kPanel in native_encoder.cpp).
_PANEL = 64
# The first layer's projections are read from a table of the vocabulary where it is this small:
# beyond, building it takes longer than it saves in most jobs.
_MOST_TABLE_BYTES = 128 * 2**20
_FAILURES = {
    1: "memory ran out; lower --batch-tokens",
    2: "torch's matrix product failed; use --engine torch",
}


class NativeEngine:
    """A classifier of transformers whose encoder runs natively. Raises ModelError when built."""

    pads = False
    # While threads are in one batch the next is made ready, so that none runs out of work.
    in_flight = 1

    def __init__(self, model: Any, *, dtype: str, threads: int) -> None:
        """`model` is loaded in float32; its layers but the last are taken over and emptied."""
        import torch

        self.attention_kernel = "native"
        self._library = native_library.library()
        self._function = getattr(self._library, f"encode_{dtype}")
        self._function.argtypes = [ctypes.POINTER(Encoder), ctypes.POINTER(Batch)]
        self._kept: list[torch.Tensor] = []
        self._bfloat16 = dtype == "bfloat16"
        self._hidden = int(model.config.hidden_size)
        self._padding = padding_before_positions(model.config)
        self._encoder = self._take_over(model, dtype)
        self._tail = _tail(model)
        self._threads = threads
        # Torch is left a few rows: its other threads would spin on cores that are needed here.
        torch.set_num_threads(1)
        # The product's kernels are generated once a thread: the threads live as long as this.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="native")

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Hand the pairs to all threads; the returned call waits for the logits."""
        places = self._checked_positions(rows)
        pairs = len(rows.offsets) - 1
        contexts = np.empty((pairs, self._hidden), dtype=np.float32)
        residuals = np.empty_like(contexts)
        taken = np.zeros(1, dtype=np.int64)
        groups = _groups(rows.lengths)
        inputs = (
            groups,
            np.ascontiguousarray(rows.offsets, dtype=np.int64),
            *(
                None if ids is None else np.ascontiguousarray(ids, dtype=np.int32)
                for ids in (rows.ids, places, rows.types)
            ),
        )
        outputs = (contexts, residuals, taken)
        batch = Batch(
            len(groups) - 1,
            *(None if array is None else array.ctypes.data for array in (*inputs, *outputs)),
        )
        arrays = (inputs, outputs)
        work = [self._pool.submit(self._encode, batch, arrays) for _ in range(self._threads)]

        def logits() -> Logits:
            import torch

            for failure in {job.result() for job in work} - {0}:
                raise ModelError(f"engine native: {_FAILURES[failure]}")
            with torch.inference_mode():
                scores = self._tail(torch.from_numpy(contexts), torch.from_numpy(residuals))
            return scores.numpy()

        return logits

    def _encode(self, batch: Batch, arrays: object) -> int:
        """One thread's share of a batch.

        The batch points into its arrays, the encoder into the weights: the call holds all of them,
        so that they outlive the work even where nobody waits for it any more, as after an error.
        """
        return int(self._function(self._encoder, batch))

    def _checked_positions(self, rows: TokenRows) -> npt.NDArray[np.int64]:
        """Position ids. Raises ModelError where any id is beyond its table: C++ does not look."""
        tokens, furthest, segments = self._rows_of_tables
        types = np.zeros(1, dtype=np.int32) if rows.types is None else rows.types
        apart = rows.types is not None and len(rows.types) != len(rows.ids)
        if apart or rows.offsets[0] != 0 or rows.offsets[-1] != len(rows.ids):
            raise ModelError("engine native: offsets, ids and types do not fit each other")
        if rows.lengths.min(initial=1) < 1:
            raise ModelError("engine native: a pair has no token; use --engine torch")
        places = positions(rows, self._padding)
        for what, ids, most in (
            ("token", rows.ids, tokens),
            ("position", places, furthest),
            ("segment", types, segments),
        ):
            if ids.min(initial=0) < 0 or ids.max(initial=0) >= most:
                raise ModelError(
                    f"engine native: {what} ids are {ids.min()} to {ids.max()}, and the model "
                    f"has embeddings for {most}; name the tokeniser that it was trained with"
                )
        return places

    def peak_device_bytes(self) -> int | None:
        """None: there is no accelerator."""
        return None

    def _take_over(self, model: Any, dtype: str) -> Encoder:
        base, config = model.base_model, model.config
        layers = (Layer * len(base.encoder.layer))(*map(self._layer, base.encoder.layer))
        self._layers = layers
        tables = base.embeddings
        self._rows_of_tables = tuple(
            len(table.weight)
            for table in (
                tables.word_embeddings,
                tables.position_embeddings,
                tables.token_type_embeddings,
            )
        )
        product, release = native_library.products(dtype)
        encoder = Encoder(
            len(layers),
            self._hidden,
            config.num_attention_heads,
            config.intermediate_size,
            NATIVE_ACTIVATIONS[config.hidden_act],
            config.layer_norm_eps,
            product,
            release,
            *(
                self._keep(table.weight)
                for table in (
                    tables.word_embeddings,
                    tables.position_embeddings,
                    tables.token_type_embeddings,
                    tables.LayerNorm,
                )
            ),
            self._keep(tables.LayerNorm.bias),
            ctypes.addressof(layers),
            *self._first_projections(tables, base.encoder.layer[0].attention.self),
        )
        del base.encoder.layer[:-1]
        return encoder

    def _layer(self, layer: Any) -> Layer:
        after = layer.attention.output
        projection, bias = _projection(layer.attention.self)
        return Layer(
            self._pack(projection),
            self._pack(after.dense.weight),
            self._pack(layer.intermediate.dense.weight),
            self._pack(layer.output.dense.weight),
            self._keep(bias),
            self._keep(after.dense.bias),
            self._keep(layer.intermediate.dense.bias),
            self._keep(layer.output.dense.bias),
            *(self._keep(part) for part in (after.LayerNorm.weight, after.LayerNorm.bias)),
            *(self._keep(x) for x in (layer.output.LayerNorm.weight, layer.output.LayerNorm.bias)),
        )

    def _first_projections(self, embeddings: Any, attention: Any) -> tuple[int, ...]:
        """Addresses of the first layer's projections of every word, position and type.

        LayerNorm subtracts a mean, which each embedding can do without the others, and divides by
        one number a token; all else up to the projections is linear and is done here once.
        Nothing for a vocabulary whose table would be large.
        """
        import torch

        element_bytes = 2 if self._bfloat16 else 4
        words = embeddings.word_embeddings.weight
        if len(words) * 3 * self._hidden * element_bytes > _MOST_TABLE_BYTES:
            return ()
        norm = embeddings.LayerNorm
        with torch.inference_mode():
            weight, bias = _projection(attention)
            scaled = weight * norm.weight

            def projected(table: torch.Tensor) -> torch.Tensor:
                product: torch.Tensor = (table - table.mean(dim=1, keepdim=True)) @ scaled.T
                return product

            of_words = projected(words).to(torch.bfloat16 if self._bfloat16 else torch.float32)
            return (
                self._keep(of_words),
                self._keep(projected(embeddings.position_embeddings.weight)),
                self._keep(projected(embeddings.token_type_embeddings.weight)),
                self._keep(bias + weight @ norm.bias),
            )

    def _keep(self, tensor: torch.Tensor) -> int:
        """Address of a tensor that lives as long as the engine."""
        self._kept.append(tensor.detach().contiguous())
        return self._kept[-1].data_ptr()

    def _pack(self, weight: torch.Tensor) -> int:
        """A weight (out × in) as panels of 64 outputs, each in × 64; bfloat16 in pairs of rows."""
        import torch

        outputs, inputs = weight.shape
        panels = -(-outputs // _PANEL)
        full = torch.zeros(panels * _PANEL, inputs)
        full[:outputs] = weight.detach()
        if self._bfloat16:
            paired = full.view(panels, _PANEL, inputs // 2, 2).permute(0, 2, 1, 3)
            return self._keep(paired.to(torch.bfloat16))
        return self._keep(full.view(panels, _PANEL, inputs).permute(0, 2, 1))


def _projection(attention: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (3 · hidden × hidden) and bias of queries, keys and values together.

    Scores come out in units of log 2, so that softmax needs 2^x alone.
    """
    import torch

    scale = math.log2(math.e) / math.sqrt(attention.attention_head_size)
    parts = ((attention.query, scale), (attention.key, 1.0), (attention.value, 1.0))
    with torch.inference_mode():
        weight = torch.cat([part.weight * factor for part, factor in parts])
        return weight, torch.cat([part.bias * factor for part, factor in parts])


def _groups(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bounds of runs of pairs with at most `GROUP_TOKENS` tokens, or of single longer pairs."""
    bounds, tokens = [0], 0
    for pair, length in enumerate(lengths.tolist()):
        if tokens and tokens + length > GROUP_TOKENS:
            bounds.append(pair)
            tokens = 0
        tokens += length
    return np.array([*bounds, len(lengths)], dtype=np.int64)


def _tail(model: Any) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The steps after the last layer's attention, for first tokens only: pairs × labels."""
    base = model.base_model
    layer, pooler = base.encoder.layer[-1], getattr(base, "pooler", None)

    def run(contexts: torch.Tensor, residuals: torch.Tensor) -> torch.Tensor:
        attended = layer.attention.output(contexts, residuals)
        first = layer.output(layer.intermediate(attended), attended)[:, None]
        return model.classifier(first if pooler is None else pooler(first))  # type: ignore[no-any-return]

    return run
