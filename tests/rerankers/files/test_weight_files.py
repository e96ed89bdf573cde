"""Which weights of a folder count, which are loaded, and which nothing uses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers.files.checkpoint import Checkpoint
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models
from ..conftest import CheckpointOf


@pytest.fixture
def folder(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint_of(), tmp_path / "m"))


def _load(folder: Path, **options: Any) -> Any:
    spec = RerankerSpec(model=str(folder), **{"dtype": "float32", "engine": "torch"} | options)
    return load(naming.find_factory(spec.model, spec.family), spec)


def _scores(folder: Path) -> list[float]:
    reranker = _load(folder)
    batches = reranker.score(reranker.prepare(Job(candidates=tiny.mixed(queries=1))))
    return [score for batch in batches for score in batch.scores]


def _write(tensors: dict[str, torch.Tensor], path: Path) -> None:
    save_file(tensors, path, metadata={"format": "pt"})


def _shard(folder: Path) -> dict[str, Any]:
    """Write the weights once more, in two parts with their list."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    parts = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    half = len(names) // 2
    for part, own in zip(parts, (names[:half], names[half:]), strict=True):
        _write({name: weights[name] for name in own}, folder / part)
    index = {
        "metadata": {},
        "weight_map": {name: parts[i >= half] for i, name in enumerate(names)},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return index


@pytest.mark.parametrize("copy", ["consolidated", "variant", "shards", "stray"])
def test_a_second_copy_of_the_weights_counts_once(folder: Path, copy: str) -> None:
    reference = sum(value.numel() for value in load_file(folder / "model.safetensors").values())
    expected, weights = _scores(folder), load_file(folder / "model.safetensors")
    match copy:
        case "consolidated":
            _write(weights, folder / "consolidated.safetensors")
        case "variant":
            halves = {name: value.half() for name, value in weights.items()}
            _write(halves, folder / "model.fp16.safetensors")
        case "shards":
            _shard(folder)
        case "stray":
            _write({"x": torch.ones(5)}, folder / "training_state.safetensors")
    assert _load(folder).ref.parameters == reference
    assert _scores(folder) == expected


def test_parts_alone_count_once_beside_a_copy_of_one(folder: Path) -> None:
    expected = _load(folder).ref.parameters
    _shard(folder)
    (folder / "model.safetensors").unlink()
    shutil.copy(
        folder / "model-00001-of-00002.safetensors", folder / "model-00001-of-00001.safetensors"
    )
    assert _load(folder).ref.parameters == expected


def test_weights_that_config_json_names_are_those_that_count(folder: Path) -> None:
    expected = _scores(folder)
    other = {name: value * 2 for name, value in load_file(folder / "model.safetensors").items()}
    _write({**other, "extra.weight": torch.ones(3)}, folder / "other.safetensors")
    path = folder / "config.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "transformers_weights": "other.safetensors"})
    )
    assert _scores(folder) != pytest.approx(expected, abs=1e-2)
    assert _load(folder).ref.parameters == sum(v.numel() for v in other.values()) + 3


def _refusal(folder: Path, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        _load(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda index: index.pop("weight_map"), "is no list of weight files"),
        (lambda index: index.update(weight_map=[]), "is no list of weight files"),
        (lambda index: index.update(weight_map={}), "0 of 0 files are missing"),
        (lambda index: index.update(weight_map={"a": 1}), "is no list of weight files"),
        (lambda index: index.update(weight_map={"a": "x.safetensors"}), "such as x.safetensors"),
        (lambda index: index.update(weight_map={"a": "../x"}), "'../x' is no file of its folder"),
    ],
)
def test_a_list_of_parts_that_cannot_be_followed_is_refused(
    folder: Path, change: Any, words: str
) -> None:
    index = _shard(folder)
    (folder / "model.safetensors").unlink()
    change(index)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert words in _refusal(folder)


def test_weights_under_another_name_are_refused_with_the_remedy(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    message = _refusal(folder)
    assert "its weights are not called model.safetensors (there: weights.safetensors)" in message
    assert "save_pretrained" in message


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"]
)
def test_an_adapter_beside_its_base_model_is_refused(folder: Path, name: str) -> None:
    if name.endswith(".safetensors"):
        _write({"base_model.x.lora_A.weight": torch.ones(2, 2)}, folder / name)
    else:
        (folder / name).write_text("{}")
    message = _refusal(folder)
    assert f"holds an adapter ({name}), which is not applied; merge it" in message


def _add(folder: Path, **tensors: torch.Tensor) -> None:
    path = folder / "model.safetensors"
    _write({**load_file(path), **{n.replace("__", "."): t for n, t in tensors.items()}}, path)


def test_weights_of_a_layer_that_nothing_uses_are_refused(folder: Path) -> None:
    _add(
        folder,
        bert__encoder__layer__0__attention__self__distance_embedding__weight=torch.ones(127, 8),
    )
    message = _refusal(folder)
    assert "1 weights of its layers are not used by any code of transformers" in message
    assert "distance_embedding" in message


@pytest.mark.parametrize("kind", ["relative_key", "relative_key_query"])
def test_relative_positions_are_refused_by_their_name(folder: Path, kind: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "position_embedding_type": kind}))
    assert f"its positions are {kind}, which transformers 5 has no code for" in _refusal(folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "positions are alibi, which transformers 5 has no code for"),
        ({"auto_map": {"AutoModel": "m.M"}}, "positions are alibi, which need its own code"),
    ],
)
def test_positions_of_other_code_are_refused(
    folder: Path, settings: dict[str, Any], words: str
) -> None:
    _say(folder, position_embedding_type="alibi", **settings)
    message = _refusal(folder)
    assert words in message
    assert len(message) <= 300


def test_nobody_is_asked_whether_to_run_a_models_own_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", asked.append)
    code = {"AutoConfig": "m.C", "AutoModelForSequenceClassification": "m.M"}
    _say(folder, model_type="of-their-own", auto_map=code)
    assert "needs its own code (m.M); read it" in _refusal(folder)
    assert asked == []


def test_an_architecture_that_transformers_does_not_know_is_named(folder: Path) -> None:
    _say(folder, model_type="of-nobody")
    message = _refusal(folder)
    assert "its architecture (of-nobody) is none of transformers" in message
    assert "name a model that this release knows" in message


@pytest.mark.parametrize(
    ("labels", "settings"), [(1, {"id2label": {"0": "no", "1": "yes"}}), (2, {"num_labels": 1})]
)
def test_labels_of_another_number_than_rows_are_refused(
    tmp_path: Path, labels: int, settings: dict[str, Any]
) -> None:
    folder = tiny.build(tmp_path / "m", labels=labels)
    _say(folder, **settings)
    assert "its weight classifier.bias is" in _refusal(folder)


def _say(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def test_an_encoder_with_weights_that_nothing_uses_is_refused_in_every_family(
    tmp_path: Path,
) -> None:
    folder = models.encoder(tmp_path / "m", "bert")
    models.add_modules(folder, [models.pooling()], settings={})
    _add(folder, encoder__layer__1__attention__self__distance_embedding__weight=torch.ones(9, 8))
    assert "weights of its layers are not used" in _refusal(folder)


def test_other_heads_get_a_caution_and_buffers_and_poolers_none(folder: Path) -> None:
    _add(folder, bert__embeddings__position_ids=torch.arange(64)[None])
    assert _load(folder).warnings() == []
    _add(folder, cls__predictions__bias=torch.ones(4))
    (said,) = _load(folder).warnings()
    assert said == (
        "1 of its weights are not used by BertForSequenceClassification, such as "
        "cls.predictions.bias"
    )


def test_layers_that_the_config_leaves_out_get_a_caution(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_hidden_layers": 1}))
    (said,) = _load(folder).warnings()
    assert "of its weights are not used" in said


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_nothing_is_said_of_a_whole_checkpoint(checkpoint_of: CheckpointOf, kind: str) -> None:
    assert _load(checkpoint_of(kind)).warnings() == []


# --- keys that config.json leaves out -----------------------------------------------------------


def test_a_key_left_out_has_the_default_of_transformers(folder: Path, tmp_path: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    expected = _load(folder, engine="auto")
    for key in ("hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id"):
        config.pop(key)
        path.write_text(json.dumps(config))
        found = _load(folder, engine="auto")
        assert found.engine.engine == expected.engine.engine
        assert found.ref.max_length == expected.ref.max_length


@pytest.mark.parametrize("key", ["hidden_size", "intermediate_size", "max_position_embeddings"])
def test_a_default_that_does_not_fit_the_weights_is_refused_in_a_line(
    folder: Path, key: str
) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.pop(key)
    path.write_text(json.dumps(config))
    message = _refusal(folder, engine="auto")
    assert re.search(r"its weight bert\S+ is \d+.*, and its config.json describes \d+", message)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "modernbert", "qwen3"])
def test_positions_left_out_are_those_of_the_configuration_class(model_type: str) -> None:
    import transformers

    made: Any = transformers.CONFIG_MAPPING[model_type]()
    found = Checkpoint(
        folder=Path(),
        name="m",
        revision="1",
        config={"model_type": model_type},
        tokenizer_config={},
    )
    after = made.pad_token_id + 1 if model_type == "roberta" else 0
    assert found.positions() == made.max_position_embeddings - after


@pytest.mark.parametrize("key", ["vocab_size", "max_position_embeddings", "intermediate_size"])
def test_a_size_with_digits_too_many_is_refused_before_memory_is_taken(
    folder: Path, key: str
) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: 10**8}))
    assert "its config.json describes" in _refusal(folder)
