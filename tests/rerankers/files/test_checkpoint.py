"""A checkpoint is found, identified or refused from its files alone, in one line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file

from rerankbench.errors import ConfigError, ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.sequence_classification import FACTORY
from rerankbench.run import config as configs
from rerankbench.run import environment, plan
from rerankbench.types import RerankerRef
from tests.rerankers.loaded import load

from ... import tiny
from ..conftest import CheckpointOf


@pytest.fixture
def folder(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    """A checkpoint that the test may break."""
    return Path(shutil.copytree(checkpoint_of(), tmp_path / "my-model"))


def _identify(model: Path | str, **options: Any) -> RerankerRef:
    return FACTORY.identify(RerankerSpec(model=str(model), **options)).ref


def _scores(folder: Path, **options: Any) -> list[float]:
    reranker = load(FACTORY, RerankerSpec(model=str(folder), **{"dtype": "float32"} | options))
    batches = reranker.score(reranker.prepare(Job(candidates=tiny.mixed(queries=1))))
    return [score for batch in batches for score in batch.scores]


def _refusal(model: Path | str, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        _identify(model, **options)
    return _one_line(caught.value)


def _refusal_to_load(model: Path | str) -> str:
    with pytest.raises(ModelError) as caught:
        load(FACTORY, RerankerSpec(model=str(model)))
    return _one_line(caught.value)


def _one_line(error: Exception) -> str:
    assert "\n" not in str(error)
    return str(error)


def _change_config(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    message = _refusal(tmp_path / "nowhere")
    assert message == f"{tmp_path / 'nowhere'}: no such model folder; check the path"


def test_a_file_is_no_model_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "no such model folder" in _refusal(tmp_path / "file")


def test_a_folder_without_safetensors_says_how_to_make_them(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    message = _refusal(folder)
    assert message.startswith("my-model: no *.safetensors in it; save it with model.save_pret")


class _Bomb:
    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self._target),)


def test_pickled_weights_are_named_and_never_opened(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    body = pickle.dumps(_Bomb(tmp_path / "exploded"))
    (folder / "pytorch_model.bin").write_bytes(body)
    assert "pickled *.bin weights can run code and are not loaded" in _refusal(folder)
    assert "pickled" in _refusal_to_load(folder)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(body)
    assert (tmp_path / "exploded").exists(), "the bomb was a dud: the test proves nothing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"abc",
        (10**9).to_bytes(8, "little") + b"{}",
        (0).to_bytes(8, "little") + b"{}",
        (8).to_bytes(8, "little") + b"{broken}",
        (6).to_bytes(8, "little") + b'"\xff\xfe\xfd"x',
        (2).to_bytes(8, "little") + b"[]",
        (7).to_bytes(8, "little") + b'{"a":1}',
        (10).to_bytes(8, "little") + b'{"a":{}   ',
        (8).to_bytes(8, "little") + b'{"a":{}}',
        (30).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":3}',
        (31).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":3}}',
    ],
)
def test_a_broken_safetensors_header_is_named_with_its_file(folder: Path, body: bytes) -> None:
    (folder / "model.safetensors").write_bytes(body)
    message = _refusal(folder)
    assert message.startswith(f"{folder / 'model.safetensors'}: is no safetensors file (")
    assert message.endswith("fetch it again")


def test_weights_that_end_too_early_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    assert _refusal_to_load(folder).startswith("my-model: cannot be loaded (")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b"{'a': 1}"])
def test_a_config_that_is_not_json_is_named(folder: Path, body: bytes) -> None:
    (folder / "config.json").write_bytes(body)
    message = _refusal(folder)
    assert message.startswith(f"{folder / 'config.json'}: is not JSON (")
    assert message.endswith("fetch the model again")


def test_a_config_that_is_no_object_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text("[1, 2]")
    assert _refusal(folder).startswith(f"{folder / 'config.json'}: is no JSON object")


def test_a_broken_tokenizer_config_is_named(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{")
    assert _refusal(folder).startswith(f"{folder / 'tokenizer_config.json'}: is not JSON (")


@pytest.mark.parametrize("body", ["{", "{}", "[]", ""])
def test_a_broken_tokenizer_is_refused_in_one_line(folder: Path, body: str) -> None:
    (folder / "tokenizer.json").write_text(body)
    assert _refusal_to_load(folder).startswith("my-model: cannot be loaded (")


def test_a_folder_without_config_is_no_model_folder(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert _refusal(folder) == f"{folder}: no config.json in it; is it a model folder?"


def test_a_base_model_without_classifier_is_refused(folder: Path) -> None:
    _change_config(folder, architectures=["BertModel"])
    message = _refusal(folder)
    assert message.startswith("my-model: BertModel is no sequence classifier; name a cross-enc")


@pytest.mark.parametrize("unsaid", [None, []])
def test_a_config_that_names_no_architecture_runs_once_its_family_is_named(
    folder: Path, unsaid: Any
) -> None:
    expected = _scores(folder)
    _change_config(folder, architectures=unsaid)
    with pytest.raises(ModelError, match="name its 'family' in a config: sequence-class"):
        naming.find_factory(str(folder)).identify(RerankerSpec(model=str(folder)))
    assert _scores(folder) == expected


def test_a_classifier_whose_head_is_missing_is_refused(folder: Path) -> None:
    _, model = tiny.reference(folder)
    kept = {k: v.clone() for k, v in model.state_dict().items() if "classifier" not in k}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    message = _refusal_to_load(folder)
    assert message.startswith("my-model: 2 weights are missing, such as classifier.bias")


def test_three_labels_are_refused(checkpoint_of: CheckpointOf) -> None:
    message = _refusal(checkpoint_of("bert", 3))
    assert message.startswith(
        "bert-3: 3 labels (LABEL_0, LABEL_1, LABEL_2), and nothing tells which one is relevant; "
        "name it in a config: {model: bert-3, recipe: {label:"
    )


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_parameters_are_counted_as_torch_does(checkpoint_of: CheckpointOf, kind: str) -> None:
    _, model = tiny.reference(checkpoint_of(kind))
    expected = sum(parameter.numel() for parameter in model.parameters())
    assert _identify(checkpoint_of(kind)).parameters == expected


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_the_limit_is_what_the_tokeniser_and_the_positions_allow(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    assert _identify(checkpoint_of(kind)).max_length == tiny.MAX_LENGTH


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_the_longest_pair_of_the_limit_really_runs(checkpoint_of: CheckpointOf, kind: str) -> None:
    reranker = load(FACTORY, RerankerSpec(model=str(checkpoint_of(kind))))
    candidates = tiny.candidates([("tide", ["moon " * 500])])
    batches = list(reranker.score(reranker.prepare(Job(candidates=candidates))))
    assert [batch.tokens for batch in batches] == [tiny.MAX_LENGTH]


def _limit(config: dict[str, Any], tokenizer_config: dict[str, Any]) -> int:
    return Checkpoint(
        folder=Path(), name="m", revision="1", config=config, tokenizer_config=tokenizer_config
    ).max_length()


@pytest.mark.parametrize(
    ("config", "tokenizer_config", "expected"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, {"model_max_length": 512}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, {"model_max_length": 128}, 128),
        ({"model_type": "bert", "max_position_embeddings": 512}, {}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, {"model_max_length": 1e30}, 512),
        (
            {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1},
            {"model_max_length": 1e30},
            512,
        ),
        (
            {"model_type": "xlm-roberta", "max_position_embeddings": 8194, "pad_token_id": 1},
            {"model_max_length": 8192},
            8192,
        ),
        ({"model_type": "modernbert", "max_position_embeddings": 8192}, {}, 8192),
        ({"model_type": "t5"}, {"model_max_length": 1e30}, 512),
        ({}, {}, 512),
    ],
)
def test_the_limit_of_published_configs(
    config: dict[str, Any], tokenizer_config: dict[str, Any], expected: int
) -> None:
    assert _limit(config, tokenizer_config) == expected


def test_a_max_length_beyond_the_limit_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _identify(folder, max_length=tiny.MAX_LENGTH + 1)
    assert _one_line(caught.value) == (
        "my-model: max length 65 is beyond the model's 64; ask for at most 64"
    )
    assert _identify(folder, max_length=tiny.MAX_LENGTH).max_length == tiny.MAX_LENGTH


def test_sharded_weights_load_and_count_the_same(folder: Path, tmp_path: Path) -> None:
    tokenizer, model = tiny.reference(folder)
    model.save_pretrained(tmp_path / "sharded", max_shard_size="30KB")
    tokenizer.save_pretrained(tmp_path / "sharded")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 1
    assert _identify(tmp_path / "sharded").parameters == _identify(folder).parameters
    job = Job(candidates=tiny.mixed(queries=1))
    scores = []
    for each in (folder, tmp_path / "sharded"):
        reranker = load(FACTORY, RerankerSpec(model=str(each)))
        batches = reranker.score(reranker.prepare(job))
        scores.append([score for batch in batches for score in batch.scores])
    # Weights that lie elsewhere in memory may change the last bit.
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_the_revision_is_the_files_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert _identify(copy).revision == _identify(folder).revision
    assert _identify(copy).name == "copy"
    assert _identify(copy, name="mine").name == "mine"


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
)
def test_the_revision_changes_with_every_file_that_decides(folder: Path, name: str) -> None:
    before = _identify(folder).revision
    with (folder / name).open("ab") as handle:
        handle.write(b" ")
    assert _identify(folder).revision != before


@pytest.mark.parametrize("name", ["vocab.txt", "spiece.model", "modeling.py", "extra.json"])
def test_the_revision_changes_with_a_new_file_that_decides(folder: Path, name: str) -> None:
    before = _identify(folder).revision
    (folder / name).write_text("{}")
    assert _identify(folder).revision != before


@pytest.mark.parametrize("name", ["README.md", ".gitattributes", "notes.pdf"])
def test_the_revision_does_not_change_with_a_note(folder: Path, name: str) -> None:
    before = _identify(folder).revision
    (folder / name).write_text("about")
    assert _identify(folder).revision == before


def test_a_local_folder_has_no_revisions(folder: Path) -> None:
    assert "a local folder has no revisions" in _refusal(folder, revision="main")


def test_an_unknown_engine_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="no engine 'tensorrt'; known: auto, native"):
        _identify(folder, engine="tensorrt")


def test_a_gpu_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device cuda: torch sees no CUDA GPU; use --device cpu"):
        load(FACTORY, RerankerSpec(model=str(folder), device="cuda"))


def test_a_hub_id_without_a_network_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The variable is read when the package is imported, which other tests may have done before.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    message = _refusal("some-people/some-model")
    assert message == (
        "some-people/some-model: not in the local cache, and the hub cannot be reached; "
        "name a local folder, or fetch it first with `hf download`"
    )


def test_a_name_that_no_hub_can_have_is_refused() -> None:
    assert _refusal("two  words") == "two  words: neither a folder nor a hub id; check the name"


@pytest.mark.parametrize("name", ["a/b/c", "./nowhere", "~/nowhere-at-all"])
def test_a_path_is_never_asked_of_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_fetch", None)
    assert "no such model folder" in _refusal(name)


def test_code_of_others_needs_a_revision(tmp_path: Path) -> None:
    values = {
        "datasets": ["demo"],
        "models": [{"model": "some-people/some-model", "trust_remote_code": True}],
    }
    config = configs.validated(values, "test")
    with pytest.raises(ConfigError) as caught:
        plan.make(config, environment.inspect(), cuda=False, cache=tmp_path)
    assert _one_line(caught.value) == (
        "some-people/some-model: trust_remote_code needs the revision to trust; "
        "add 'revision: COMMIT'"
    )


def test_code_beside_a_model_does_not_run(folder: Path, tmp_path: Path) -> None:
    code = f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n"
    (folder / "modeling_evil.py").write_text(code)
    name = "BertForSequenceClassification"
    _change_config(
        folder,
        model_type="evil",
        auto_map={
            "AutoConfig": "modeling_evil.EvilConfig",
            "AutoModelForSequenceClassification": f"modeling_evil.{name}",
        },
    )
    _refusal_to_load(folder)
    assert not (tmp_path / "ran").exists()


def test_identifying_a_checkpoint_imports_no_torch(checkpoint_of: CheckpointOf) -> None:
    code = (
        "import sys; from rerankbench.protocols import RerankerSpec; "
        "from rerankbench.rerankers.sequence_classification import FACTORY; "
        f"FACTORY.identify(RerankerSpec(model={str(checkpoint_of())!r})); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_without_token_types_gets_none(checkpoint_of: CheckpointOf) -> None:
    reranker = load(FACTORY, RerankerSpec(model=str(checkpoint_of("distilbert"))))
    prepared = reranker.prepare(Job(candidates=tiny.mixed(queries=1)))
    assert prepared.rows([0, 1]).types is None
