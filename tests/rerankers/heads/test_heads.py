"""monoBERT, Mean-Pooling and CELI heads against loops over one pair's tokens at a time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import pair_encoding
from rerankbench.rerankers.engines.padded import inputs
from rerankbench.rerankers.heads import equations as heads
from rerankbench.rerankers.heads import head_file, placed_pairs
from rerankbench.rerankers.heads.factory import FACTORY
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.types import Candidates, Document, Query
from tests.rerankers.loaded import load

from ... import tiny
from ..conftest import CheckpointOf

# The stubs of transformers know neither all classes nor all arguments.
_transformers: Any = transformers
HEADS: list[tuple[str, int | None]] = [
    ("monobert", None),
    ("mean", None),
    *(("celi", size) for size in (1, 32, 128, 384)),
]
HeadOf = Callable[..., Path]
Score = Callable[..., float]
DOCS = Path(__file__).resolve().parents[3] / "docs" / "head-checkpoints.md"


def random_weights(head: str, token_dim: int | None, width: int = 32) -> dict[str, Any]:
    """Seeded tensors; products of token vectors are about 1, whatever their dimension."""
    seeded = torch.Generator().manual_seed(11)
    found = {"score.weight": torch.randn(1, width, generator=seeded) * 0.3}
    found["score.bias"] = torch.randn(1, generator=seeded)
    if token_dim is not None:
        scale = (width * token_dim) ** -0.5
        found["tokens.weight"] = torch.randn(token_dim, width, generator=seeded) * scale
        found["tokens.bias"] = torch.randn(token_dim, generator=seeded) * scale
    return found


def put_head(encoder: Path, folder: Path, head: str, token_dim: int | None) -> Path:
    """A tiny encoder, saved as by AutoModel, with a random head."""
    _transformers.AutoModel.from_pretrained(encoder).save_pretrained(folder)
    _transformers.AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    head_file.save(folder, head, random_weights(head, token_dim))
    return folder


@pytest.fixture(scope="module")
def head_of(checkpoint_of: CheckpointOf, tmp_path_factory: pytest.TempPathFactory) -> HeadOf:
    """`head_of(kind, head, token_dim)`: a folder that tests must not change."""
    folder = tmp_path_factory.mktemp("heads")

    @cache
    def build(kind: str = "bert", head: str = "celi", token_dim: int | None = 32) -> Path:
        place = folder / f"{kind}-{head}-{token_dim}"
        return put_head(checkpoint_of(kind), place, head, token_dim)

    return build


def _reference(folder: Path) -> Score:
    """What the equations say, a token at a time, in double precision after the encoder."""
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    encoder = _transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    head = json.loads((folder / "rerankbench_head.json").read_text())["head"]
    weights = load_file(folder / "rerankbench_head.safetensors")
    weights = {name: tensor.double() for name, tensor in weights.items()}

    def score_of(token: torch.Tensor) -> float:
        return float(weights["score.weight"][0] @ token + weights["score.bias"][0])

    def vector_of(token: torch.Tensor) -> torch.Tensor:
        return weights["tokens.weight"] @ token + weights["tokens.bias"]

    def score(query: str, content: str, max_length: int = tiny.MAX_LENGTH) -> float:
        # In lists: of two strings, transformers takes an empty second one for none at all.
        encoded = tokenizer(
            [query],
            [content],
            truncation="only_second",
            max_length=max_length,
            return_tensors="pt",
        )
        with torch.no_grad():
            hidden = encoder(**encoded).last_hidden_state[0].double()
        if head == "monobert":
            return score_of(hidden[0])
        if head == "mean":
            return sum(score_of(token) for token in hidden) / len(hidden)
        late = 0.0
        vectors = [vector_of(token) for token in hidden]
        # 0 at tokens of the query, 1 at those of the document, None at special ones.
        belongs = encoded.sequence_ids(0)
        for i, of in enumerate(belongs):
            if of == 0:
                products = [
                    float(vectors[i] @ vectors[j]) for j, each in enumerate(belongs) if each == 1
                ]
                late += max(products, default=0.0)
        return score_of(hidden[0]) + late

    return score


def _expected(
    folder: Path, candidates: Sequence[Candidates], max_length: int = tiny.MAX_LENGTH
) -> list[float]:
    score = _reference(folder)
    return [
        score(each.query.text, document.content, max_length)
        for each in candidates
        for document in each.documents
    ]


def _load(folder: Path, **options: Any) -> PointwiseReranker:
    options = {"engine": "torch", "dtype": "float32"} | options
    reranker: PointwiseReranker = load(FACTORY, RerankerSpec(model=str(folder), **options))
    return reranker


def _found(
    reranker: PointwiseReranker, candidates: Sequence[Candidates], done: Sequence[int] = ()
) -> dict[int, float]:
    job = Job(candidates=candidates, done=frozenset(done))
    batches = list(reranker.score(reranker.prepare(job)))
    scores = {p: s for each in batches for p, s in zip(each.pairs, each.scores, strict=True)}
    assert len(scores) == sum(len(each.pairs) for each in batches), "a pair was scored twice"
    return dict(sorted(scores.items()))


def _score(reranker: PointwiseReranker, candidates: Sequence[Candidates]) -> list[float]:
    found = _found(reranker, candidates)
    assert list(found) == list(range(sum(len(each.documents) for each in candidates)))
    return list(found.values())


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize(("head", "token_dim"), HEADS)
def test_scores_are_those_of_the_loops(
    head_of: HeadOf, kind: str, head: str, token_dim: int | None
) -> None:
    folder, candidates = head_of(kind, head, token_dim), tiny.mixed()
    expected = _expected(folder, candidates)
    assert max(expected) - min(expected) > 0.5, "scores too alike to tell a mistake"
    assert _score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("head", ["monobert", "mean", "celi"])
def test_short_and_empty_texts(head_of: HeadOf, kind: str, head: str) -> None:
    folder = head_of(kind, head, 32 if head == "celi" else None)
    lists = [("", ["", "tide", "   "]), ("a", ["", "\t\n", "b", "tide moon"]), ("?", ["?", ""])]
    candidates = tiny.candidates(lists)
    expected = _expected(folder, candidates)
    assert _score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_pair_without_tokens_of_one_text_has_the_score_of_its_first_token(
    head_of: HeadOf, checkpoint_of: CheckpointOf, tmp_path: Path, kind: str
) -> None:
    weights = random_weights("celi", 32)
    shared = {name: weights[name] for name in ("score.weight", "score.bias")}
    alone = put_head(checkpoint_of(kind), tmp_path / "alone", "monobert", None)
    head_file.save(alone, "monobert", shared)
    candidates = tiny.candidates([("tide", ["", "moon"]), ("", ["", "moon"])])
    late, first = _score(_load(head_of(kind)), candidates), _score(_load(alone), candidates)
    equal = pytest.approx(first, abs=1e-5)
    assert [late[0], first[1], late[2], late[3]] == equal
    assert abs(late[1] - first[1]) > 0.01


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("head", ["mean", "celi"])
def test_a_shorter_max_length_cuts_documents_there(head_of: HeadOf, kind: str, head: str) -> None:
    folder = head_of(kind, head, 32 if head == "celi" else None)
    candidates = tiny.mixed(queries=2)
    expected = _expected(folder, candidates, max_length=40)
    assert expected != pytest.approx(_expected(folder, candidates), abs=1e-4)
    assert _score(_load(folder, max_length=40), candidates) == pytest.approx(expected, abs=1e-4)


def test_tokens_that_were_cut_from_a_query_are_in_no_score(head_of: HeadOf) -> None:
    folder, document = head_of(), tiny.sentence(random.Random(4), 60)
    reranker = _load(folder)
    # Every second word of the vocabulary is one token: 48 of them are three quarters.
    found = _score(reranker, tiny.candidates([("tide " * 70, [document])]))
    assert found == pytest.approx([_reference(folder)("tide " * 48, document)], abs=1e-4)
    assert list(reranker.warnings()) == ["1 queries were cut to fit the model's length"]


def test_a_title_is_of_the_document(head_of: HeadOf) -> None:
    document = Document(doc_id="d", title="velvet harbour", text="over the moon")
    candidates = [Candidates(query=Query(query_id="q", text="tide"), documents=(document,))]
    expected = _expected(head_of(), candidates)
    assert _score(_load(head_of()), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta-v2", "modernbert"])
@pytest.mark.parametrize("head", ["mean", "celi"])
def test_no_batch_size_changes_a_score(head_of: HeadOf, kind: str, head: str) -> None:
    folder = head_of(kind, head, 32 if head == "celi" else None)
    candidates = tiny.mixed(queries=2, seed=5)
    expected = _expected(folder, candidates)
    for budget in (1, 65, 150, 400, 2000):
        found = _score(_load(folder, batch_tokens=budget), candidates)
        assert found == pytest.approx(expected, abs=1e-4)


@settings(max_examples=25)
@given(data=st.data())
def test_a_pair_scores_the_same_in_any_company(head_of: HeadOf, data: st.DataObject) -> None:
    reranker = _cached(head_of())
    texts = data.draw(st.lists(st.text("ab tide,🙂é", max_size=90), min_size=1, max_size=8))
    query = data.draw(st.text("moon é", max_size=60))
    together = _score(reranker, tiny.candidates([(query, texts)]))
    alone = [_score(reranker, tiny.candidates([(query, [text])]))[0] for text in texts]
    assert together == pytest.approx(alone, abs=1e-4)


@cache
def _cached(folder: Path) -> PointwiseReranker:
    return _load(folder)


@pytest.mark.parametrize(("head", "token_dim"), HEADS)
def test_a_resumed_job_gives_the_scores_of_an_unbroken_one(
    head_of: HeadOf, head: str, token_dim: int | None
) -> None:
    reranker, candidates = _load(head_of("bert", head, token_dim), batch_tokens=256), tiny.mixed()
    prepared = reranker.prepare(Job(candidates=candidates))
    batches = list(reranker.score(prepared))
    first = [pair for batch in batches[:2] for pair in batch.pairs]
    rest = reranker.prepare(Job(candidates=candidates, done=frozenset(first)))
    assert list(reranker.score(rest)) == batches[2:] != []
    whole = _found(reranker, candidates)
    half = _found(reranker, candidates, done=range(0, len(whole), 2))
    assert list(half) == list(range(1, len(whole), 2))
    assert half == pytest.approx({pair: whole[pair] for pair in half}, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("left", [False, True])
def test_masks_are_where_the_tokeniser_says_its_texts_lie(kind: str, left: bool) -> None:
    tokenizer, chosen = tiny.KINDS[kind].tokenizer(), [20, 0, 7, 7, 26]
    candidates = tiny.mixed()
    texts = [(x.query.text, document.content) for x in candidates for document in x.documents]
    encoded = placed_pairs.encode(tokenizer, Job(candidates=candidates), tiny.MAX_LENGTH)
    assert encoded.truncated[[7, 26]].all()
    made = inputs(encoded.rows(chosen), 70, 0, left=left)
    for row, pair in enumerate(chosen):
        query, content = texts[pair]
        own = tokenizer(
            [query], [content], truncation="only_second", max_length=tiny.MAX_LENGTH
        ).sequence_ids(0)
        padding = [None] * (70 - len(own))
        belongs = [*padding, *own] if left else [*own, *padding]
        of_query = made["query_mask"][row].tolist()
        assert of_query + [0] * (70 - len(of_query)) == [int(of == 0) for of in belongs]
        assert made["document_mask"][row].tolist() == [int(of == 1) for of in belongs]
    # No wider than the last token of a query.
    assert made["query_mask"][:, -1].any()


def test_other_rows_have_no_places() -> None:
    job = Job(candidates=tiny.mixed(queries=1))
    rows = pair_encoding.encode(tiny.KINDS["bert"].tokenizer(), job, 40).rows([0, 3])
    assert rows.places is None
    assert set(inputs(rows, 40, 0)) == {"input_ids", "attention_mask", "token_type_ids"}
    placed = placed_pairs.encode(tiny.KINDS["bert"].tokenizer(), job, 40)
    assert placed.rows([0, 3]).ids.tolist() == rows.ids.tolist()
    assert placed.rows([]).places is not None


# One pair of [CLS], two query tokens, [SEP], two document tokens, [SEP], padding; D = 2.
_HIDDEN = [[1.0, 2.0], [1.0, 0.0], [0.0, -1.0], [9.0, 9.0], [2.0, 1.0], [-3.0, 1.0], [9.0, -9.0]]
_NAN = float("nan")
_WEIGHTS = {
    "score.weight": torch.tensor([[1.0, 10.0]]),
    "score.bias": torch.tensor([0.5]),
    "tokens.weight": torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]),
    "tokens.bias": torch.tensor([0.0, 1.0, 0.0]),
}


def _worked_example() -> dict[str, torch.Tensor]:
    hidden = torch.tensor([[*_HIDDEN, [_NAN, _NAN]]])
    places = torch.tensor([[0, 1, 1, 0, 2, 2, 0, 0]])
    return {"hidden": hidden, "query_mask": places == 1, "document_mask": places == 2}


def test_equations_1_and_2_by_hand() -> None:
    given = _worked_example()
    assert heads.monobert(given["hidden"], _WEIGHTS).tolist() == [21.5]
    mask = torch.tensor([[True] * 7 + [False]])
    # The two numbers of the seven tokens sum up to 19 and 3.
    found = heads.mean(given["hidden"], mask, _WEIGHTS)
    assert found.tolist() == pytest.approx([(19 + 30) / 7 + 0.5])


def test_equations_3_and_4_by_hand() -> None:
    given = _worked_example()
    # Query vectors (1, 1, 1) and (0, -1, -1), document vectors (2, 3, 3) and (-3, 3, -2):
    # products 8 and -2, then -6 and -1. Neither separator nor [CLS] competes.
    assert heads.late_interaction(**given, weights=_WEIGHTS).tolist() == [8.0 - 1.0]
    assert heads.celi(**given, weights=_WEIGHTS).tolist() == [21.5 + 7.0]
    narrow = {**given, "query_mask": given["query_mask"][:, :3]}
    assert heads.late_interaction(**narrow, weights=_WEIGHTS).tolist() == [7.0]
    for name in ("query_mask", "document_mask"):
        without = {**given, name: torch.zeros_like(given[name])}
        assert heads.late_interaction(**without, weights=_WEIGHTS).tolist() == [0.0]


@pytest.mark.parametrize("head", ["monobert", "mean", "celi"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.5), ("float16", 0.05)])
def test_a_head_is_float32_whatever_the_encoder_is(
    head_of: HeadOf, head: str, dtype: str, tolerance: float
) -> None:
    folder = head_of("bert", head, 32 if head == "celi" else None)
    candidates = tiny.mixed()
    reranker = _load(folder, dtype=dtype)
    assert reranker.ref.dtype == dtype
    found = torch.tensor(_score(reranker, candidates), dtype=torch.float64)
    assert found.tolist() == pytest.approx(_expected(folder, candidates), abs=tolerance)
    assert found.tolist() == found.float().tolist()
    assert found.tolist() != found.to(getattr(torch, dtype)).double().tolist()


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
def test_a_head_may_be_stored_in_half_precision(
    checkpoint_of: CheckpointOf, tmp_path: Path, stored: torch.dtype
) -> None:
    from safetensors.torch import save_file

    folder = put_head(checkpoint_of(), tmp_path / "half", "celi", 32)
    path = folder / head_file.WEIGHTS
    save_file({name: tensor.to(stored) for name, tensor in load_file(path).items()}, path)
    candidates = tiny.mixed(queries=1)
    expected = _expected(folder, candidates)
    assert _score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("head", "token_dim"), HEADS)
def test_a_gpu_gives_the_scores_of_the_loops(
    head_of: HeadOf, head: str, token_dim: int | None
) -> None:
    folder, candidates = head_of("bert", head, token_dim), tiny.mixed()
    found = _score(_load(folder, device="cuda", batch_tokens=300), candidates)
    assert found == pytest.approx(_expected(folder, candidates), abs=1e-3)


def _example() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return str(found)


def test_the_example_of_the_docs_makes_a_reranker(
    checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base = "microsoft/MiniLM-L12-H384-uncased"
    assert base in _example()
    exec(compile(_example().replace(base, str(checkpoint_of())), str(DOCS), "exec"), {})
    candidates = tiny.mixed(queries=1)
    expected = _expected(tmp_path / "my-celi", candidates)
    assert _score(_load(tmp_path / "my-celi"), candidates) == pytest.approx(expected, abs=1e-4)
    (shown,) = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    made = json.loads((tmp_path / "my-celi" / head_file.NAME).read_text())
    assert json.loads(shown) == made


def test_the_docs_name_every_head_and_tensor() -> None:
    page = DOCS.read_text()
    names: Mapping[str, Any] = random_weights("celi", 32)
    for name in (*head_file.HEADS, *names, head_file.NAME, head_file.WEIGHTS, "token_dim"):
        assert f"`{name}`" in page


def test_weights_may_be_arrays_or_lists(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    folder = put_head(checkpoint_of(), tmp_path / "made", "mean", None)
    before = (folder / head_file.WEIGHTS).read_bytes()
    weights = random_weights("mean", None)
    head_file.save(folder, "mean", {name: x.numpy() for name, x in weights.items()})
    assert (folder / head_file.WEIGHTS).read_bytes() == before
    head_file.save(str(folder), "mean", {name: x.tolist() for name, x in weights.items()})
    assert (folder / head_file.WEIGHTS).read_bytes() == before
    # As a layer holds it: part of a graph, and a view with its numbers in another order.
    turned = weights["score.weight"].T.clone().requires_grad_().T
    head_file.save(folder, "mean", {**weights, "score.weight": turned})
    assert (folder / head_file.WEIGHTS).read_bytes() == before
