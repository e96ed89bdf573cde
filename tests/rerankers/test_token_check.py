"""What a model has no embedding for is refused in one line, on every engine."""

from __future__ import annotations

import ctypes
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import model_type_to_module_name

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers.engines import cpu, native_library, native_structs
from rerankbench.rerankers.engines.native import NativeEngine
from rerankbench.rerankers.engines.tables import Tables, tables_of
from rerankbench.rerankers.files.config_defaults import COUNTED_AFTER_PADDING, setting
from rerankbench.rerankers.pair_encoding import encode
from rerankbench.rerankers.prompted import answers
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from .. import tiny
from . import embedding_models, writers
from . import language_models as lm
from .conftest import CheckpointOf
from .engines.test_engines import SHAPES, _bert, _rows, needs_native

_transformers: Any = transformers
ADDED = "[head]"


def _with_added_token(source: Path, folder: Path) -> Path:
    """A checkpoint whose tokeniser has learnt a token that its model has not."""
    shutil.copytree(source, folder)
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.add_tokens([ADDED]) == 1
    tokenizer.save_pretrained(folder)
    return folder


def _change(folder: Path, name: str, *, drop: Sequence[str] = (), **changes: Any) -> Path:
    path = folder / name
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: each for key, each in found.items() if key not in drop}))
    return folder


def _load(folder: Path, **options: Any) -> Any:
    spec = RerankerSpec(model=str(folder), threads=2, **{"dtype": "float32"} | options)
    reranker = load(naming.find_factory(spec.model, spec.family), spec)
    assert reranker.engine.engine == options.get("engine", reranker.engine.engine)
    return reranker


def _score(reranker: Any, candidates: Sequence[Candidates]) -> list[float]:
    prepared = reranker.prepare(Job(candidates=candidates))
    found: dict[int, float] = {}
    for batch in reranker.score(prepared):
        found |= dict(zip(batch.pairs, batch.scores, strict=True))
    return [found[pair] for pair in sorted(found)]


def _in_document() -> list[Candidates]:
    return tiny.candidates([("tide moon", ["gull anchor", f"basalt {ADDED} ember"])])


def _in_query() -> list[Candidates]:
    return tiny.candidates([("tide moon", ["gull anchor"]), (f"{ADDED} tide", ["ember"])])


# --- tokens -------------------------------------------------------------------------------------

_ENGINES = [
    pytest.param("native", marks=needs_native),
    "torch",
    pytest.param("compile", marks=pytest.mark.skipif(not cpu.compiler(), reason="no g++")),
    "onnx",
    "openvino",
]


@pytest.mark.parametrize("engine", _ENGINES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_added_token_is_named_before_anything_is_computed(
    checkpoint_of: CheckpointOf, tmp_path: Path, engine: str
) -> None:
    if engine in ("onnx", "openvino"):
        pytest.importorskip("onnxruntime" if engine == "onnx" else "openvino")
    folder = _with_added_token(checkpoint_of(), tmp_path / "model")
    reranker = _load(folder, engine=engine)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    told = (
        rf"model: its tokeniser \(BertTokenizer, {rows + 1} tokens\) reads '\[head\]' as id "
        rf"{rows}, and the model has embeddings for {rows}; use the tokeniser"
    )
    for candidates in (_in_document(), _in_query()):
        # Pairs that are done are no exception: their scores would be of the same kind.
        for done in (frozenset[int](), frozenset({0, 1})):
            with pytest.raises(ModelError, match=told) as caught:
                reranker.prepare(Job(candidates=candidates, done=done))
            assert len(str(caught.value)) <= 300
            assert "fetch" not in str(caught.value)


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "bi-encoder": lambda f: embedding_models.add_modules(
        embedding_models.encoder(f), [embedding_models.pooling()]
    ),
    "late-interaction": lambda f: embedding_models.stanford(f, None),
    "qwen3-reranker": lambda f: lm.decoder(f, "Qwen3", lm.chat_tokens()),
    "monot5": lm.t5,
    "listwise": writers.build,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_names_it(tmp_path: Path, family: str) -> None:
    source = FAMILIES[family](tmp_path / "source" / family)
    folder = _with_added_token(source, tmp_path / family)
    named = family in ("listwise", "late-interaction")
    options: dict[str, Any] = {"family": family} if named else {}
    reranker = _load(folder, **options)
    for candidates in (_in_document(), _in_query()):
        with pytest.raises(ModelError, match=r"reads '\[head\]' as id \d+, and the model has"):
            reranker.prepare(Job(candidates=candidates))
    # Without the token all is as before.
    plain = tiny.mixed(queries=2, documents=4)
    assert _score(reranker, plain) == _score(_load(source, **options), plain)


def test_tokens_that_no_text_has_do_no_harm(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    folder = _with_added_token(checkpoint_of(), tmp_path / "model")
    tokenizer, model = tiny.reference(checkpoint_of())
    # Also where the token lies in what truncation leaves out.
    long = f"{tiny.sentence(random.Random(1), 90)} {ADDED}"
    candidates = tiny.candidates([("tide moon", ["gull anchor", long])])
    found = _score(_load(folder, engine="torch"), candidates)
    expected = [
        tiny.reference_score(tokenizer, model, "tide moon", document.content)
        for document in candidates[0].documents
    ]
    assert found == pytest.approx(expected, abs=2e-5)


def test_a_padding_token_beyond_the_table_is_no_obstacle(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    """Models of decoders are often given one that way; no score depends on it."""
    source = FAMILIES["qwen3-reranker"](tmp_path / "source" / "qwen3-reranker")
    folder = tmp_path / "qwen3-reranker"
    shutil.copytree(source, folder)
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    candidates = tiny.mixed(queries=2, documents=4)
    assert _score(_load(folder), candidates) == _score(_load(source), candidates)


def test_an_answer_that_the_model_cannot_give_is_refused(tmp_path: Path) -> None:
    folder = FAMILIES["qwen3-reranker"](tmp_path / "qwen3-reranker")
    _, model = lm.loaded(folder, "Qwen3ForCausalLM")
    for answer in (-1, 10**6):
        with pytest.raises(ModelError, match=f"the answer with token id {answer} is none"):
            answers.narrow(model, [0, answer], "m")


def test_an_id_that_no_table_reaches_is_refused_at_once(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint_of(), tmp_path / "m")
    path = tmp_path / "m" / "tokenizer.json"
    found = json.loads(path.read_text())
    found["model"]["vocab"]["tide"] = 2**31
    path.write_text(json.dumps(found))
    with pytest.raises(ModelError, match="token id 2147483648, which no model has"):
        _load(tmp_path / "m", engine="torch")


# --- segments and positions ---------------------------------------------------------------------


@pytest.mark.parametrize("engine", [pytest.param("native", marks=needs_native), "torch"])
def test_segments_that_the_model_does_not_know_are_named(tmp_path: Path, engine: str) -> None:
    recipe = tiny.KINDS["bert"]
    tokenizer = recipe.tokenizer()
    config = recipe.config(len(tokenizer), 1)
    config.type_vocab_size = 1
    _transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    with pytest.raises(ModelError, match=r"gives the segment id 1, and the model has 1 segment"):
        _load(tmp_path / "m", engine=engine).prepare(Job(candidates=tiny.mixed(queries=1)))
    # The remedy helps.
    names = ["input_ids", "attention_mask"]
    _change(tmp_path / "m", "tokenizer_config.json", model_input_names=names)
    assert len(_score(_load(tmp_path / "m", engine=engine), tiny.mixed(queries=1))) == 9


@pytest.mark.parametrize("engine", [pytest.param("native", marks=needs_native), "torch"])
@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta"])
def test_a_padding_id_that_the_config_leaves_out_is_that_of_transformers(
    checkpoint_of: CheckpointOf, tmp_path: Path, engine: str, kind: str
) -> None:
    shutil.copytree(checkpoint_of(kind), tmp_path / "m")
    _change(tmp_path / "m", "config.json", drop=["pad_token_id"])
    _change(tmp_path / "m", "tokenizer_config.json", drop=["model_max_length"])
    reranker = _load(tmp_path / "m", engine=engine)
    assert reranker.ref.max_length == tiny.MAX_LENGTH
    tokenizer, model = tiny.reference(tmp_path / "m")
    candidates = tiny.mixed(queries=1)
    expected = [
        tiny.reference_score(tokenizer, model, candidates[0].query.text, document.content)
        for document in candidates[0].documents
    ]
    assert _score(reranker, candidates) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("engine", [pytest.param("native", marks=needs_native), "torch"])
def test_positions_cannot_be_counted_from_a_padding_id_that_is_null(
    checkpoint_of: CheckpointOf, tmp_path: Path, engine: str
) -> None:
    shutil.copytree(checkpoint_of("roberta"), tmp_path / "m")
    _change(tmp_path / "m", "config.json", pad_token_id=None)
    with pytest.raises(ModelError, match="roberta counts positions from pad_token_id"):
        _load(tmp_path / "m", engine=engine)


def test_settings_that_a_config_leaves_out_are_those_of_transformers() -> None:
    assert setting({"model_type": "roberta"}, "pad_token_id") == 1
    assert setting({"model_type": "roberta", "pad_token_id": 5}, "pad_token_id") == 5
    assert setting({"model_type": "gpt2", "n_positions": 77}, "max_position_embeddings") == 77
    assert setting({"model_type": "gpt2"}, "max_position_embeddings") == 1024
    assert setting({"model_type": "no such architecture"}, "pad_token_id") is None


@pytest.mark.parametrize("kind", ["bert", "electra", "roberta", "xlm-roberta", "distilbert"])
def test_lengths_are_what_transformers_itself_can_read(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    _, model = tiny.reference(checkpoint_of(kind))
    length = tables_of(model).length
    assert length is not None
    with torch.no_grad():
        model(torch.full((1, length), 5))
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, length + 1), 5))


@pytest.mark.parametrize("kind", ["deberta-v2", "modernbert"])
def test_relative_positions_are_no_table(checkpoint_of: CheckpointOf, kind: str) -> None:
    assert tables_of(tiny.reference(checkpoint_of(kind))[1]).length is None


def test_tables_of_decoders_and_of_two_parts() -> None:
    sizes = {"n_positions": 40, "n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 60}
    decoder = _transformers.GPT2LMHeadModel(_transformers.GPT2Config(**sizes))
    assert tables_of(decoder) == Tables(tokens=60, length=40, segments=None)
    small = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 60}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = _transformers.BartConfig(max_position_embeddings=50, **small, **heads)
    # Its table has two rows more.
    assert tables_of(_transformers.BartModel(config)).length == 50


def test_the_architectures_that_count_from_the_padding_id_are_those_of_transformers() -> None:
    models = Path(transformers.__file__).parent / "models"
    found = set()
    for model_type in modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        module = model_type_to_module_name(model_type)
        for name in {module, model_type.replace("-", "_")}:
            path = models / module / f"modeling_{name}.py"
            if path.is_file() and "create_position_ids_from_input_ids(" in path.read_text("utf-8"):
                found.add(model_type)
    assert found == COUNTED_AFTER_PADDING


def test_a_text_longer_than_the_positions_is_refused(checkpoint_of: CheckpointOf) -> None:
    tokenizer, model = tiny.reference(checkpoint_of())
    check = TokenCheck(name="m", tokenizer=tokenizer, tables=tables_of(model))
    job = Job(candidates=tiny.mixed(queries=1))
    check.check(encode(tokenizer, job, tiny.MAX_LENGTH))
    with pytest.raises(ModelError, match=r"m: 65 tokens are more than the 64 .*--max-length 64"):
        check.check(encode(tokenizer, job, tiny.MAX_LENGTH + 1))


# --- the native engine by itself ----------------------------------------------------------------


@needs_native
def test_the_native_engine_reads_nothing_beyond_its_tables() -> None:
    engine, rows = NativeEngine(_bert(), dtype="float32", threads=1), _rows([5, 40])
    engine.submit(rows, 0)()

    def changed(**values: Any) -> Any:
        return replace(rows, **values)

    ids, types = rows.ids.copy(), _rows([5, 40]).types
    assert types is not None
    for place, token in ((7, 97), (0, -1)):
        wrong = ids.copy()
        wrong[place] = token
        with pytest.raises(ModelError, match=r"token ids are .*embeddings for 97"):
            engine.submit(changed(ids=wrong), 0)
    with pytest.raises(ModelError, match=r"segment ids are .*embeddings for 2"):
        engine.submit(changed(types=types + 1), 0)
    with pytest.raises(ModelError, match=r"position ids are 0 to 160, .*embeddings for 160"):
        engine.submit(_rows([161]), 0)
    with pytest.raises(ModelError, match="do not fit each other"):
        engine.submit(changed(offsets=np.array([0, 5, 46])), 0)
    with pytest.raises(ModelError, match="a pair has no token"):
        engine.submit(changed(offsets=np.array([0, 0, 45])), 0)
    # Other widths and gaps between numbers are no other numbers.
    wide = changed(ids=np.repeat(ids, 2).astype(np.int64)[::2])
    assert engine.submit(wide, 0)().tolist() == engine.submit(rows, 0)().tolist()


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", ["relu", "tanh gelu", "one layer"])
@pytest.mark.skipif(not cpu.multiplies_bfloat16(), reason="no bfloat16 products")
def test_what_is_not_a_number_stays_none(dtype: str, shape: str) -> None:
    for name in ("attention.self.query.bias", "attention.self.value.bias"):
        model = _bert(**SHAPES[shape])
        with torch.no_grad():
            model.bert.encoder.layer[0].get_parameter(name)[3] = float("nan")
        found = NativeEngine(model, dtype=dtype, threads=1).submit(_rows([5, 40, 1]), 0)()
        assert np.isnan(found).all()


@needs_native
def test_structs_that_differ_from_the_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Batch(ctypes.Structure):
        """Two fields in the other order: all sizes and places are as before."""

        _fields_ = [
            ("group_count", ctypes.c_int64),
            *((n, ctypes.c_void_p) for n in ("offsets", "groups", "ids", "positions", "types")),
            *((n, ctypes.c_void_p) for n in ("contexts", "residuals", "next")),
        ]

    native_structs.check_layout(native_library.library())
    monkeypatch.setattr(native_structs, "Batch", Batch)
    with pytest.raises(ModelError, match="do not declare the same structs"):
        native_structs.check_layout(native_library.library())
