"""Every prompted recipe against its authors' published one, a pair at a time and written out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import language_models as lm

Score = Callable[[Any, Any, str, str, int], float]


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    place = tmp_path_factory.mktemp("language-models")

    @cache
    def build(name: str) -> Path:
        return BUILDERS[name](place / name)

    return build


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "Qwen3-Reranker-0.6B": lambda f: lm.decoder(f, "Qwen3", lm.chat_tokens()),
    "mxbai-rerank-base-v2": lambda f: lm.decoder(f, "Qwen2", lm.chat_tokens()),
    "bge-reranker-v2-gemma": lambda f: lm.decoder(f, "Gemma", lm.plain_tokens()),
    "Qwen3-Reranker-0.6B-seq-cls": lambda f: lm.decoder(
        f, "Qwen3", lm.chat_tokens(), "SequenceClassification", num_labels=1
    ),
    "zerank-2": lambda f: lm.decoder(f, "Qwen3", lm.chat_tokens()),
    "ctxl-rerank-v2-instruct-multilingual-1b": lambda f: lm.decoder(f, "Qwen3", lm.chat_tokens()),
    "rankllama-v1-7b-passage-merged": lambda f: lm.decoder(
        f, "Llama", lm.plain_tokens(), "SequenceClassification", num_labels=1
    ),
    "monot5-base-msmarco": lm.t5,
    "mt5-base-mmarco": lambda f: lm.t5(
        f, feed_forward_proj="gated-gelu", tie_word_embeddings=False
    ),
    "rankt5-base": lm.t5,
}


def _score(folder: Path, candidates: Sequence[Candidates], **options: Any) -> list[float]:
    spec = RerankerSpec(model=str(folder), **{"dtype": "float32"} | options)
    reranker = load(naming.find_factory(spec.model, spec.family), spec)
    prepared = reranker.prepare(Job(candidates=candidates))
    found = {
        pair: score
        for batch in reranker.score(prepared)
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[pair] for pair in sorted(found)]


def _expected(
    folder: Path, class_name: str, score: Score, candidates: Sequence[Candidates], length: int
) -> list[float]:
    tokenizer, model = lm.loaded(folder, class_name)
    return [
        score(tokenizer, model, each.query.text, document.content, length)
        for each in candidates
        for document in each.documents
    ]


def _last_logits(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=torch.tensor([ids])).logits[0]
    return found[-1] if found.ndim == 2 else found


# --- the authors' recipes, written out ---------------------------------------------------------

_JUDGE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and "
    'the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n'
    "<|im_start|>user\n"
)
_THINK = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_WEB = "Given a web search query, retrieve relevant passages that answer the query"


def _qwen3_ids(
    tokenizer: Any, query: str, document: str, length: int, instruction: str = _WEB
) -> list[int]:
    before, after = lm.ids(tokenizer, _JUDGE), lm.ids(tokenizer, _THINK)
    body = lm.ids(
        tokenizer, f"<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}"
    )
    return before + body[: length - len(before) - len(after)] + after


def _qwen3(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    logits = _last_logits(model, _qwen3_ids(tokenizer, query, document, length))
    no, yes = (tokenizer.convert_tokens_to_ids(word) for word in ("no", "yes"))
    chances = torch.log_softmax(logits[[no, yes]], dim=0)
    return float(chances[1] - chances[0])


def _qwen3_label(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    return float(_last_logits(model, _qwen3_ids(tokenizer, query, document, length))[0])


def _mxbai(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    before = lm.ids(tokenizer, f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n")
    task = (
        "You are a search relevance expert who evaluates how well documents match search queries. "
        "For each query-document pair, carefully analyze the semantic relationship between them, "
        "then provide your binary relevance judgment (0 for not relevant, 1 for relevant).\n"
        "Relevance:"
    )
    newline = lm.ids(tokenizer, "\n")
    asked = lm.ids(tokenizer, f"query: {query}")[: length * 3 // 4]
    told = lm.ids(tokenizer, f"document: {document}")[:length]
    told = (newline + told)[: length - len(asked)]
    after = lm.ids(tokenizer, task) + lm.ids(tokenizer, "<|im_end|>\n<|im_start|>assistant\n")
    logits = _last_logits(model, before + asked + told + newline + after)
    zero, one = (lm.ids(tokenizer, digit)[0] for digit in "01")
    return float(logits[one] - logits[zero])


def _bge(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    question = (
        "Given a query A and a passage B, determine whether the passage contains an answer to the "
        "query by providing a prediction of either 'Yes' or 'No'."
    )
    newline, prompt = lm.ids(tokenizer, "\n"), lm.ids(tokenizer, question)
    asked = lm.ids(tokenizer, f"A: {query}")[: length * 3 // 4]
    told = lm.ids(tokenizer, f"B: {document}")[:length]
    first, second = [tokenizer.bos_token_id, *asked], newline + told
    second = second[: length + len(newline) + len(prompt) - len(first)]
    logits = _last_logits(model, first + second + newline + prompt)
    return float(logits[lm.ids(tokenizer, "Yes")[0]])


def _zerank(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    before = lm.ids(tokenizer, f"<|im_start|>system\n{query}<|im_end|>\n<|im_start|>user\n")
    after = lm.ids(tokenizer, "<|im_end|>\n<|im_start|>assistant\n")
    told = lm.ids(tokenizer, document)[: length - len(before) - len(after)]
    logits = _last_logits(model, before + told + after)
    return float(logits[lm.ids(tokenizer, "Yes")[0]])


def _ctxl(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    task = "Check whether a given document contains information helpful to answer the query."
    ids = lm.ids(tokenizer, f"{task}\n<Document> {document}\n<Query> {query} ??")
    after = lm.ids(tokenizer, f"\n<Query> {query} ??")
    if len(ids) > length:
        ids = [*ids[: length - len(after)], *after]
    return float(_last_logits(model, ids)[0])


def _rankllama(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    asked = [tokenizer.bos_token_id, *lm.ids(tokenizer, f"query: {query}")]
    told = [tokenizer.bos_token_id, *lm.ids(tokenizer, f"document: {document}")]
    return float(_last_logits(model, (asked + told)[:length])[0])


def _first_step(model: Any, ids: list[int]) -> torch.Tensor:
    start = torch.tensor([[model.config.decoder_start_token_id]])
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids]), decoder_input_ids=start).logits
    return logits[0, 0]


def _without_its_end(
    tokenizer: Any, query: str, document: str, after: str, length: int
) -> list[int]:
    """`Query: … Document: …` and the end of the prompt, the document cut token by token."""
    whole = lm.ids(tokenizer, f"Query: {query} Document: {document}{after}")
    end = [*lm.ids(tokenizer, after.strip()), tokenizer.eos_token_id]
    whole = [*whole, tokenizer.eos_token_id]
    return whole if len(whole) <= length else [*whole[: length - len(end)], *end]


def _monot5(words: tuple[str, str]) -> Score:
    def score(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
        ids = _without_its_end(tokenizer, query, document, " Relevant:", length)
        pair = [tokenizer.convert_tokens_to_ids(word) for word in words]
        chances = torch.log_softmax(_first_step(model, ids)[pair], dim=0)
        return float(chances[1] - chances[0])

    return score


def _rankt5(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
    ids = _without_its_end(tokenizer, query, document, "", length)
    return float(_first_step(model, ids)[tokenizer.convert_tokens_to_ids("<extra_id_10>")])


_CAUSAL, _LABEL = "AutoModelForCausalLM", "AutoModelForSequenceClassification"
_T5 = "AutoModelForSeq2SeqLM"
# Name, class, recipe, and two lengths: one that fits all pairs, one that cuts most of them.
RECIPES: dict[str, tuple[str, Score, int, int]] = {
    "Qwen3-Reranker-0.6B": (_CAUSAL, _qwen3, 4096, 480),
    "Qwen3-Reranker-0.6B-seq-cls": (_LABEL, _qwen3_label, 4096, 480),
    "mxbai-rerank-base-v2": (_CAUSAL, _mxbai, 3000, 60),
    "bge-reranker-v2-gemma": (_CAUSAL, _bge, 2048, 50),
    "zerank-2": (_CAUSAL, _zerank, 4096, 80),
    "ctxl-rerank-v2-instruct-multilingual-1b": (_CAUSAL, _ctxl, 4096, 250),
    "rankllama-v1-7b-passage-merged": (_LABEL, _rankllama, 512, 60),
    "monot5-base-msmarco": (_T5, _monot5(("▁false", "▁true")), 128, 90),
    "mt5-base-mmarco": (_T5, _monot5(("▁no", "▁yes")), 128, 90),
    "rankt5-base": (_T5, _rankt5, 128, 90),
}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("cuts", [False, True])
@pytest.mark.parametrize("batch_tokens", [1, 2000, 10**6])
def test_scores_are_those_of_the_authors(
    folder_of: Callable[[str], Path], name: str, cuts: bool, batch_tokens: int
) -> None:
    class_name, recipe, long, short = RECIPES[name]
    length = short if cuts else long
    candidates = tiny.mixed()
    expected = _expected(folder_of(name), class_name, recipe, candidates, length)
    assert max(expected) - min(expected) > 0.1
    found = _score(folder_of(name), candidates, max_length=length, batch_tokens=batch_tokens)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_the_record_holds_the_recipe(folder_of: Callable[[str], Path], name: str) -> None:
    spec = RerankerSpec(model=str(folder_of(name)))
    loadable = naming.find_factory(spec.model).identify(spec)
    ref, engine = loadable.ref, loadable.choose_engine().engine
    assert ref.family == ("seq2seq" if "t5" in name else "causal-lm")
    assert "{query}" in str(ref.recipe["prompt"])
    assert "{document}" in str(ref.recipe["prompt"])
    assert ref.recipe["score"]
    assert engine.engine == "torch"
    assert ref.parameters is not None
    assert ref.parameters > 1000


# --- what sentence-transformers saves ----------------------------------------------------------

_TEMPLATE = """\
{%- set told = messages | selectattr("role", "eq", "system") | map(attribute="content") | first -%}
{%- set asked = messages | selectattr("role", "eq", "query") | map(attribute="content") | first -%}
{%- set text = messages | selectattr("role", "eq", "document") | map(attribute="content") | first \
-%}
<|im_start|>system
Answer yes or no.<|im_end|>
<|im_start|>user
{{ told }}: {{ asked }} / {{ text }}<|im_end|>
<|im_start|>assistant

"""


def _saved_as_modules(folder: Path, false_token: str | None = "no") -> Path:
    """A decoder in the form of sentence-transformers' cross-encoders."""
    tokenizer = lm.chat_tokens()
    tokenizer.chat_template = _TEMPLATE
    lm.decoder(folder, "Llama", tokenizer)
    kind = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"
    base = "sentence_transformers.base.modules.transformer.Transformer"
    read = {"method": "forward", "method_output_name": "logits"}
    ids = {
        "true_token_id": tokenizer.convert_tokens_to_ids("yes"),
        "false_token_id": false_token and tokenizer.convert_tokens_to_ids(false_token),
    }
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": base},
            {"idx": 1, "name": "1", "path": "1_LogitScore", "type": kind},
        ],
        "config_sentence_transformers.json": {
            "activation_fn": "torch.nn.modules.linear.Identity",
            "default_prompt_name": "query",
            "model_type": "CrossEncoder",
            "prompts": {"query": "Find what answers"},
        },
        "sentence_bert_config.json": {
            "transformer_task": "text-generation",
            "modality_config": {"text": read, "message": {**read, "format": "flat"}},
            "module_output_name": "causal_logits",
        },
        "1_LogitScore/config.json": ids,
    }
    (folder / "1_LogitScore").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("false_token", ["no", None])
@pytest.mark.parametrize("length", [150, 2048])
def test_a_decoder_saved_by_sentence_transformers_scores_as_it_does(
    tmp_path: Path, false_token: str | None, length: int
) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder, candidates = _saved_as_modules(tmp_path / "model", false_token), tiny.mixed()
    theirs = library.CrossEncoder(str(folder), max_length=length, device="cpu")
    pairs = [(c.query.text, d.content) for c in candidates for d in c.documents]
    expected = theirs.predict(pairs, batch_size=4).tolist()
    found = _score(folder, candidates, max_length=length)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_chat_template_without_the_roles_is_refused(tmp_path: Path) -> None:
    folder = _saved_as_modules(tmp_path / "model")
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    with pytest.raises(ModelError, match="no roles query and document; name a preset"):
        _score(folder, tiny.mixed())


# --- what a config says ------------------------------------------------------------------------


def test_a_template_declares_a_new_recipe_without_code(tmp_path: Path) -> None:
    folder = lm.decoder(tmp_path / "unheard-of", "Llama", lm.plain_tokens())
    recipe = {"template": ["{bos}", "{document} <- {query}?"], "answers": ["No", "Yes"]}
    candidates = tiny.mixed()

    def score(tokenizer: Any, model: Any, query: str, document: str, _: int) -> float:
        ids = [tokenizer.bos_token_id, *lm.ids(tokenizer, f"{document} <- {query}?")]
        logits = _last_logits(model, ids)
        no, yes = (lm.ids(tokenizer, word)[0] for word in ("No", "Yes"))
        return float(logits[yes] - logits[no])

    found = _score(folder, candidates, recipe=recipe, max_length=4096)
    assert found == pytest.approx(_expected(folder, _CAUSAL, score, candidates, 0), abs=1e-4)


def test_an_instruction_changes_prompt_score_and_record(folder_of: Callable[[str], Path]) -> None:
    folder, candidates = folder_of("Qwen3-Reranker-0.6B"), tiny.mixed()

    def score(tokenizer: Any, model: Any, query: str, document: str, length: int) -> float:
        ids = _qwen3_ids(tokenizer, query, document, length, "Find gulls")
        logits = _last_logits(model, ids)
        no, yes = (tokenizer.convert_tokens_to_ids(word) for word in ("no", "yes"))
        return float(logits[yes] - logits[no])

    recipe = {"instruction": "Find gulls"}
    expected = _expected(folder, _CAUSAL, score, candidates, 4096)
    assert _score(folder, candidates, recipe=recipe) == pytest.approx(expected, abs=1e-4)
    spec = RerankerSpec(model=str(folder), recipe=recipe)
    ref = naming.find_factory(spec.model).identify(spec).ref
    assert "<Instruct>: Find gulls\n" in str(ref.recipe["prompt"])


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"prest": "qwen3"}, "unknown recipe key 'prest'; did you mean 'preset'"),
        ({"preset": "qwen2"}, "no preset 'qwen2'; did you mean 'qwen3'"),
        ({"preset": 3}, "recipe key 'preset' must be a text"),
        ({"template": "{query}"}, "must hold {document} once"),
        ({"template": "{query} {document}", "answers": ["a", "b", "c"]}, "one answer, or two"),
        ({"preset": "bge-gemma", "instruction": "x"}, "no place for an instruction"),
        ({"preset": "qwen3", "layer": 4}, "only the preset bge-minicpm reads a layer"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(
    folder_of: Callable[[str], Path], recipe: dict[str, Any], message: str
) -> None:
    folder = folder_of("Qwen3-Reranker-0.6B")
    spec = RerankerSpec(model=str(folder), recipe=recipe)
    with pytest.raises(UsageError) as caught:
        naming.find_factory(spec.model).identify(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_decoder_that_nothing_is_known_of_is_refused(tmp_path: Path) -> None:
    folder = lm.decoder(tmp_path / "some-llm", "Llama", lm.plain_tokens())
    with pytest.raises(ModelError, match="nothing tells its prompt; name a preset"):
        naming.find_factory(str(folder)).identify(RerankerSpec(model=str(folder)))


def test_an_answer_of_several_tokens_is_refused(folder_of: Callable[[str], Path]) -> None:
    recipe = {"answers": ["certainly not", "yes"]}
    with pytest.raises(ModelError, match=r"'certainly not' is .* tokens"):
        _score(folder_of("Qwen3-Reranker-0.6B"), tiny.mixed(), recipe=recipe)


def test_a_length_without_room_is_refused(folder_of: Callable[[str], Path]) -> None:
    with pytest.raises(UsageError, match="leave no room for query and document; ask for"):
        _score(folder_of("Qwen3-Reranker-0.6B"), tiny.mixed(), max_length=40)
