"""Cross-encoders saved as modules give the scores of plain transformers and a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.detection import FACTORY as DETECTED
from rerankbench.rerankers.detection import family_of
from rerankbench.rerankers.files import source
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models

GELU = "torch.nn.modules.activation.GELU"
SETTINGS: dict[str, Any] = {
    "model_type": "CrossEncoder",
    "activation_fn": "torch.nn.modules.activation.Sigmoid",
    "prompts": {},
    "default_prompt_name": None,
}


def _folder(
    path: Path, kind: str = "modernbert", *, labels: int = 1, mode: str = "cls", **settings: Any
) -> Path:
    heads = [
        models.pooling(mode),
        models.dense(32, 32, activation_function=GELU),
        ("LayerNorm", {"dimension": 32}),
        models.dense(32, labels, module_output_name="scores"),
    ]
    models.encoder(path, kind)
    return models.add_modules(path, heads, settings={**SETTINGS, **settings})


def _load(folder: Path, **options: Any) -> Any:
    return load(DETECTED, RerankerSpec(model=str(folder), **({"dtype": "float32"} | options)))


def _reference(
    folder: Path,
    candidates: Sequence[Candidates],
    *,
    prompt: str = "",
    max_length: int = tiny.MAX_LENGTH,
) -> list[float]:
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    one, norm, two = (
        load_file(folder / inner / "model.safetensors")
        for inner in ("2_Dense", "3_LayerNorm", "4_Dense")
    )
    found = []
    for each in candidates:
        for document in each.documents:
            encoded = tokenizer(
                [prompt + each.query.text],
                [document.content],
                truncation="only_second",
                max_length=max_length,
                return_tensors="pt",
            )
            with torch.no_grad():
                hidden = model(**encoded).last_hidden_state[0, 0]
            hidden = torch.nn.functional.gelu(one["linear.weight"] @ hidden + one["linear.bias"])
            hidden = torch.nn.functional.layer_norm(
                hidden, (32,), norm["norm.weight"], norm["norm.bias"]
            )
            logits = two["linear.weight"] @ hidden + two["linear.bias"]
            found.append(float(logits[-1] - (logits[0] if len(logits) == 2 else 0)))
    return found


@pytest.mark.parametrize("kind", ["modernbert", "bert", "roberta"])
@pytest.mark.parametrize("labels", [1, 2])
def test_scores_are_raw_logits_of_one_pair_at_a_time(
    tmp_path: Path, kind: str, labels: int
) -> None:
    folder = _folder(tmp_path / "m", kind, labels=labels)
    candidates = tiny.mixed()
    expected = _reference(folder, candidates)
    assert max(expected) - min(expected) > 0.1, "scores too alike to tell a mistake"
    for batch_tokens in (1, 200, 10_000):
        found = models.score(_load(folder, batch_tokens=batch_tokens), candidates)
        assert found == pytest.approx(expected, abs=1e-4)


def test_a_default_prompt_stands_before_the_query(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "m", prompts={"ask": "tide: "}, default_prompt_name="ask")
    candidates = tiny.mixed(queries=2)
    expected = _reference(folder, candidates, prompt="tide: ")
    reranker = _load(folder)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.recipe["query_prompt"] == "tide: "
    plain = _load(folder, recipe={"query_prompt": ""})
    expected = _reference(folder, candidates)
    assert models.score(plain, candidates) == pytest.approx(expected, abs=1e-4)


def test_a_shorter_length_cuts_documents(tmp_path: Path) -> None:
    folder, candidates = _folder(tmp_path / "m"), tiny.mixed(queries=2)
    reranker = _load(folder, max_length=40)
    expected = _reference(folder, candidates, max_length=40)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert sum(b.truncated_pairs for b in models.batches(reranker, candidates)) > 0


def test_the_reference_says_what_was_run(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "m")
    ref = _load(folder).ref
    assert ref.family == "cross-encoder-modules"
    assert ref.recipe["modules"] == "Pooling (cls) → Dense → LayerNorm → Dense"
    assert ref.recipe["score"] == "logit"
    assert "documents" not in ref.recipe
    assert ref.parameters == sum(
        value.numel()
        for path in folder.rglob("*.safetensors")
        for value in load_file(path).values()
    )


def test_a_resumed_job_gives_the_same_scores(tmp_path: Path) -> None:
    reranker, candidates = _load(_folder(tmp_path / "m"), batch_tokens=200), tiny.mixed()
    whole = models.batches(reranker, candidates)
    done = frozenset(whole[0].pairs)
    rest = models.batches(reranker, candidates, done=done)
    assert [list(b.scores) for b in rest] == [list(b.scores) for b in whole[1:]]


def test_modules_that_lead_to_no_score_are_refused(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling(), models.dense(32, 8)], settings=SETTINGS)
    with pytest.raises(ModelError, match="its modules do not end in a score"):
        _load(folder)
    with pytest.raises(ModelError, match="3 labels"):
        _load(_folder(tmp_path / "three", labels=3))


def test_a_classifier_that_is_listed_alone_stays_one(tmp_path: Path) -> None:
    folder = tiny.build(tmp_path / "m")
    models.add_modules(folder, [], settings=SETTINGS)
    spec = RerankerSpec(model=str(folder), dtype="float32")
    assert DETECTED.identify(spec).ref.family == "sequence-classification"


@pytest.mark.parametrize(
    ("heads", "model_type", "family"),
    [
        ([("LogitScore", {"true_token_id": 1})], "CrossEncoder", "causal-lm"),
        ([models.pooling()], "SentenceTransformer", "bi-encoder"),
        ([models.pooling()], None, "bi-encoder"),
        ([models.dense(32, 8)], "ColBERT", "late-interaction"),
        ([("MultiVectorMask", {})], "MultiVectorEncoder", "late-interaction"),
        ([models.pooling(), models.dense(32, 1)], "CrossEncoder", "cross-encoder-modules"),
    ],
)
def test_the_listed_modules_tell_the_family(
    tmp_path: Path, heads: Sequence[Any], model_type: str | None, family: str
) -> None:
    folder = models.encoder(tmp_path / "m")
    settings = {} if model_type is None else {"model_type": model_type}
    models.add_modules(folder, heads, settings=settings)
    found = source.find(str(folder), name=None, revision=None, with_code=False)
    assert family_of(found) == family


def test_a_sparse_encoder_is_of_no_family(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling()], settings={"model_type": "SparseEncoder"})
    with pytest.raises(ModelError, match="nothing in its files says how it scores"):
        _load(folder)


@pytest.mark.parametrize("kind", ["modernbert", "bert", "roberta"])
@pytest.mark.parametrize("mode", ["cls", "mean", "lasttoken"])
def test_scores_are_sentence_transformers_own(tmp_path: Path, kind: str, mode: str) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = _folder(tmp_path / "m", kind, mode=mode)
    model = library.CrossEncoder(str(folder), device="cpu")
    candidates = tiny.mixed()
    pairs = [
        (each.query.text, document.content) for each in candidates for document in each.documents
    ]
    expected = model.predict(pairs, activation_fn=torch.nn.Identity()).tolist()
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)
    model.save_pretrained(str(tmp_path / "saved"))
    found = models.score(_load(tmp_path / "saved"), candidates)
    assert found == pytest.approx(expected, abs=1e-4)
