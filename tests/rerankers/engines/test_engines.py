"""Every engine gives the scores of plain transformers; which one runs is decided in one place."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import EngineChoice, Job, RerankerSpec
from rerankbench.rerankers.engines import choice, cpu, native, native_library
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.engines.native import NativeEngine
from rerankbench.rerankers.sequence_classification import FACTORY
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from ..conftest import CheckpointOf

_transformers: Any = transformers
AVX512 = frozenset({"avx2", "avx512f"})
BFLOAT16 = AVX512 | {"avx512_bf16"}
BERT = {
    "model_type": "bert",
    "hidden_size": 384,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "hidden_act": "gelu",
}

needs_native = pytest.mark.skipif(
    choice.obstacle("native", RerankerSpec(model="", dtype="float32"), BERT) is not None,
    reason="no AVX-512 or no C++ compiler",
)
needs_bfloat16 = pytest.mark.skipif(
    not cpu.multiplies_bfloat16(), reason="no bfloat16 products in the processor"
)


def _scores(folder: Path, candidates: Sequence[Candidates], **options: Any) -> list[float]:
    reranker = load(FACTORY, RerankerSpec(model=str(folder), threads=2, **options))
    assert reranker.engine.engine == options["engine"], reranker.engine.warning
    prepared = reranker.prepare(Job(candidates=candidates))
    found = {
        pair: score
        for batch in reranker.score(prepared)
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[pair] for pair in range(len(prepared.lengths))]


def _expected(folder: Path, candidates: Sequence[Candidates]) -> list[float]:
    tokenizer, model = tiny.reference(folder)
    return [
        tiny.reference_score(tokenizer, model, each.query.text, document.content)
        for each in candidates
        for document in each.documents
    ]


# --- all engines -------------------------------------------------------------------------------


@needs_native
@pytest.mark.parametrize(
    ("kind", "labels"), [("bert", 1), ("bert", 2), ("roberta", 1), ("xlm-roberta", 2)]
)
def test_native_scores_are_those_of_transformers(
    checkpoint_of: CheckpointOf, kind: str, labels: int
) -> None:
    folder, candidates = checkpoint_of(kind, labels), tiny.mixed(queries=4)
    found = _scores(folder, candidates, engine="native", dtype="float32")
    assert found == pytest.approx(_expected(folder, candidates), abs=2e-5)


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert"])
def test_exported_graphs_give_the_scores_of_transformers(
    checkpoint_of: CheckpointOf, engine: str, kind: str
) -> None:
    pytest.importorskip("onnxruntime" if engine == "onnx" else "openvino")
    folder, candidates = checkpoint_of(kind), tiny.mixed()
    found = _scores(folder, candidates, engine=engine, dtype="float32")
    assert found == pytest.approx(_expected(folder, candidates), abs=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.skipif(cpu.compiler() is None, reason="no C++ compiler")
def test_compiled_code_gives_the_scores_of_transformers(checkpoint_of: CheckpointOf) -> None:
    folder, candidates = checkpoint_of(), tiny.mixed()
    found = _scores(folder, candidates, engine="compile", dtype="float32")
    assert found == pytest.approx(_expected(folder, candidates), abs=1e-4)


def test_int8_is_close_and_says_so_in_its_name(checkpoint_of: CheckpointOf) -> None:
    pytest.importorskip("onnxruntime")
    folder, candidates = checkpoint_of(), tiny.mixed()
    found = _scores(folder, candidates, engine="onnx", dtype="int8")
    expected = _expected(folder, candidates)
    assert np.corrcoef(found, expected)[0, 1] > 0.98
    assert found != pytest.approx(expected, abs=1e-4), "nothing was quantised"
    alone = _scores(folder, candidates[:1], engine="onnx", dtype="int8")
    assert alone == pytest.approx(found[: len(alone)], abs=1e-6), "company changed a score"
    spec = RerankerSpec(model=str(folder), engine="onnx", dtype="int8")
    assert FACTORY.identify(spec).ref.name.endswith("(int8)")


# --- the native encoder ------------------------------------------------------------------------


def _bert(**changes: Any) -> Any:
    """A seeded classifier whose every bias and norm is away from its initial value."""
    sizes = {
        "vocab_size": 97,
        "hidden_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 80,
        "max_position_embeddings": 160,
        "num_labels": 1,
        "initializer_range": 0.2,
    }
    config = _transformers.BertConfig(**(sizes | changes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = _transformers.BertForSequenceClassification(config)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    return model.eval()


def _rows(lengths: Sequence[int], vocabulary: int = 97, types: int = 2) -> TokenRows:
    numbers = np.random.default_rng(5)
    total = sum(lengths)
    return TokenRows(
        ids=numbers.integers(1, vocabulary, total).astype(np.int32),
        types=numbers.integers(0, types, total).astype(np.int32),
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
    )


def _one_by_one(model: Any, rows: TokenRows) -> list[list[float]]:
    found = []
    for start, end in zip(rows.offsets[:-1], rows.offsets[1:], strict=True):
        assert rows.types is not None
        inputs = {"input_ids": rows.ids[start:end], "token_type_ids": rows.types[start:end]}
        tensors = {name: torch.from_numpy(x.astype(np.int64))[None] for name, x in inputs.items()}
        with torch.no_grad():
            found.append(model(**tensors).logits[0].tolist())
    return found


SHAPES: dict[str, dict[str, Any]] = {
    "one layer": {"num_hidden_layers": 1},
    "two labels": {"num_labels": 2},
    # Neither width is a multiple of a panel or of a vector.
    "odd sizes": {"hidden_size": 78, "num_attention_heads": 3, "intermediate_size": 130},
    "wide heads": {"hidden_size": 128, "num_attention_heads": 2},
    "relu": {"hidden_act": "relu"},
    "tanh gelu": {"hidden_act": "gelu_new"},
    "large epsilon": {"layer_norm_eps": 0.1},
}


@needs_native
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_any_shape_agrees_with_one_pair_at_a_time(shape: str, threads: int) -> None:
    model = _bert(**SHAPES[shape])
    # Below, at and above a vector, a padding step, a block of rows, and a group together.
    rows = _rows([1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 160, 3, 1, 160])
    expected = _one_by_one(model, rows)
    assert max(max(x) for x in expected) - min(min(x) for x in expected) > 0.1
    logits = NativeEngine(model, dtype="float32", threads=threads).submit(rows, 0)()
    assert logits.dtype == np.float32
    assert logits.tolist() == [pytest.approx(x, abs=5e-5) for x in expected]


@needs_native
def test_what_a_thread_reads_outlives_whoever_waited_for_it() -> None:
    """After an error nobody keeps the batch or the engine, and C++ may still be reading them."""
    engine, rows = NativeEngine(_bert(), dtype="float32", threads=1), _rows([5, 40])
    started, go_on = threading.Event(), threading.Event()

    def slow(encoder: object, batch: object) -> int:
        started.set()
        go_on.wait()
        return 0

    engine._function = slow
    held: list[weakref.ref[Any]] = [weakref.ref(rows.ids), weakref.ref(engine)]
    engine.submit(rows, 0)
    started.wait()
    pool = engine._pool
    del engine, rows
    gc.collect()
    alive = [each() is not None for each in held]
    go_on.set()
    assert alive == [True, True]
    pool.shutdown()
    del pool
    gc.collect()
    assert all(each() is None for each in held)


@needs_native
@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)])
def test_a_large_vocabulary_is_projected_without_a_table(
    monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    rows = _rows([5, 40, 77, 160, 64, 31])
    expected = np.array(_one_by_one(_bert(), rows))
    from_table = NativeEngine(_bert(), dtype=dtype, threads=2).submit(rows, 0)()
    monkeypatch.setattr(native, "_MOST_TABLE_BYTES", 97 * 3 * 48 * 2 - 1)
    projected = NativeEngine(_bert(), dtype=dtype, threads=2).submit(rows, 0)()
    tolerance = 5e-5 if dtype == "float32" else 0.15
    assert np.abs(projected - expected).max() < tolerance
    assert np.abs(from_table - expected).max() < tolerance
    assert from_table.tolist() != projected.tolist(), "both took the same way"


@needs_native
@needs_bfloat16
@pytest.mark.parametrize("shape", SHAPES)
def test_bfloat16_is_near_and_is_really_used(shape: str) -> None:
    model, rows = _bert(**SHAPES[shape]), _rows([5, 40, 77, 160, 64, 31])
    expected = np.array(_one_by_one(model, rows))
    found = NativeEngine(model, dtype="bfloat16", threads=2).submit(rows, 0)()
    assert np.abs(found - expected).max() < 0.15
    assert np.abs(found - expected).max() > 1e-6


@needs_native
@settings(max_examples=30)
@given(st.lists(st.integers(1, 160), min_size=1, max_size=12), st.randoms())
def test_company_does_not_change_a_pair(lengths: list[int], numbers: Any) -> None:
    engine, rows = _engine(), _rows(lengths)
    together = engine.submit(rows, 0)()
    pair = numbers.randrange(len(lengths))
    part = slice(rows.offsets[pair], rows.offsets[pair + 1])
    assert rows.types is not None
    alone = TokenRows(
        ids=rows.ids[part],
        types=rows.types[part],
        offsets=np.array([0, lengths[pair]], dtype=np.int64),
    )
    # Up to rounding in the head, whose product torch splits by the number of rows.
    assert engine.submit(alone, 0)()[0] == pytest.approx(together[pair], abs=1e-5)


_KEPT: list[NativeEngine] = []


def _engine() -> NativeEngine:
    if not _KEPT:
        _KEPT.append(NativeEngine(_bert(), dtype="float32", threads=2))
    return _KEPT[0]


@needs_native
def test_a_padding_token_inside_a_text_counts_as_transformers_counts_it() -> None:
    config = _transformers.RobertaConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=40, type_vocab_size=1, num_labels=1,
        initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = _transformers.RobertaForSequenceClassification(config).eval()
    ids = np.array([0, 7, 1, 1, 9, 2, 0, 11, 2], dtype=np.int32)
    rows = TokenRows(ids=ids, types=None, offsets=np.array([0, 6, 9], dtype=np.int64))
    expected = []
    for part in (ids[:6], ids[6:]):
        with torch.no_grad():
            tensor = torch.from_numpy(part.astype(np.int64))[None]
            expected.append(float(model(tensor, attention_mask=torch.ones_like(tensor)).logits))
    found = NativeEngine(model, dtype="float32", threads=1).submit(rows, 0)()
    assert found[:, 0].tolist() == pytest.approx(expected, abs=2e-5)


@needs_native
def test_extreme_scores_neither_overflow_nor_vanish() -> None:
    model = _bert()
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            layer.attention.self.query.weight *= 40
            layer.intermediate.dense.weight *= 40
    rows = _rows([50, 160, 2])
    expected = _one_by_one(model, rows)
    found = NativeEngine(model, dtype="float32", threads=2).submit(rows, 0)()
    assert np.isfinite(found).all()
    assert found.tolist() == [pytest.approx(x, abs=2e-3) for x in expected]


# --- building the library ----------------------------------------------------------------------


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path))
    return tmp_path


@needs_native
def test_the_library_is_built_once(fresh_home: Path) -> None:
    program = (
        "from rerankbench.rerankers.engines import native_library as n; n.library(); n.library()"
    )
    times = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=True)
        built, checksum = sorted((fresh_home / "native").iterdir(), reverse=True)
        assert checksum.suffix == ".sha256"
        times.append(built.stat().st_mtime_ns)
    assert times[0] == times[1]


def test_a_compiler_that_fails_gives_one_line_and_leaves_nothing(
    fresh_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fresh_home / "c++"
    broken.write_text("#!/bin/sh\necho 'x.cpp:1: error: unknown target' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(ModelError, match=r"failed \(.*unknown target\); use --engine torch"):
        native_library.library.__wrapped__()
    assert list((fresh_home / "native").iterdir()) == []


def test_a_torch_without_the_kernels_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_library, "_RELEASE", "no_such_symbol")
    with pytest.raises(ModelError, match="hides its micro-kernels; use --engine"):
        native_library.products("float32")


# --- which engine ------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`machine(flags, compiler, packages)`: pretend to be one."""

    def pretend(
        flags: frozenset[str] = BFLOAT16, compiler: str | None = "g++", packages: str = ""
    ) -> None:
        monkeypatch.setattr(cpu, "flags", lambda: flags)
        monkeypatch.setattr(cpu, "compiler", lambda: compiler)
        found = packages.split()
        monkeypatch.setattr(choice, "find_spec", lambda name: name if name in found else None)

    return pretend


def _choose(
    engine: str = "auto", config: Any = None, pairs: int | None = None, **options: Any
) -> EngineChoice:
    spec = RerankerSpec(model="m", engine=engine, **options)
    return choice.choose(spec, config or BERT, 22_700_000, pairs)


def _chosen(*arguments: Any, **options: Any) -> str:
    return _choose(*arguments, **options).engine.engine


def test_auto_takes_native_where_it_runs(machine: Callable[..., None]) -> None:
    machine()
    assert _choose(dtype="bfloat16").reason == "bfloat16 micro-kernels for this architecture"
    assert "bfloat16" not in str(_choose(dtype="float32").reason)
    machine(flags=AVX512)
    assert _chosen(dtype="float32") == "native"


LACKS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "old processor": ({"flags": frozenset({"avx2"})}, {}, {}, "no AVX-512"),
    "no bfloat16": ({"flags": AVX512}, {}, {"dtype": "bfloat16"}, "no bfloat16 products"),
    "no compiler": ({"compiler": None}, {}, {}, "no C++ compiler"),
    "float16": ({}, {}, {"dtype": "float16"}, "no float16"),
    "architecture": ({}, {"model_type": "deberta-v2"}, {}, "architecture deberta-v2"),
    "activation": ({}, {"hidden_act": "silu"}, {}, "activation silu"),
    "narrow embeddings": ({}, {"embedding_size": 128}, {}, "embeddings narrower"),
    "heads": ({}, {"num_attention_heads": 128}, {}, "128 heads over 384"),
    "positions": ({}, {"position_embedding_type": "relative_key"}, {}, "absolute positions"),
    "decoder": ({}, {"is_decoder": True}, {}, "encoders only"),
}


@pytest.mark.parametrize("lack", LACKS)
def test_what_native_lacks_is_said_and_another_engine_runs(
    machine: Callable[..., None], lack: str
) -> None:
    having, changes, options, told = LACKS[lack]
    machine(**having)
    automatic = _choose(config=BERT | changes, **options)
    assert (automatic.engine.engine, automatic.warning) == ("torch", None)
    assert told in str(automatic.reason)
    asked = _choose("native", config=BERT | changes, **options)
    assert asked.engine.engine == "torch"
    assert asked.warning is not None
    assert told in asked.warning
    assert "ran on torch" in asked.warning


def test_compiling_must_pay_for_itself(machine: Callable[..., None]) -> None:
    machine()
    other = BERT | {"model_type": "modernbert"}
    assert _chosen(config=other, pairs=1_000) == "torch"
    assert _chosen(config=other, pairs=1_000_000) == "compile"
    machine(compiler=None)
    assert _chosen(config=other, pairs=1_000_000) == "torch"


def test_an_engine_whose_package_is_missing_gives_way_in_one_line(
    machine: Callable[..., None],
) -> None:
    machine(packages="onnx onnxscript")
    found = _choose("onnx", dtype="float32")
    assert found.engine.engine == "native"
    assert found.warning == (
        "engine onnx: onnxruntime is not installed; pip install 'rerankbench[onnx]'; ran on native"
    )
    machine(packages="openvino")
    assert _chosen("openvino") == "openvino"
    assert _chosen("openvino", device="cuda") == "torch"


def test_int8_never_gives_way_to_another_dtype(machine: Callable[..., None]) -> None:
    machine(packages="onnx onnxscript onnxruntime")
    assert _chosen("onnx", dtype="int8") == "onnx"
    with pytest.raises(UsageError, match="add --engine onnx"):
        _choose("auto", dtype="int8")
    machine()
    with pytest.raises(UsageError, match="int8 needs the engine onnx: onnx is not installed"):
        _choose("onnx", dtype="int8")


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no engine 'tensorrt'; known: auto, native, torch"):
        _choose("tensorrt")


def test_the_default_dtype_follows_the_processor_alone(
    checkpoint_of: CheckpointOf, machine: Callable[..., None]
) -> None:
    for flags, compiler, dtype in (
        (BFLOAT16, "g++", "bfloat16"),
        (BFLOAT16, None, "bfloat16"),
        (AVX512, "g++", "float32"),
    ):
        machine(flags=flags, compiler=compiler)
        for kind in ("bert", "deberta-v2"):
            spec = RerankerSpec(model=str(checkpoint_of(kind)))
            assert FACTORY.identify(spec).ref.dtype == dtype


def test_padded_rows_are_filled_up_on_the_right() -> None:
    rows = TokenRows(
        ids=np.array([5, 6, 7], dtype=np.int32),
        types=None,
        offsets=np.array([0, 2, 2, 3], dtype=np.int64),
    )
    assert rows.lengths.tolist() == [2, 0, 1]
    assert rows.padded(rows.ids, 3, 9).tolist() == [[5, 6, 9], [9, 9, 9], [7, 9, 9]]
    assert rows.mask(2).tolist() == [[True, True], [False, False], [True, False]]
