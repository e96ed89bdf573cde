"""Packed rows against transformers' own model on one unpadded pair at a time."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterator, Sequence
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from torch._dynamo.utils import counters

from rerankbench.rerankers.engines import packed
from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.rerankers.engines.packed import PackedEngine
from rerankbench.rerankers.engines.positions import positions

from ... import tiny
from ..conftest import CheckpointOf

CPU = torch.device("cpu")
VOCABULARY = 200
# One token, repeats, the limit, and what exceeds ModernBERT's window of 8 to either side.
MIXED = [64, 64, 40, 17, 9, 9, 9, 3, 2, 1, 1, 10, 64]
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "bert": ("bert", 1, {}),
    "bert with two labels": ("bert", 2, {}),
    "electra": ("electra", 1, {}),
    "electra with two labels": ("electra", 2, {}),
    "roberta": ("roberta", 1, {}),
    "xlm-roberta": ("xlm-roberta", 2, {}),
    "camembert": ("camembert", 1, {}),
    "modernbert by first token": ("modernbert", 1, {"classifier_pooling": "cls"}),
    "modernbert by mean": ("modernbert", 2, {"classifier_pooling": "mean"}),
}
_transformers: Any = transformers


def _model(kind: str, labels: int = 1, **changes: Any) -> Any:
    """A seeded random classifier whose biases and norms are away from their initial values."""
    recipe = tiny.KINDS["roberta" if kind == "camembert" else kind]
    config = recipe.config(VOCABULARY, labels)
    name = recipe.model
    if kind == "camembert":
        name = "CamembertForSequenceClassification"
        config = _transformers.CamembertConfig(**config.to_dict() | {"model_type": kind})
    for key, value in changes.items():
        setattr(config, key, value)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = getattr(transformers, name)(config)
        for key, parameter in model.named_parameters():
            if key.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.3)
            elif "norm" in key.lower():
                torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
    return model.eval()


def _engine(model: Any, **options: Any) -> PackedEngine:
    """Around a copy: the engine keeps the model that it is given."""
    return PackedEngine(copy.deepcopy(model), device=CPU, **options)


def _rows(
    lengths: Sequence[int], *, types: bool = False, seed: int = 0, ids: tuple[int, int] = (5, 200)
) -> TokenRows:
    numbers = np.random.default_rng(seed)
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    tokens = int(offsets[-1])
    return TokenRows(
        ids=numbers.integers(*ids, tokens).astype(np.int32),
        types=numbers.integers(0, 2, tokens).astype(np.int32) if types else None,
        offsets=offsets,
    )


def _picked(rows: TokenRows, pairs: Sequence[int]) -> TokenRows:
    """Only these pairs, in this order."""
    spans = [slice(rows.offsets[i], rows.offsets[i + 1]) for i in pairs]
    return TokenRows(
        ids=np.concatenate([rows.ids[span] for span in spans]),
        types=None if rows.types is None else np.concatenate([rows.types[s] for s in spans]),
        offsets=np.concatenate(([0], np.cumsum(rows.lengths[list(pairs)]))),
    )


def _expected(model: Any, rows: TokenRows, attention: str = "eager") -> Logits:
    """Plain transformers, pair by pair."""
    plain = copy.deepcopy(model)
    plain.set_attn_implementation(attention)
    logits = []
    for start, end in zip(rows.offsets[:-1], rows.offsets[1:], strict=True):
        inputs = {"input_ids": rows.ids[start:end]}
        if rows.types is not None:
            inputs["token_type_ids"] = rows.types[start:end]
        tensors = {name: torch.from_numpy(ids)[None].long() for name, ids in inputs.items()}
        with torch.inference_mode():
            logits.append(plain(**tensors).logits[0].float().cpu().numpy())
    return np.stack(logits)


def _scored(engine: PackedEngine, rows: TokenRows) -> Logits:
    return engine.submit(rows, int(rows.lengths.max()))()


def _assert_close(found: Logits, expected: Logits, tolerance: float = 1e-5) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


# --- logits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("case", CASES)
def test_logits_are_those_of_one_pair_at_a_time(case: str, attention: str) -> None:
    kind, labels, changes = CASES[case]
    model, rows = _model(kind, labels, **changes), _rows(MIXED)
    expected = _expected(model, rows, attention)
    assert np.ptp(expected, axis=0).min() > 0.1, "a model that tells nothing apart proves nothing"
    _assert_close(_scored(_engine(model), rows), expected)


@pytest.mark.parametrize("kind", ["bert", "electra"])
def test_segment_ids_are_heeded(kind: str) -> None:
    model, rows = _model(kind), _rows(MIXED, types=True)
    found = _scored(_engine(model), rows)
    _assert_close(found, _expected(model, rows))
    without = TokenRows(ids=rows.ids, types=None, offsets=rows.offsets)
    assert np.abs(found - _scored(_engine(model), without)).max() > 0.01


@pytest.mark.parametrize("case", CASES)
def test_a_score_does_not_depend_on_its_neighbours(case: str) -> None:
    kind, labels, changes = CASES[case]
    engine, rows = _engine(_model(kind, labels, **changes)), _rows(MIXED)
    whole = _scored(engine, rows)
    backwards = list(reversed(range(len(MIXED))))
    _assert_close(_scored(engine, _picked(rows, backwards))[backwards], whole)
    for pair in range(len(MIXED)):
        _assert_close(_scored(engine, _picked(rows, [pair])), whole[[pair]])


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert", "bert", "modernbert"])
def test_padding_ids_within_a_text_are_tokens_like_any_other(kind: str) -> None:
    model, rows = _model(kind), _rows([12, 12, 7, 30, 1], ids=(0, 3))
    assert (rows.ids == model.config.pad_token_id).sum() > 5
    _assert_close(_scored(_engine(model), rows), _expected(model, rows))


def test_a_window_reaches_as_far_as_transformers_lets_it() -> None:
    for local_attention in (2, 4, 16, 128):
        model = _model("modernbert", local_attention=local_attention)
        rows = _rows([1, 2, 3, 4, 5, 7, 8, 9, 10, 17, 18, 19, 64])
        _assert_close(_scored(_engine(model), rows), _expected(model, rows))


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_batches_under_way_do_not_mix(kind: str) -> None:
    model = _model(kind)
    engine, batches = _engine(model), [_rows([9, 4, 4], seed=seed) for seed in range(3)]
    waiting = [engine.submit(rows, 9) for rows in batches]
    for logits, rows in zip(waiting, batches, strict=True):
        _assert_close(logits(), _expected(model, rows))


def test_two_engines_do_not_share_their_attention() -> None:
    first, second, rows = _model("bert"), _model("roberta"), _rows(MIXED)
    engines = _engine(first), _engine(second)
    for model, engine in zip((first, second), engines, strict=True):
        _assert_close(_scored(engine, rows), _expected(model, rows))


def test_a_config_that_the_layers_do_not_share_is_replaced_too() -> None:
    model, rows = _model("bert"), _rows(MIXED)
    apart = copy.deepcopy(model)
    apart.config = copy.deepcopy(apart.config)
    _assert_close(_scored(PackedEngine(apart, device=CPU), rows), _expected(model, rows))


def test_bfloat16_is_close() -> None:
    model, rows = _model("bert"), _rows(MIXED)
    found = _scored(_engine(model.bfloat16()), rows)
    _assert_close(found, _expected(model.float(), rows), tolerance=0.15)


def test_what_it_tells_about_itself() -> None:
    engine = _engine(_model("bert"))
    assert engine.attention_kernel == "sdpa per length"
    assert (engine.pads, engine.in_flight, engine.peak_device_bytes()) == (False, 0, None)


# --- positions and runs ------------------------------------------------------------------------

_LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


@given(lengths=_LENGTHS, seed=st.integers(0, 1000), padding=st.integers(0, 3))
def test_positions_are_those_of_roberta(lengths: list[int], seed: int, padding: int) -> None:
    rows = _rows(lengths, seed=seed, ids=(0, 5))
    embeddings: Any = _transformers.models.roberta.modeling_roberta.RobertaEmbeddings
    expected = [
        embeddings.create_position_ids_from_input_ids(torch.from_numpy(pair)[None], padding)[0]
        for pair in np.split(rows.ids, rows.offsets[1:-1])
    ]
    assert positions(rows, padding).tolist() == torch.cat(expected).tolist()


@given(lengths=_LENGTHS)
def test_positions_count_from_the_start_of_each_pair(lengths: list[int]) -> None:
    expected = [place for length in lengths for place in range(length)]
    assert positions(_rows(lengths), None).tolist() == expected


@given(lengths=_LENGTHS)
def test_runs_spell_out_the_lengths(lengths: list[int]) -> None:
    found = packed.runs(np.array(lengths, dtype=np.int64))
    assert [length for pairs, length in found for _ in range(pairs)] == lengths
    assert all(left[1] != right[1] for left, right in pairwise(found))


# --- kernels -----------------------------------------------------------------------------------


@torch.library.custom_op("rerankbench_tests::varlen", mutates_args={})
def _stand_in(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bounds: torch.Tensor,
    longest: int,
    scale: float,
    left: int,
    right: int,
) -> torch.Tensor:
    """What torch documents of varlen_attn, said by one dense matrix on the CPU."""
    assert bounds.dtype == torch.int32, "the kernels read int32"
    assert all(states.stride(-1) == 1 for states in (query, key, value)), "they read whole heads"
    lengths = bounds.diff()
    assert longest == int(lengths.max())
    assert int(bounds[-1]) == len(query)
    pair = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    ahead = torch.arange(len(query)) - torch.arange(len(query))[:, None]
    seen = pair == pair[:, None]
    if left >= 0:
        seen &= ahead >= -left
    if right >= 0:
        seen &= ahead <= right
    scores = torch.einsum("ihd,jhd->hij", query, key) * scale
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    return torch.einsum("hij,jhd->ihd", weights, value).contiguous()


@_stand_in.register_fake
def _(query: Any, *rest: Any) -> Any:
    return torch.empty_like(query, memory_format=torch.contiguous_format)


def _function(
    query: Any,
    key: Any,
    value: Any,
    cu_seq_q: Any,
    cu_seq_k: Any,
    max_q: int,
    max_k: int,
    *,
    scale: float,
    window_size: tuple[int, int],
) -> Any:
    assert cu_seq_q is cu_seq_k
    assert max_q == max_k
    return _stand_in(query, key, value, cu_seq_q, max_q, scale, *window_size)


@pytest.fixture
def varlen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that torch's varlen kernel runs here."""
    kernel = packed._varying(_function, "scale")
    monkeypatch.setattr(packed, "_choose", lambda *_: (packed._VARLEN, kernel))


@pytest.mark.usefixtures("varlen")
@pytest.mark.parametrize("case", CASES)
def test_a_varlen_kernel_is_given_what_it_documents(case: str) -> None:
    kind, labels, changes = CASES[case]
    model, rows = _model(kind, labels, **changes), _rows(MIXED)
    engine = _engine(model)
    assert engine.attention_kernel == "varlen (flash)"
    _assert_close(_scored(engine, rows), _expected(model, rows))


def _choice(
    monkeypatch: pytest.MonkeyPatch, *, capability: tuple[int, int] = (9, 0), **options: Any
) -> str:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    arguments = {"head_size": 64, "dtype": torch.bfloat16, "device": torch.device("cuda")}
    return packed._choose(**arguments | options)[0]  # type: ignore[arg-type]


def test_the_fastest_kernel_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_varlen", lambda: _function)
    assert _choice(monkeypatch) == "varlen (flash)"
    assert _choice(monkeypatch, dtype=torch.float16) == "varlen (flash)"
    slow: list[dict[str, Any]] = [
        {"dtype": torch.float32},
        {"device": CPU},
        {"capability": (7, 5)},
        {"head_size": 26},
        {"head_size": 264},
    ]
    for options in slow:
        assert _choice(monkeypatch, **options) == "sdpa per length", options


def test_flash_attn_stands_in_for_an_older_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_varlen", lambda: None)
    monkeypatch.setattr(packed, "find_spec", lambda name: name == "flash_attn")
    monkeypatch.setattr(packed, "import_module", lambda _: FlashAttn)
    assert _choice(monkeypatch) == "flash-attn"
    monkeypatch.setattr(packed, "find_spec", lambda _: None)
    assert _choice(monkeypatch) == "sdpa per length"


class FlashAttn:
    """What is called of the package flash-attn."""

    @staticmethod
    def flash_attn_varlen_func(*arguments: Any, softmax_scale: float, **options: Any) -> Any:
        return _function(*arguments, scale=softmax_scale, **options)


def test_flash_attn_is_given_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = packed._varying(FlashAttn.flash_attn_varlen_func, "softmax_scale")
    monkeypatch.setattr(packed, "_choose", lambda *_: ("flash-attn", kernel))
    model, rows = _model("modernbert"), _rows(MIXED)
    _assert_close(_scored(_engine(model), rows), _expected(model, rows))


def test_torch_s_varlen_function_takes_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    varlen = pytest.importorskip("torch.nn.attention.varlen")
    signature = inspect.signature(varlen.varlen_attn)
    if "window_size" not in signature.parameters:
        pytest.skip("this torch's kernel takes no windows")
    names = list(inspect.signature(_function).parameters)
    signature.bind(*names[:7], **dict.fromkeys(names[7:]))
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    assert packed._varlen() is varlen.varlen_attn
    monkeypatch.setattr(varlen, "varlen_attn", lambda query, is_causal=False: None)
    assert packed._varlen() is None, "a function without windows"
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: False)
    assert packed._varlen() is None


# --- compiled ----------------------------------------------------------------------------------


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """torch.compile without code generation: what is tested is what gets traced."""
    torch._dynamo.reset()
    counters.clear()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    yield
    torch._dynamo.reset()


_BATCHES = [[9, 5, 5, 3], [60, 40, 40, 2, 1], [64, 64], [7, 6, 5, 4], [30], [9, 9, 9, 1]]


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert"])
def test_compiled_code_serves_every_batch(kind: str) -> None:
    model = _model(kind)
    engine = _engine(model, compiled=True)
    for seed, lengths in enumerate(_BATCHES):
        rows = _rows(lengths, seed=seed)
        _assert_close(_scored(engine, rows), _expected(model, rows))
        if seed == 0:
            graphs = counters["stats"]["unique_graphs"]
    assert counters["stats"]["unique_graphs"] == graphs, "it was compiled again for another batch"


@pytest.mark.slow
@pytest.mark.usefixtures("traced", "varlen")
@pytest.mark.parametrize("kind", ["bert", "electra", "roberta", "modernbert"])
def test_with_varlen_the_whole_encoder_is_one_graph(kind: str) -> None:
    model = _model(kind)
    engine = _engine(model, compiled=True)
    for seed, lengths in enumerate(_BATCHES):
        rows = _rows(lengths, seed=seed)
        _assert_close(_scored(engine, rows), _expected(model, rows))
    assert counters["stats"]["unique_graphs"] == 1


# --- which models ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_known_models_run_packed(case: str) -> None:
    kind, labels, changes = CASES[case]
    assert packed.obstacle(_model(kind, labels, **changes).config.to_dict()) is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "deberta-v2"}, "architecture deberta-v2"),
        ({}, "architecture None"),
        ({"model_type": "bert", "is_decoder": True}, "encoders only"),
        ({"model_type": "bert", "position_embedding_type": "relative_key"}, "absolute positions"),
        ({"model_type": "xlm-roberta", "auto_map": {"AutoModel": "their.Model"}}, "own code"),
        (
            {
                "model_type": "modernbert",
                "rope_parameters": {"full_attention": {"rope_type": "dynamic"}},
            },
            "longest pair",
        ),
        ({"model_type": "modernbert", "rope_scaling": {"type": "longrope"}}, "longest pair"),
    ],
)
def test_other_models_do_not(config: dict[str, Any], expected: str) -> None:
    assert expected in str(packed.obstacle(config))


def test_the_first_transformers_5_lacks_the_interface_for_modernbert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "5.0.1")
    assert "5.1" in str(packed.obstacle({"model_type": "modernbert"}))
    assert packed.obstacle({"model_type": "bert"}) is None


# --- on a GPU ----------------------------------------------------------------------------------

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
GPU_KINDS = ["bert", "electra", "roberta", "xlm-roberta", "modernbert"]


def _on_gpu(folder: Path, dtype: torch.dtype, **options: Any) -> PackedEngine:
    model = _transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype)
    device = torch.device("cuda")
    return PackedEngine(model.to(device).eval(), device=device, **options)


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("kind", GPU_KINDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_gpu_gives_the_logits_of_the_cpu(
    checkpoint_of: CheckpointOf, kind: str, dtype: torch.dtype
) -> None:
    _, model = tiny.reference(checkpoint_of(kind))
    engine, rows = _on_gpu(checkpoint_of(kind), dtype), _rows(MIXED, ids=(5, 90))
    full = dtype == torch.float32
    assert (engine.attention_kernel == "sdpa per length") is full
    _assert_close(_scored(engine, rows), _expected(model, rows), 1e-3 if full else 0.2)
    assert (engine.peak_device_bytes() or 0) > 0
    assert engine.in_flight == 1


@pytest.mark.gpu
@gpu
def test_a_gpu_finishes_many_batches_in_their_order(checkpoint_of: CheckpointOf) -> None:
    _, model = tiny.reference(checkpoint_of("bert"))
    engine = _on_gpu(checkpoint_of("bert"), torch.bfloat16)
    batches = [_rows([60, 9, 4, 4], seed=seed, ids=(5, 90)) for seed in range(20)]
    waiting = [engine.submit(rows, 60) for rows in batches]
    for logits, rows in zip(waiting, batches, strict=True):
        _assert_close(logits(), _expected(model, rows), 0.2)


@pytest.mark.gpu
@gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("kind", GPU_KINDS)
def test_submitting_never_waits_for_the_gpu(
    checkpoint_of: CheckpointOf, kind: str, dtype: torch.dtype
) -> None:
    engine, rows = _on_gpu(checkpoint_of(kind), dtype), _rows(MIXED, ids=(5, 90))
    expected = _scored(engine, rows)
    torch.cuda.set_sync_debug_mode("error")
    try:
        waiting = engine.submit(rows, 64)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    _assert_close(waiting(), expected)


@pytest.mark.gpu
@pytest.mark.slow
@gpu
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_compiled_code_runs_on_a_gpu(checkpoint_of: CheckpointOf, kind: str) -> None:
    _, model = tiny.reference(checkpoint_of(kind))
    engine = _on_gpu(checkpoint_of(kind), torch.bfloat16, compiled=True)
    for seed, lengths in enumerate(_BATCHES):
        rows = _rows(lengths, seed=seed, ids=(5, 90))
        _assert_close(_scored(engine, rows), _expected(model, rows), 0.2)
