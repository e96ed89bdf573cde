"""Model folders with one value changed at random: scores, or an error of ours in a line."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rerankbench.errors import RerankbenchError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models
from .. import language_models as lm

MUTANTS = 25
# A longer message would fill a terminal; the folder's own name is the tester's.
LONGEST = 300
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 3, 7, 10**6, 2**40, 10**30, 1.5, -0.5, 1e308),
    *(float("nan"), float("inf"), "", "x", "7", "../../x", "\0", "é", "a" * 3000),
    *([], [1], ["x"], [None], {}, {"x": 1}, {"0": "a", "1": "b"}, [[[]]]),
]
ADDED = (
    *("num_labels", "auto_map", "id2label", "label2id", "quantization_config", "rope_parameters"),
    *("tokenizer_name_or_path", "config_kwargs", "text_config", "transformers_weights", "dtype"),
    *("problem_type", "extra_special_tokens", "padding_side", "truncation_side", "unknown"),
)
CHAT = "{%- for m in messages -%}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def _encoder(path: Path) -> Path:
    return _saved(tiny.build(path, labels=2), chat=False)


def _decoder(path: Path) -> Path:
    tokenizer = lm.chat_tokens()
    tokenizer.chat_template = CHAT
    lm.decoder(path, "Qwen3", tokenizer, "SequenceClassification", num_labels=2)
    return _saved(path, chat=True)


def _saved(folder: Path, *, chat: bool) -> Path:
    """A classifier with sentence-transformers' files, which say all that they can."""
    read = {"method": "forward", "method_output_name": "logits"}
    models.add_modules(
        folder,
        [],
        settings={
            "model_type": "CrossEncoder",
            "prompts": {"q": "tide: "},
            "default_prompt_name": "q",
            "activation_fn": "torch.nn.modules.activation.Sigmoid",
            "keep_in_fp32_modules": [] if chat else ["0.model.classifier"],
        },
    )
    told = {
        "transformer_task": "sequence-classification",
        "modality_config": {
            "text": read,
            **({"message": {**read, "format": "flat"}} if chat else {}),
        },
        "module_output_name": "scores",
        "max_seq_length": 40,
        "processing_kwargs": {"text": {"max_length": 60}, "common": {"padding": True}},
        "processor_kwargs": {"model_max_length": 60},
        "model_kwargs": {"dtype": "float32"},
    }
    (folder / "sentence_bert_config.json").write_text(json.dumps(told))
    return folder


def _modules(path: Path) -> Path:
    heads = [models.pooling("cls"), models.dense(32, 1, module_output_name="scores")]
    settings: dict[str, Any] = {"model_type": "CrossEncoder", "prompts": {}, "activation_fn": None}
    return models.add_modules(models.encoder(path), heads, settings=settings)


KINDS: dict[str, Callable[[Path], Path]] = {
    "encoder": _encoder,
    "decoder": _decoder,
    "modules": _modules,
    "electra": lambda path: tiny.build(path, "electra"),
    "t5": lm.t5,
}
PLACES = (
    *("config.json", "tokenizer_config.json", "modules.json", "sentence_bert_config.json"),
    *("config_sentence_transformers.json", "generation_config.json", "tokenizer.json"),
    *("1_Pooling/config.json", "2_Dense/config.json"),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    place = tmp_path_factory.mktemp("whole")
    return cache(lambda kind: KINDS[kind](place / f"monot5-{kind}"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_value_is_scored_or_refused_in_a_line(
    whole: Callable[[str], Path], tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    numbers = random.Random(f"seed of {kind}")
    source = whole(kind)
    assert _run(source) is None
    outcomes = set()
    for i in range(MUTANTS):
        folder = Path(shutil.copytree(source, tmp_path / f"{source.name}-{i}"))
        name = numbers.choice([each for each in PLACES if (folder / each).is_file()])
        changed, what = _mutated(json.loads((folder / name).read_text()), name, numbers)
        (folder / name).write_text(json.dumps(changed))
        message = _run(folder)
        outcomes.add(message is None)
        told = (message or "").replace(str(folder), "")
        assert len(told) <= LONGEST, (name, what)
        assert "\n" not in told, (name, what)
        assert capfd.readouterr() == ("", ""), f"a library speaks of {name}, {what}"
    assert outcomes == {True, False}, "all mutants fared alike: the test shows little"


def _run(folder: Path) -> str | None:
    """An error's message, or None where the model was loaded and scored."""
    spec = RerankerSpec(model=str(folder), dtype="float32", engine="torch")
    job = Job(candidates=tiny.mixed(queries=1, documents=3))
    try:
        factory = naming.find_factory(spec.model)
        factory.identify(spec)
        reranker = load(factory, spec)
        list(reranker.score(reranker.prepare(job)))
        reranker.warnings()
    except RerankbenchError as error:
        return str(error)
    return None


def _mutated(value: Any, name: str, numbers: random.Random) -> tuple[Any, Any]:
    """The value with one place in it changed, taken out or added; and what was done."""
    value = copy.deepcopy(value)
    deepest = 1 if name == "tokenizer.json" else 4
    *way, last = numbers.choice(list(_places(value, deepest)))
    inner = value
    for key in way:
        inner = inner[key]
    new, what = numbers.choice(VALUES), numbers.choice(["set"] * 5 + ["drop", "add"])
    if what == "drop":
        del inner[last]
    elif what == "add" and isinstance(inner, dict):
        inner[numbers.choice(ADDED)] = new
    else:
        inner[last] = new
    return value, (way, last, what, new)


def _places(value: Any, deepest: int, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield (*way, key)
        if deepest > 1 and isinstance(value[key], dict | list):
            yield from _places(value[key], deepest - 1, (*way, key))


def test_what_tokenizers_prints_of_unknown_settings_is_not_seen(
    whole: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(whole("encoder"), tmp_path / "m"))
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["added_tokens"][0]["unheard_of"] = 1
    path.write_text(json.dumps(tokenizer))
    assert _run(folder) is None
    os.write(1, b"still there\n")
    assert capfd.readouterr() == ("still there\n", "")
    import transformers

    transformers.AutoTokenizer.from_pretrained(folder)
    assert "unheard_of" in capfd.readouterr().out, "the library is silent: nothing is shown"


@pytest.mark.parametrize("kind", ["single", "pair"])
def test_a_template_that_names_a_token_which_is_nowhere_is_refused(
    kind: str, whole: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(whole("encoder"), tmp_path / "m"))
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": each, "type_id": 0}} for each in "AB"],
        "special_tokens": {},
    }
    tokenizer["post_processor"][kind].append({"SpecialToken": {"id": "[NONE]", "type_id": 0}})
    path.write_text(json.dumps(tokenizer))
    # BERT's own class would put its own template in the place of this one.
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert "cannot be loaded" in (_run(folder) or "")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_file_nested_without_end_is_refused(
    whole: Callable[[str], Path], tmp_path: Path, depth: int
) -> None:
    folder = Path(shutil.copytree(whole("encoder"), tmp_path / "m"))
    (folder / "config.json").write_text('{"x": ' + "[" * depth + "]" * depth + "}")
    assert _run(folder) is not None


@pytest.mark.parametrize("name", ["config.json", "modules.json", "tokenizer_config.json"])
def test_what_is_no_regular_file_is_refused(
    whole: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(whole("encoder"), tmp_path / "m"))
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "not a regular file" in str(_run(folder))
