"""Logits are made in float32 on every engine, whatever the layers below run in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers

from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import detection
from rerankbench.rerankers.engines import exported, float32_head
from rerankbench.rerankers.sequence_classification import FACTORY
from tests.rerankers.loaded import load

from ... import tiny
from .. import own_code
from ..conftest import CheckpointOf

_transformers: Any = transformers
# One pair at a time: its hidden states are then those that transformers gives for it.
ALONE: Mapping[str, Any] = {"engine": "torch", "dtype": "bfloat16", "batch_tokens": 1}


def _scores(reranker: Any) -> list[float]:
    found = {
        pair: score
        for batch in reranker.score(reranker.prepare(Job(candidates=tiny.mixed())))
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[pair] for pair in sorted(found)]


def _hidden_states(folder: Path) -> list[torch.Tensor]:
    """The encoder's output in bfloat16 for each pair of `tiny.mixed`, 1 × tokens × dimensions."""
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    model = _transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.bfloat16
    ).eval()
    found = []
    for each in tiny.mixed():
        for document in each.documents:
            encoded = tokenizer(
                [each.query.text],
                [document.content],
                truncation="only_second",
                max_length=tiny.MAX_LENGTH,
                return_tensors="pt",
            )
            with torch.no_grad():
                found.append(model.base_model(**encoded).last_hidden_state)
    assert found[0].dtype == torch.bfloat16
    return found


# The heads, written out: the first token or the mean of all, then these layers.
def _tanh_then_linear(first: str, second: str) -> Any:
    def head(hidden: torch.Tensor, weights: Any) -> torch.Tensor:
        pooled = torch.tanh(_linear(hidden[:, 0].float(), weights, first))
        return _linear(pooled, weights, second)

    return head


def _linear(states: torch.Tensor, weights: Any, name: str) -> torch.Tensor:
    bias = weights.get(f"{name}.bias")
    product: torch.Tensor = states @ weights[f"{name}.weight"].T
    return product if bias is None else product + bias


def _electra(hidden: torch.Tensor, weights: Any) -> torch.Tensor:
    inner = _linear(hidden[:, 0].float(), weights, "classifier.dense")
    return _linear(torch.nn.functional.gelu(inner), weights, "classifier.out_proj")


def _deberta(hidden: torch.Tensor, weights: Any) -> torch.Tensor:
    inner = _linear(hidden[:, 0].float(), weights, "pooler.dense")
    return _linear(torch.nn.functional.gelu(inner), weights, "classifier")


def _distilbert(hidden: torch.Tensor, weights: Any) -> torch.Tensor:
    inner = _linear(hidden[:, 0].float(), weights, "pre_classifier")
    return _linear(torch.relu(inner), weights, "classifier")


def _modernbert(hidden: torch.Tensor, weights: Any) -> torch.Tensor:
    inner = torch.nn.functional.gelu(_linear(hidden.float().mean(dim=1), weights, "head.dense"))
    normed = torch.nn.functional.layer_norm(inner, inner.shape[-1:], weights["head.norm.weight"])
    return _linear(normed, weights, "classifier")


HEADS = {
    "bert": _tanh_then_linear("bert.pooler.dense", "classifier"),
    "roberta": _tanh_then_linear("classifier.dense", "classifier.out_proj"),
    "electra": _electra,
    "deberta-v2": _deberta,
    "distilbert": _distilbert,
    "modernbert": _modernbert,
}


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("kind", HEADS)
def test_torch_scores_are_a_float32_head_on_bfloat16_states(
    checkpoint_of: CheckpointOf, kind: str, labels: int
) -> None:
    folder = checkpoint_of(kind, labels)
    _, model = tiny.reference(folder)
    weights = {name: value.bfloat16().float() for name, value in model.state_dict().items()}
    expected = []
    for hidden in _hidden_states(folder):
        logits = HEADS[kind](hidden, weights)[0]
        expected.append(float(logits[-1] - logits[0]) if labels == 2 else float(logits[0]))
    found = _scores(load(FACTORY, RerankerSpec(model=str(folder), **ALONE)))
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_compiled_head_is_in_float32_too(checkpoint_of: CheckpointOf) -> None:
    model = _transformers.AutoModelForSequenceClassification.from_pretrained(
        checkpoint_of(), dtype=torch.bfloat16
    ).eval()
    ids = torch.arange(5, 65).reshape(3, 20)
    plain = model(input_ids=ids).logits
    assert torch.equal(plain, plain.bfloat16()), "what is to be mended"
    float32_head.keep_head_in_float32(model)
    traced: Any = torch.compile(model, backend="eager", dynamic=True)
    # What the compiler traces, without the time that compiling takes.
    logits = traced(input_ids=ids).logits
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, logits.bfloat16().float())
    assert torch.equal(logits, model(input_ids=ids).logits)


def test_weights_that_head_and_encoder_share_stay_low_in_the_encoder() -> None:
    model = _without_layers().bfloat16()
    model.classifier.weight = torch.nn.Parameter(model.bert.embeddings.word_embeddings.weight[:1])
    shared = model.bert.embeddings.LayerNorm.bias
    model.bert.pooler.dense.bias = shared
    float32_head.keep_head_in_float32(model)
    assert shared.dtype == model.bert.embeddings.LayerNorm.bias.dtype == torch.bfloat16
    assert model.bert.pooler.dense.bias.dtype == torch.float32


def test_a_layers_own_logit_is_in_float32(tmp_path: Path) -> None:
    folder = own_code.layered(tmp_path / "bge-reranker-v2-minicpm-layerwise")
    spec = RerankerSpec(
        model=str(folder), trust_remote_code=True, dtype="bfloat16", recipe={"layer": 2}
    )
    scores = torch.tensor(_scores(load(detection.FACTORY, spec)))
    assert (scores != scores.bfloat16().float()).float().mean() > 0.9


# --- exported graphs ---------------------------------------------------------------------------


def _without_layers(labels: int = 1) -> Any:
    """A BERT whose classifier follows on the embeddings: no product is below its head."""
    config = _transformers.BertConfig(
        vocab_size=97,
        hidden_size=48,
        num_hidden_layers=0,
        num_attention_heads=4,
        intermediate_size=80,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return _transformers.BertForSequenceClassification(config).eval()


def _inputs() -> dict[str, npt.NDArray[np.int64]]:
    ids = np.random.default_rng(0).integers(5, 97, (8, 20))
    return {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }


@pytest.mark.parametrize("labels", [1, 2])
def test_openvino_in_bfloat16_makes_logits_in_float32(labels: int) -> None:
    pytest.importorskip("openvino")
    model, inputs = _without_layers(labels), _inputs()
    with torch.no_grad():
        expected = model(**{name: torch.from_numpy(x) for name, x in inputs.items()}).logits
    float32_head.products_as_sums(model)
    engine = exported.openvino_engine(model, with_types=True, dtype="bfloat16", threads=1)
    np.testing.assert_allclose(engine._call(inputs), expected, atol=1e-5)


def test_int8_leaves_the_head_alone(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    tokenizer, model = tiny.reference(checkpoint_of())
    with exported._quiet(model, "onnx"):
        path = tmp_path / "model.onnx"
        exported._export_onnx(model, path, "token_type_ids" in tokenizer.model_input_names)
        nodes = onnx.load(
            exported._quantise(path, head=float32_head.head_modules(model))
        ).graph.node
    kinds = [node.op_type for node in nodes]
    assert kinds.count("MatMulInteger") >= 8, "two layers of four products"
    last = max(place for place, kind in enumerate(kinds) if kind == "MatMulInteger")
    assert [kind for kind in kinds[last:] if kind in ("Gemm", "MatMul")] == ["MatMul"] * 2
