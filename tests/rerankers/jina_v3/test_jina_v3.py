"""jina-reranker-v3's lists are scored as by one plain forward pass a block."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers import detection
from rerankbench.rerankers.jina_v3.factory import FACTORY
from rerankbench.rerankers.jina_v3.lists import JinaV3
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import language_models

MARKERS = ("<|embed_token|>", "<|rerank_token|>")
SMALL: dict[str, Any] = {"block": 3, "query_tokens": 12, "document_tokens": 40}
ModelOf = Callable[..., Path]


def _tokens(special: Sequence[str] = MARKERS) -> Any:
    return language_models.byte_pairs(
        (*language_models.CHAT, *special), eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def _build(folder: Path, *, causal: bool = True, seed: int = 0) -> Path:
    """A random backbone, saved with `model.` before its names or without, and a projector."""
    made: Any = transformers
    tokens = _tokens()
    config = made.Qwen3Config(
        vocab_size=len(tokens),
        pad_token_id=tokens.pad_token_id,
        tie_word_embeddings=True,
        **language_models.SIZES,
    )
    language_models.save(
        folder, "Qwen3ForCausalLM" if causal else "Qwen3Model", config, tokens, seed
    )
    path = folder / "model.safetensors"
    weights = load_file(path)
    numbers = torch.Generator().manual_seed(seed)
    weights["projector.0.weight"] = torch.randn(16, 32, generator=numbers)
    weights["projector.2.weight"] = torch.randn(12, 16, generator=numbers)
    save_file(weights, path, metadata={"format": "pt"})
    _change_config(
        folder,
        architectures=["JinaForRanking"],
        auto_map={"AutoModel": "modeling.JinaForRanking"},
    )
    return folder


def _change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="module")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> ModelOf:
    folder = tmp_path_factory.mktemp("jina")

    @cache
    def build(*, causal: bool = True) -> Path:
        return _build(folder / f"causal-{causal}", causal=causal)

    return build


def _spec(folder: Path, recipe: dict[str, Any] | None = None, **options: Any) -> RerankerSpec:
    return RerankerSpec(model=str(folder), recipe=recipe or {}, **({"dtype": "float32"} | options))


def _load(folder: Path, recipe: dict[str, Any] | None = None, **options: Any) -> JinaV3:
    reranker: JinaV3 = load(FACTORY, _spec(folder, recipe, **options))
    return reranker


def _lists(sizes: Sequence[int], seed: int = 0, longest: int = 15) -> list[Candidates]:
    numbers = random.Random(seed)
    return tiny.candidates(
        [
            (
                tiny.sentence(numbers, numbers.randint(1, 5)),
                [tiny.sentence(numbers, numbers.randint(0, longest)) for _ in range(size)],
            )
            for size in sizes
        ]
    )


def _batches(
    reranker: JinaV3, candidates: Sequence[Candidates], done: Sequence[int] = ()
) -> list[ScoredBatch]:
    job = Job(candidates=candidates, done=frozenset(done))
    return list(reranker.score(reranker.prepare(job)))


def _scores(reranker: JinaV3, candidates: Sequence[Candidates]) -> list[list[float]]:
    return [list(batch.scores) for batch in _batches(reranker, candidates)]


def _prompt(query: str, documents: Sequence[str], instruction: str = "") -> str:
    text = (
        "<|im_start|>system\nYou are a search relevance expert who can determine a ranking of "
        "the passages based on how relevant they are to the query. If the query is a question, "
        "how relevant a passage is depends on how well it answers the question. If not, try to "
        "analyze the intent of the query and assess how well each passage satisfies the intent. "
        "If an instruction is provided, you should follow the instruction when determining the "
        f"ranking.<|im_end|>\n<|im_start|>user\nI will provide you with {len(documents)} "
        "passages, each indicated by a numerical identifier. Rank the passages based on their "
        f"relevance to query: {query}\n"
    )
    if instruction:
        text += "<instruct>\n" + instruction + "\n</instruct>\n"
    for number, document in enumerate(documents):
        text += '<passage id="' + str(number) + '">\n' + document + "<|embed_token|>\n</passage>\n"
    text += "<query>\n" + query + "<|rerank_token|>\n</query>"
    return text + "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"


def _plain(
    folder: Path, query: str, blocks: Sequence[Sequence[str]], instruction: str = ""
) -> list[float]:
    """Plain transformers, one forward pass a block, and numpy in float64 after that."""
    tokens, model = language_models.loaded(folder, "Qwen3Model")
    weights = load_file(folder / "model.safetensors")
    first, second = (weights[f"projector.{place}.weight"].double().numpy() for place in (0, 2))
    queries, documents, worths = [], [], []
    for block in blocks:
        ids = tokens(_prompt(query, block, instruction), return_tensors="pt")["input_ids"]
        with torch.no_grad():
            hidden = model(ids).last_hidden_state[0].double().numpy()
        projected = np.maximum(hidden @ first.T, 0) @ second.T
        unit = projected / np.linalg.norm(projected, axis=1, keepdims=True)
        row = ids[0].tolist()
        own, asked = (
            [i for i, token in enumerate(row) if token == tokens.convert_tokens_to_ids(marker)]
            for marker in MARKERS
        )
        assert (len(own), len(asked)) == (len(block), 1)
        worths.append(max((1 + unit[place] @ unit[asked[0]]) / 2 for place in own))
        queries.append(projected[asked[0]])
        documents += [unit[place] for place in own]
    merged = np.average(queries, axis=0, weights=worths)
    return [float(each @ merged / np.linalg.norm(merged)) for each in documents]


@pytest.mark.parametrize("causal", [True, False])
def test_a_list_of_one_block_is_scored_as_by_plain_transformers(
    model_of: ModelOf, *, causal: bool
) -> None:
    folder, candidates = model_of(causal=causal), _lists([5, 0, 1, 8], seed=1)
    found = _scores(_load(folder), candidates)
    expected = [
        _plain(folder, each.query.text, [[one.text for one in each.documents]])
        for each in candidates
        if each.documents
    ]
    assert len(found) == 3
    for mine, theirs in zip(found, expected, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)
    assert np.ptp(expected[2]) > 0.01, "the model tells nothing apart"


def test_queries_of_several_blocks_are_merged_by_their_best_documents(model_of: ModelOf) -> None:
    folder, candidates = model_of(), _lists([7, 3, 4], seed=2)
    recipe = {"block": 3, "instruction": "Find tides"}
    found = _scores(_load(folder, recipe), candidates)
    apart = []
    for mine, each in zip(found, candidates, strict=True):
        texts = [one.text for one in each.documents]
        blocks = [texts[start : start + 3] for start in range(0, len(texts), 3)]
        theirs = _plain(folder, each.query.text, blocks, "Find tides")
        assert mine == pytest.approx(theirs, abs=1e-4)
        alone = [
            score
            for block in blocks
            for score in _plain(folder, each.query.text, [block], "Find tides")
        ]
        apart.append(float(np.abs(np.subtract(theirs, alone)).max()))
    assert apart[0] > 1e-3 < apart[2], "merging changes too little to tell anything"
    assert apart[1] == 0


def test_blocks_end_where_another_long_document_might_not_fit(model_of: ModelOf) -> None:
    folder = model_of()
    tokens = _tokens()
    (each,) = _lists([9], seed=3)
    texts = [one.text for one in each.documents]
    room = 100
    size = len(language_models.ids(tokens, each.query.text))
    blocks: list[list[str]] = [[]]
    left = room - 2 * size
    for text in texts:
        if left <= 40:
            blocks.append([])
            left = room - 2 * size
        blocks[-1].append(text)
        left -= len(language_models.ids(tokens, text))
    assert 3 <= len(blocks) < 9
    recipe = SMALL | {"block": 125}
    (found,) = _scores(_load(folder, recipe, max_length=room), [each])
    assert found == pytest.approx(_plain(folder, each.query.text, blocks), abs=1e-4)


def test_long_texts_are_cut_on_their_own(model_of: ModelOf) -> None:
    folder, tokens = model_of(), _tokens()
    numbers = random.Random(5)
    query = tiny.sentence(numbers, 30)
    texts = [tiny.sentence(numbers, length) for length in (50, 4, 120)]
    cut = [tokens.decode(language_models.ids(tokens, text)[:40]) for text in texts]
    asked = tokens.decode(language_models.ids(tokens, query)[:12])
    assert len(asked) < len(query)
    assert [mine == whole for mine, whole in zip(cut, texts, strict=True)] == [False, True, False]
    reranker = _load(folder, SMALL)
    (batch,) = _batches(reranker, tiny.candidates([(query, texts)]))
    assert list(batch.scores) == pytest.approx(_plain(folder, asked, [cut]), abs=1e-4)
    assert batch.truncated_pairs == 2
    assert batch.tokens == len(language_models.ids(tokens, _prompt(asked, cut)))
    assert reranker.warnings() == ["1 queries were cut to 12 tokens"]


def test_without_a_recipe_queries_keep_512_tokens_and_documents_2048(model_of: ModelOf) -> None:
    folder, tokens = model_of(), _tokens()
    query, text = (tiny.sentence(random.Random(seed), 1500) for seed in (6, 7))
    asked, cut = (
        tokens.decode(language_models.ids(tokens, whole)[:most])
        for whole, most in ((query, 512), (text, 2048))
    )
    reranker = _load(folder)
    (batch,) = _batches(reranker, tiny.candidates([(query, [text, "tide"])]))
    # 4096 less twice 512 and 2048 leaves less than another 2048: a block each.
    assert list(batch.scores) == pytest.approx(_plain(folder, asked, [[cut], ["tide"]]), abs=1e-4)
    assert batch.truncated_pairs == 1


def test_a_block_holds_125_documents(model_of: ModelOf) -> None:
    reranker = _load(model_of())
    (each,) = tiny.candidates([("tide", [""] * 251)])
    (blocks,) = reranker.prepare(Job(candidates=[each])).blocks
    assert [len(block.documents) for block in blocks] == [125, 125, 1]


def test_texts_bring_no_markers_of_their_own(model_of: ModelOf) -> None:
    reranker = _load(model_of())
    odd = [
        "<|embed_token|>tide",
        "<|rerank_token|>moon",
        "an<|embed_<|embed_token|>token|>chor {query}",
        "<|rerank_<|embed_token|>token|>",
    ]
    plain = ["tide", "moon", "anchor {query}", ""]
    query, same = "ember <|rerank_token|>{i} <|embed_token|>", "ember {i} "
    assert _scores(reranker, tiny.candidates([(query, odd)])) == _scores(
        reranker, tiny.candidates([(same, plain)])
    )


def test_a_list_that_is_not_wholly_done_is_scored_and_given_back_whole(model_of: ModelOf) -> None:
    reranker = _load(model_of(), SMALL)
    candidates = _lists([5, 4, 2], seed=4)
    whole = _batches(reranker, candidates)
    assert [list(each.pairs) for each in whole] == [[*range(5)], [*range(5, 9)], [9, 10]]
    assert _batches(reranker, candidates, done=[0, 1, 2, 3, 4, 6]) == whole[1:]
    assert _batches(reranker, candidates, done=[*range(5, 11)]) == whole[:1]
    assert _batches(reranker, candidates, done=range(11)) == []


def test_scores_depend_on_the_other_candidates(model_of: ModelOf) -> None:
    reranker = _load(model_of())
    (both,) = _scores(reranker, tiny.candidates([("tide", ["moon", "anchor"])]))
    (alone,) = _scores(reranker, tiny.candidates([("tide", ["anchor"])]))
    assert abs(both[1] - alone[0]) > 1e-4


def test_it_is_known_by_its_architecture_and_kept_by_list(model_of: ModelOf) -> None:
    loadable = detection.FACTORY.identify(_spec(model_of(), SMALL))
    ref, engine = loadable.ref, loadable.choose_engine().engine
    assert (ref.family, ref.max_length, ref.scores_lists) == ("jina-v3", 4096, True)
    assert ref.scale == "cosine"
    assert (ref.recipe["score"], ref.recipe["block"]) == ("cosine", 3)
    assert (engine.engine, engine.batch_tokens) == ("torch", None)
    loaded = load(detection.FACTORY, _spec(model_of(), SMALL))
    assert isinstance(loaded, JinaV3)
    assert loaded.ref == ref


def test_lower_precision_stays_close(model_of: ModelOf) -> None:
    candidates = _lists([6], seed=8)
    (exact,) = _scores(_load(model_of()), candidates)
    (rounded,) = _scores(_load(model_of(), dtype="bfloat16"), candidates)
    assert rounded == pytest.approx(exact, abs=0.15)


def _without(weights: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in weights.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: _without(w, "projector.0.weight", "projector.2.weight"), "(there: none)"),
        (lambda w: _without(w, "projector.2.weight"), "(there: projector.0.weight)"),
        (lambda w: w | {"projector.0.bias": torch.zeros(16)}, "projector.0.bias"),
        (lambda w: w | {"projector.2.weight": torch.zeros(12, 15)}, "[[16, 32], [12, 15]]"),
        (lambda w: w | {"projector.0.weight": torch.zeros(16)}, "[[16], [12, 16]]"),
    ],
)
def test_a_projector_that_is_not_there_is_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], told: str
) -> None:
    folder = _build(tmp_path / "m")
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    with pytest.raises(ModelError) as caught:
        FACTORY.identify(_spec(folder))
    assert told in str(caught.value)
    assert "projector" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_backbone_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    folder = _build(tmp_path / "m")
    path = folder / "model.safetensors"
    kept = {name: each for name, each in load_file(path).items() if "layers.1." not in name}
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"weights are missing.*trained as jina-reranker-v3$"):
        _load(folder)


def test_a_tokeniser_without_the_markers_is_one_line(tmp_path: Path) -> None:
    folder = _build(tmp_path / "m")
    _tokens(MARKERS[:1]).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"no token <\|rerank_token\|>; fetch it again"):
        _load(folder)


@pytest.mark.parametrize(
    ("recipe", "options", "told"),
    [
        ({"block": 0}, {}, "block must be at least 1"),
        ({"document_tokens": -1}, {}, "document_tokens must be at least 1"),
        ({"window": 3}, {}, "unknown recipe key 'window'"),
        ({}, {"max_length": 3071}, "max length 3071 must be from 3072"),
        ({}, {"max_length": 4097}, "the model's 4096"),
        ({"document_tokens": 4000}, {}, "max length 4096 must be from 5024"),
    ],
)
def test_settings_that_leave_no_room_are_refused(
    model_of: ModelOf, recipe: dict[str, Any], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        FACTORY.identify(_spec(model_of(), recipe, **options))
    assert told in str(caught.value)


def test_a_lack_of_memory_names_the_remedy(
    model_of: ModelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    reranker = _load(model_of())

    def fail(error: Exception) -> Any:
        def forward(**_: Any) -> Any:
            raise error

        return forward

    monkeypatch.setattr(reranker, "_backbone", fail(MemoryError()))
    with pytest.raises(ModelError, match=r"a block of \d+ tokens; lower --max-length"):
        _scores(reranker, _lists([2]))
    monkeypatch.setattr(reranker, "_backbone", fail(RuntimeError("another")))
    with pytest.raises(RuntimeError, match="another"):
        _scores(reranker, _lists([2]))
