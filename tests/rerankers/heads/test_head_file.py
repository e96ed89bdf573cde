"""A head's two files are identified or refused from the files alone, in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing

from rerankbench import registry
from rerankbench.errors import ModelError, NewerFileError, RerankbenchError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers.heads import head_file
from rerankbench.rerankers.heads.factory import FACTORY
from tests.rerankers.loaded import load

from ... import tiny
from ..conftest import CheckpointOf
from ..heads.test_heads import put_head, random_weights


@pytest.fixture
def folder(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    """A bert with a celi head of 4 dimensions, that the test may break."""
    return put_head(checkpoint_of(), tmp_path / "my-head", "celi", 4)


def _spec(folder: Path, **options: Any) -> RerankerSpec:
    return RerankerSpec(model=str(folder), **options)


def _one_line(error: Exception) -> str:
    assert "\n" not in str(error)
    return str(error)


def _refusal(folder: Path, kind: type[RerankbenchError] = ModelError, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        FACTORY.identify(_spec(folder, **options))
    return _one_line(caught.value)


def _refusal_to_load(folder: Path) -> str:
    FACTORY.identify(_spec(folder))
    with pytest.raises(ModelError) as caught:
        load(FACTORY, _spec(folder))
    return _one_line(caught.value)


def _change(folder: Path, name: str, **values: Any) -> Path:
    """Set keys of a JSON file; None removes one."""
    path = folder / name
    settings = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: x for key, x in settings.items() if x is not None}))
    return path


def test_a_folder_with_a_head_is_of_that_family(folder: Path) -> None:
    detected = registry.load("rerankers", "detected")
    loadable = detected.identify(_spec(folder))
    ref, engine = loadable.ref, loadable.choose_engine().engine
    assert loadable == registry.load("rerankers", "head").identify(_spec(folder))
    assert (ref.name, ref.family, ref.max_length) == ("my-head", "head", tiny.MAX_LENGTH)
    assert (ref.recipe["head"], ref.recipe["token_dim"]) == ("celi", 4)
    assert ref.recipe["architecture"] == "BertModel"
    assert engine.engine == "torch"
    encoder = load_file(folder / "model.safetensors")
    assert ref.parameters == sum(x.numel() for x in encoder.values()) + 33 + 4 * 33
    assert load(detected, _spec(folder)).ref == ref


def test_a_changed_head_is_another_revision(folder: Path) -> None:
    before = FACTORY.identify(_spec(folder)).ref.revision
    weights = random_weights("celi", 4)
    head_file.save(folder, "celi", {**weights, "score.bias": weights["score.bias"] + 1})
    assert FACTORY.identify(_spec(folder)).ref.revision != before


def test_a_head_beside_a_classifier_is_what_counts(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    # RoBERTa's classifiers have no pooler, which AutoModel would make up; no head reads it.
    copy = Path(shutil.copytree(checkpoint_of("roberta"), tmp_path / "classifier"))
    head_file.save(copy, "mean", random_weights("mean", None))
    reranker = load(registry.load("rerankers", "detected"), _spec(copy))
    assert reranker.ref.family == "head"
    job = Job(candidates=tiny.mixed(queries=1))
    assert len(list(reranker.score(reranker.prepare(job)))) > 0


def test_identifying_a_head_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys; from rerankbench.protocols import RerankerSpec; "
        "from rerankbench.rerankers.detection import FACTORY; "
        f"FACTORY.identify(RerankerSpec(model={str(folder)!r})); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": None}, "'format' must be 1 (given: None)"),
        ({"format": True}, "'format' must be 1 (given: True)"),
        ({"format": 0}, "'format' must be 1 (given: 0)"),
        ({"format": "1"}, "'format' must be 1 (given: '1')"),
        ({"head": None}, "'head' must be one of monobert, mean, celi (given: None)"),
        ({"head": "colbert"}, "'head' must be one of monobert, mean, celi (given: 'colbert')"),
        ({"head": ["celi"]}, "'head' must be one of monobert, mean, celi (given: ['celi'])"),
        ({"token_dims": 4}, "unknown key 'token_dims'; did you mean 'token_dim'?"),
        ({"token_dim": None}, "celi needs 'token_dim', a whole number from 1 (given: None)"),
        ({"token_dim": 0}, "celi needs 'token_dim', a whole number from 1 (given: 0)"),
        ({"token_dim": 4.0}, "celi needs 'token_dim', a whole number from 1 (given: 4.0)"),
        ({"token_dim": True}, "celi needs 'token_dim', a whole number from 1 (given: True)"),
        ({"head": "mean"}, "'token_dim' is for the head celi; take it out of mean"),
    ],
)
def test_settings_that_cannot_be(folder: Path, values: dict[str, Any], said: str) -> None:
    path = _change(folder, head_file.NAME, **values)
    assert _refusal(folder) == f"{path}: {said}"


def test_a_newer_format_asks_for_an_upgrade(folder: Path) -> None:
    _change(folder, head_file.NAME, format=2, something="new")
    assert _refusal(folder, NewerFileError).endswith("upgrade rerankbench to read it")


@pytest.mark.parametrize(("body", "said"), [("{", "is not JSON ("), ("[1]", "is no JSON object")])
def test_settings_that_are_no_object(folder: Path, body: str, said: str) -> None:
    (folder / head_file.NAME).write_text(body)
    assert _refusal(folder).startswith(f"{folder / head_file.NAME}: {said}")


@pytest.mark.parametrize("name", [head_file.NAME, head_file.WEIGHTS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert _refusal(folder) == f"{folder}: no {name} in it; write it with " + (
        "rerankers.heads.head_file.save"
    )


def test_a_head_without_an_encoder(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert _refusal(folder).startswith("my-head: has a head and no encoder; save that with")


def _cut(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: weights[name] for name in sorted(weights)[1:]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _cut,
            "celi has the tensors score.weight, score.bias, tokens.weight, tokens.bias "
            "(given: score.weight, tokens.bias, tokens.weight)",
        ),
        (
            lambda x: {**x, "extra": torch.ones(1)},
            "celi has the tensors score.weight, score.bias, tokens.weight, tokens.bias "
            "(given: extra, score.bias, score.weight, tokens.bias, tokens.weight)",
        ),
        (
            lambda x: {**x, "score.weight": torch.ones(2, 32)},
            "score.weight is 2 × 32; celi needs 1 × 32 for hidden states of 32",
        ),
        (
            lambda x: {**x, "score.weight": torch.ones(32)},
            "score.weight is 32; celi needs 1 × 32 for hidden states of 32",
        ),
        (
            lambda x: {**x, "score.bias": torch.tensor(1.0)},
            "score.bias is a single number; celi needs 1 for hidden states of 32",
        ),
        (
            lambda x: {**x, "tokens.weight": x["tokens.weight"].T.contiguous()},
            "tokens.weight is 32 × 4; celi needs 4 × 32 for hidden states of 32",
        ),
        (
            lambda x: {**x, "tokens.bias": torch.ones(5)},
            "tokens.bias is 5; celi needs 4 for hidden states of 32",
        ),
        (
            lambda x: {**x, "tokens.bias": torch.ones(4, dtype=torch.int64)},
            "tokens.bias is I64; save it as one of F32, F16, BF16",
        ),
    ],
)
def test_tensors_that_do_not_fit(
    folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    path = folder / head_file.WEIGHTS
    save_file(change(load_file(path)), path)
    assert _refusal(folder) == f"{path}: {said}"


def test_tensors_of_another_head_dimension(folder: Path) -> None:
    _change(folder, head_file.NAME, token_dim=8)
    assert "tokens.weight is 4 × 32; celi needs 8 × 32" in _refusal(folder)


def test_tensors_of_another_encoder(folder: Path) -> None:
    save_file(random_weights("celi", 4, width=16), folder / head_file.WEIGHTS)
    assert "score.weight is 1 × 16; celi needs 1 × 32" in _refusal(folder)
    # Without a word on it in the config, transformers takes the size that is usual.
    _change(folder, "config.json", hidden_size=None, num_attention_heads=4)
    assert FACTORY.identify(_spec(folder)).ref.recipe["head"] == "celi"
    with pytest.raises(ModelError) as caught:
        load(FACTORY, _spec(folder))
    _one_line(caught.value)


def test_a_width_that_no_file_states_is_checked_against_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(random_weights("celi", 4, width=16), folder / head_file.WEIGHTS)
    monkeypatch.setattr(head_file, "_WIDTHS", ())
    assert _refusal_to_load(folder) == (
        "my-head: its head is for hidden states of 16 numbers, and its encoder has 32; save the "
        "head beside the encoder it was trained with"
    )


def test_tensors_that_end_too_early(folder: Path) -> None:
    path = folder / head_file.WEIGHTS
    path.write_bytes(path.read_bytes()[:-8])
    assert _refusal_to_load(folder).startswith(f"{path}: cannot be loaded (")


def test_a_broken_header(folder: Path) -> None:
    (folder / head_file.WEIGHTS).write_bytes(b"abc")
    assert "is no safetensors file (" in _refusal(folder)


@pytest.mark.parametrize(
    "values", [{"model_type": "llama"}, {"model_type": "t5", "is_encoder_decoder": True}]
)
def test_only_encoders_carry_a_head(folder: Path, values: dict[str, Any]) -> None:
    _change(folder, "config.json", **values)
    assert _refusal(folder).startswith("my-head: BertModel is no encoder, whose tokens see the")


def test_it_takes_no_settings_and_runs_on_torch_alone(folder: Path) -> None:
    said = _refusal(folder, UsageError, recipe={"head": "mean"})
    assert "unknown recipe key 'head'" in said
    _refusal(folder, UsageError, dtype="int8")
    choice = FACTORY.identify(_spec(folder, engine="onnx")).choose_engine()
    assert choice.engine.engine == "torch"
    assert choice.warning == "engine onnx: not for this family; ran on torch"


def test_a_pair_without_a_first_token_is_for_mean_alone(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    for head, token_dim in (("mean", None), ("monobert", None), ("celi", 4)):
        made = put_head(checkpoint_of("modernbert"), tmp_path / head, head, token_dim)
        tokenizer = tiny.KINDS["modernbert"].tokenizer()
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="$A [SEP]", pair="$A [SEP] $B [SEP]", special_tokens=[("[SEP]", 3)]
        )
        tokenizer.save_pretrained(made)
        if head == "mean":
            load(FACTORY, _spec(made))
        else:
            said = f"{head}: its tokeniser puts no [CLS] before a pair, which {head} reads; "
            assert _refusal_to_load(made).startswith(said)


@pytest.mark.parametrize(
    ("head", "change", "said"),
    [
        ("colbert", {}, "'head' must be one of"),
        ("monobert", {}, "monobert has the tensors score.weight, score.bias (given: "),
        ("celi", {"tokens.weight": np.ones((0, 32))}, "celi needs 'token_dim'"),
        ("celi", {"tokens.weight": np.ones((4, 31))}, "tokens.weight is 4 × 31; celi needs 4"),
        ("celi", {"score.weight": np.ones((1, 32, 1))}, "score.weight is 1 × 32 × 1; celi"),
    ],
)
def test_what_does_not_fit_is_not_written(
    folder: Path, head: str, change: dict[str, Any], said: str
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ModelError) as caught:
        head_file.save(folder, head, {**random_weights("celi", 4), **change})
    assert said in _one_line(caught.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_head_is_saved_beside_its_encoder_only(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json in it"):
        head_file.save(tmp_path, "celi", random_weights("celi", 4))
    assert list(tmp_path.iterdir()) == []
