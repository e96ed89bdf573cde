"""Cross-encoders as sentence-transformers 6 saves them: its own scores, or a refusal by name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers import sentence_transformers_reference
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models
from .. import language_models as lm

library: Any = pytest.importorskip("sentence_transformers")
CHAT = (
    "{%- for m in messages -%}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor -%}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PROMPT: dict[str, Any] = {"prompts": {"ask": "tide moon: "}, "default_prompt_name": "ask"}


def _candidates() -> list[Candidates]:
    """Short queries and documents of all lengths: what is cut is the document everywhere."""
    numbers = random.Random(3)
    lengths = [1, 2, 5, 9, 15, 30, 60, 120]
    texts = [[tiny.sentence(numbers, n) for n in lengths] for _ in range(2)]
    return tiny.candidates([("tide", texts[0]), ("moon gull", texts[1])])


def _ours(folder: Path, **options: Any) -> tuple[list[float], Any]:
    spec = RerankerSpec(model=str(folder), **{"dtype": "float32"} | options)
    reranker = load(naming.find_factory(spec.model, spec.family), spec)
    found = {
        pair: score
        for batch in reranker.score(reranker.prepare(Job(candidates=_candidates())))
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[i] for i in range(len(found))], reranker


def _theirs(folder: Path, dtype: torch.dtype = torch.float32) -> list[float]:
    model = library.CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": dtype})
    pairs = [(c.query.text, d.content) for c in _candidates() for d in c.documents]
    raw = model.predict(pairs, activation_fn=torch.nn.Identity(), batch_size=4)
    return [float(x) for x in (raw[:, 1] - raw[:, 0] if raw.ndim == 2 else raw)]


def _saved(
    base: Path, folder: Path, change: Callable[[Any], None] = lambda _: None, **options: Any
) -> Path:
    model = library.CrossEncoder(str(base), device="cpu", **options)
    change(model)
    model.save_pretrained(str(folder))
    return folder


def _decoder(
    folder: Path,
    kind: str = "Qwen3",
    *,
    chat: str | None = None,
    head: str = "SequenceClassification",
    labels: int = 1,
    **tokens: str,
) -> Path:
    tokenizer = lm.chat_tokens()
    tokenizer.chat_template = chat
    for name, value in tokens.items():
        setattr(tokenizer, name, value)
    of_labels = {"num_labels": labels} if head == "SequenceClassification" else {}
    return lm.decoder(folder, kind, tokenizer, head, **of_labels)


def _same(folder: Path, **options: Any) -> Any:
    """Our reranker, after its scores were compared with theirs."""
    expected = _theirs(folder)
    assert max(expected) - min(expected) > 0.1, "scores too alike to tell a mistake"
    found, reranker = _ours(folder, **options)
    assert found == pytest.approx(expected, abs=1e-4)
    return reranker


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "electra", "deberta-v2"])
def test_prompt_and_length_of_an_encoder_count(tmp_path: Path, kind: str) -> None:
    base = tiny.build(tmp_path / "base", kind)
    folder = _saved(base, tmp_path / "saved", max_length=24, **PROMPT)
    ref = _same(folder, engine="torch").ref
    assert (ref.max_length, ref.recipe["query_prompt"]) == (24, "tide moon: ")
    plain, _ = _ours(folder, engine="torch", recipe={"query_prompt": ""}, max_length=24)
    assert plain != pytest.approx(_theirs(folder), abs=1e-2)


def _calling(**kinds: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model[0].processing_kwargs = kinds

    return change


@pytest.mark.parametrize(
    ("change", "length"),
    [
        (_calling(text={"max_length": 20}), 20),
        (_calling(common={"max_length": 22}, text={"max_length": 20}), 22),
        (_calling(text={"truncation": True, "padding": "max_length", "max_length": 30}), 30),
    ],
)
def test_how_the_tokeniser_is_called_counts(
    tmp_path: Path, change: Callable[[Any], None], length: int
) -> None:
    folder = _saved(tiny.build(tmp_path / "base"), tmp_path / "saved", change)
    assert _same(folder, engine="torch").ref.max_length == length


@pytest.mark.parametrize("seen", ["max_seq_length", "processor", "older processor"])
def test_lengths_of_older_releases_count(tmp_path: Path, seen: str) -> None:
    folder = _saved(tiny.build(tmp_path / "base"), tmp_path / "saved")
    ways: dict[str, dict[str, Any]] = {
        "max_seq_length": {"max_seq_length": 16},
        "processor": {"processor_kwargs": {"model_max_length": 16}},
        "older processor": {"tokenizer_args": {"model_max_length": 16}},
    }
    _change(folder / "sentence_bert_config.json", **ways[seen])
    assert _same(folder, engine="torch").ref.max_length == 16
    # What was saved is a default, not a limit.
    assert _ours(folder, engine="torch", max_length=64)[1].ref.max_length == 64


def test_lower_case_and_the_side_that_is_cut_count(tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["roberta"].tokenizer()
    folder = _saved(tiny.build(tmp_path / "base", "roberta"), tmp_path / "saved")
    _change(
        folder / "sentence_bert_config.json",
        do_lower_case=True,
        max_seq_length=30,
        processor_kwargs={"truncation_side": "left", "model_max_length": 30},
    )
    reranker = _same(folder, engine="torch")
    assert reranker.ref.recipe["lower_case"] is True
    assert reranker.ref.recipe["truncation_side"] == "left"
    assert tokenizer.truncation_side == "right"


def _change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"processing_kwargs": {"text": {"add_special_tokens": False}}}, "add_special_tokens"),
        ({"processing_kwargs": {"text": {"padding_side": "left"}}}, "padding_side"),
        ({"processing_kwargs": {"common": {"truncation": "only_first"}}}, "only_first"),
        ({"processor_kwargs": {"do_lower_case": True}}, "do_lower_case"),
        ({"config_kwargs": {"num_labels": 1}}, "num_labels"),
        ({"model_kwargs": {"quantization_config": {}}}, "quantization_config"),
        ({"transformer_task": "fill-mask"}, "fill-mask"),
        ({"something_new": 1}, "something_new"),
        ({"modality_config": {"image": {}}}, "reading image"),
        (
            {"modality_config": {"text": {"method": "embed", "method_output_name": "logits"}}},
            "reading embed",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    folder = _saved(tiny.build(tmp_path / "base"), tmp_path / "saved")
    _change(folder / "sentence_bert_config.json", **values)
    with pytest.raises(ModelError) as caught:
        naming.find_factory(str(folder)).identify(RerankerSpec(model=str(folder)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_default_prompt_that_there_is_not_is_refused(tmp_path: Path) -> None:
    folder = _saved(tiny.build(tmp_path / "base"), tmp_path / "saved")
    _change(folder / "config_sentence_transformers.json", default_prompt_name="gone")
    with pytest.raises(ModelError, match="its default prompt 'gone' is none of its prompts"):
        _ours(folder)


@pytest.mark.parametrize("activation", ["Sigmoid", "Tanh", "Identity", "Softplus"])
def test_a_rising_activation_is_left_out_silently(tmp_path: Path, activation: str) -> None:
    made = getattr(torch.nn, activation)()
    folder = _saved(tiny.build(tmp_path / "base"), tmp_path / "saved", activation_fn=made)
    assert _same(folder, engine="torch").warnings() == []


def test_other_activations_are_named_or_refused(tmp_path: Path) -> None:
    folder = _saved(
        tiny.build(tmp_path / "base"), tmp_path / "saved", activation_fn=torch.nn.ReLU()
    )
    assert "activation ReLU makes scores equal" in _same(folder, engine="torch").warnings()[0]
    path = folder / "config_sentence_transformers.json"
    _change(path, activation_fn="some.place.Own")
    assert "some.place.Own is code of its own" in _ours(folder, engine="torch")[1].warnings()[0]
    for dotted in ("torch.nn.modules.activation.GELU", "torch.nn.Softmax", "torch.nn.Nothing"):
        _change(path, activation_fn=dotted)
        with pytest.raises(ModelError, match="puts scores in another order"):
            _ours(folder)


def test_an_activation_of_config_json_is_seen_too(tmp_path: Path) -> None:
    folder = tiny.build(tmp_path / "m")
    _change(folder / "config.json", sentence_transformers={"activation_fn": "torch.nn.GELU"})
    with pytest.raises(ModelError, match=r"torch\.nn\.GELU puts scores in another order"):
        _ours(folder)


def test_layers_in_float32_compute_in_float32(tmp_path: Path) -> None:
    base = tiny.build(tmp_path / "base")
    folder = _saved(base, tmp_path / "saved", keep_in_fp32_modules=["0.model.classifier"])
    found, reranker = _ours(folder, dtype="bfloat16", engine="auto")
    assert reranker.engine.engine == "torch"
    without = _saved(base, tmp_path / "without")
    plain, _ = _ours(without, dtype="bfloat16", engine="torch")
    exact = _theirs(folder)
    assert found == pytest.approx(_theirs(folder, torch.bfloat16), abs=3e-2)

    def error(scores: list[float]) -> float:
        return sum(abs(a - b) for a, b in zip(scores, exact, strict=True))

    # Ours computes the head in float32 in any case, so that to say so changes nothing.
    assert error(found) <= error(plain)
    inner = ["0.model.bert.encoder.layer.1.output.dense"]
    _change(folder / "config_sentence_transformers.json", keep_in_fp32_modules=inner)
    found, _ = _ours(folder, dtype="bfloat16")
    assert found == pytest.approx(exact, abs=5e-2)
    _change(folder / "config_sentence_transformers.json", keep_in_fp32_modules=["0.model.nowhere"])
    with pytest.raises(ModelError, match=r"names 0\.model\.nowhere, which is no linear layer"):
        _ours(folder)


# --- decoders: what the files say goes before what the name suggests ---------------------------


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("options", [{}, {**PROMPT, "max_length": 40}])
def test_a_plain_pair_classifier_reads_pairs(
    tmp_path: Path, labels: int, options: dict[str, Any]
) -> None:
    base = _decoder(tmp_path / "base", labels=labels)
    ref = _same(_saved(base, tmp_path / "Qwen3-Reranker-mine", **options)).ref
    assert ref.family == "causal-lm"
    assert ref.recipe["prompt_from"] == "tokeniser's pair"
    assert ref.max_length == options.get("max_length", 4096)


@pytest.mark.parametrize("kind", ["Qwen3", "Llama", "Olmo2", "SmolLM3"])
@pytest.mark.parametrize("options", [{}, PROMPT])
def test_a_chat_classifier_reads_its_own_template(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    base = _decoder(tmp_path / "base", kind, chat=CHAT)
    ref = _same(_saved(base, tmp_path / "Qwen3-Reranker-mine", **options)).ref
    assert ref.recipe["prompt_from"] == "chat template"


@pytest.mark.parametrize(
    "chat",
    [
        CHAT.replace("m.content", "m.content | trim"),
        CHAT.replace("m.content", "m.content[0].text"),
        CHAT.replace("m.content", "m.content[0]['text'] | trim"),
    ],
)
def test_templates_of_other_forms(tmp_path: Path, chat: str) -> None:
    base = _decoder(tmp_path / "base", chat=chat)
    _same(_saved(base, tmp_path / "Qwen3-Reranker-mine", **PROMPT))


def test_arguments_of_the_template_count(tmp_path: Path) -> None:
    base = _decoder(tmp_path / "base", chat=CHAT + "{% if loud %}{{ loud }}!{% endif %}")
    change = _calling(chat_template={"add_generation_prompt": True, "loud": "yes"})
    prompt = _same(_saved(base, tmp_path / "saved", change)).ref.recipe["prompt"]
    assert str(prompt).endswith("<|im_start|>assistant\nyes!")


def test_a_prompt_that_ends_in_padding_is_read_where_transformers_reads_it(
    tmp_path: Path,
) -> None:
    chat = CHAT.replace("<|im_end|>\n", "<|im_end|>")
    base = _decoder(tmp_path / "base", chat=chat, pad_token="<|im_end|>")
    config = json.loads((base / "config.json").read_text())
    _change(
        base / "config.json", pad_token_id=lm.chat_tokens().convert_tokens_to_ids("<|im_end|>")
    )
    assert config["model_type"] == "qwen3"
    _same(_saved(base, tmp_path / "saved"))


@pytest.mark.parametrize("chat", [None, CHAT])
def test_answers_of_a_decoder_are_read_as_saved(tmp_path: Path, chat: str | None) -> None:
    base = _decoder(tmp_path / "base", chat=chat, head="CausalLM")
    ref = _same(_saved(base, tmp_path / "Qwen3-Reranker-mine", **PROMPT)).ref
    assert str(ref.recipe["score"]).count("logit(") == 2


def test_a_recipe_goes_before_the_files(tmp_path: Path) -> None:
    base = _decoder(tmp_path / "base", chat="{{ messages[0].content }}")
    folder = _saved(base, tmp_path / "saved")
    with pytest.raises(ModelError, match="no roles query and document"):
        _ours(folder)
    _, reranker = _ours(folder, recipe={"template": "{query} {document}"})
    assert reranker.ref.recipe["prompt"] == "{query} {document}"
    _, reranker = _ours(folder, recipe={"preset": "qwen3"})
    assert reranker.ref.recipe["prompt_from"] == "preset qwen3"


def _doctors(folder: Path, **options: Any) -> tuple[Any, list[float]]:
    """What doctor's other implementation says of a reranker, and its own scores."""
    scores, reranker = _ours(folder, **options)
    reference = sentence_transformers_reference.load(
        reranker, RerankerSpec(model=str(folder), **options)
    )
    assert reference is not None
    return reference(_candidates()), scores


def test_doctor_compares_what_sentence_transformers_reads_alike(tmp_path: Path) -> None:
    turned = tiny.build(tmp_path / "turned", labels=2)
    _change(turned / "config.json", id2label={"0": "relevant", "1": "irrelevant"})
    pair = _saved(_decoder(tmp_path / "decoder", labels=2), tmp_path / "pair")
    chat = _saved(_decoder(tmp_path / "base", chat=CHAT), tmp_path / "chat")
    for folder in (turned, pair, chat):
        theirs, ours = _doctors(folder, engine="torch")
        assert theirs == pytest.approx(ours, abs=1e-4)
    # A recipe changes what is read, and a preset is no more than a name to the library.
    assert _doctors(turned, recipe={"label": 1})[0] is None
    preset = _decoder(tmp_path / "Qwen3-Reranker-mine", chat=CHAT)
    assert _doctors(preset)[0] is None


def test_a_template_that_changes_texts_is_refused(tmp_path: Path) -> None:
    base = _decoder(tmp_path / "base", chat=CHAT.replace("m.content", "m.content | upper"))
    with pytest.raises(ModelError, match=r"no roles query and document|does more to a query"):
        _ours(_saved(base, tmp_path / "saved"))
    short = _decoder(tmp_path / "short", chat=CHAT.replace("m.content", "m.content[:300]"))
    with pytest.raises(ModelError, match="does more to a query and a document"):
        _ours(_saved(short, tmp_path / "saved-short"))


def test_a_chat_of_an_encoder_is_refused(tmp_path: Path) -> None:
    base = tiny.build(tmp_path / "base")
    (base / "chat_template.jinja").write_text(CHAT)
    with pytest.raises(ModelError, match="saved it as reading chat messages"):
        _ours(_saved(base, tmp_path / "saved"))


def test_labels_of_modules_are_chosen_by_index(tmp_path: Path) -> None:
    models.encoder(tmp_path / "base", "bert")
    base = library.base.modules.Transformer(str(tmp_path / "base"))
    pooling = library.sentence_transformer.modules.Pooling(models.HIDDEN, "cls")
    dense = library.base.modules.Dense(
        models.HIDDEN, 2, activation_function=torch.nn.Identity(), module_output_name="scores"
    )
    model = library.CrossEncoder(modules=[base, pooling, dense], device="cpu", **PROMPT)
    model.max_seq_length = 30
    model.save_pretrained(str(tmp_path / "saved"))
    usual = _theirs(tmp_path / "saved")
    assert _ours(tmp_path / "saved")[0] == pytest.approx(usual, abs=1e-4)
    turned, reranker = _ours(tmp_path / "saved", recipe={"label": 0})
    assert turned == pytest.approx([-score for score in usual], abs=1e-4)
    assert reranker.ref.recipe["score"] == "logit0 - logit1"
    with pytest.raises(UsageError, match="no label 2; its labels are"):
        _ours(tmp_path / "saved", recipe={"label": 2})


def test_without_a_list_of_modules_a_saved_prompt_is_not_used_and_named(tmp_path: Path) -> None:
    folder = tiny.build(tmp_path / "m")
    saved = {"model_type": "CrossEncoder", **PROMPT}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(saved))
    assert (
        "names a default prompt, which is not used" in _same(folder, engine="torch").warnings()[0]
    )
