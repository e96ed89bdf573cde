"""Cross-encoders give the scores that plain transformers gives, one pair at a time."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers.engines import cpu
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.pair_encoding import encode
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.sequence_classification import FACTORY
from rerankbench.types import Candidates, EngineRef, RerankerRef
from tests.rerankers.loaded import load

from .. import tiny
from .conftest import CheckpointOf

ALL = [*((kind, 1) for kind in tiny.KINDS), ("bert", 2), ("electra", 2)]
LONG_QUERY = tiny.sentence(random.Random(3), 150)
OUT_OF_MEMORY: dict[str, Callable[[], Exception]] = {
    "gpu": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "cpu": lambda: RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate "
        "memory: you tried to allocate 4096 bytes. Error code 12"
    ),
    "python": MemoryError,
}


def _load(folder: Path, **options: Any) -> PointwiseReranker:
    options = {"engine": "torch", "dtype": "float32"} | options
    reranker: PointwiseReranker = load(FACTORY, RerankerSpec(model=str(folder), **options))
    return reranker


def _weight_dtypes(reranker: PointwiseReranker) -> set[torch.dtype]:
    engine: Any = reranker._run.engine
    return {parameter.dtype for parameter in engine._forward.parameters()}


def _around(model: Any, tokenizer: Any, ref: RerankerRef, batch_tokens: int) -> PointwiseReranker:
    """A cross-encoder around any callable that looks like a classifier of transformers."""
    device = torch.device("cpu")
    return PointwiseReranker(
        ref=ref,
        engine_ref=EngineRef(engine="torch", device="cpu", batch_tokens=batch_tokens),
        engine=TorchEngine(model, padding=tokenizer.pad_token_id, device=device),
        encode=partial(encode, tokenizer, max_length=tiny.MAX_LENGTH),
        device=device,
    )


def _score(reranker: PointwiseReranker, candidates: Sequence[Candidates]) -> list[float]:
    found: dict[int, float] = {}
    for batch in reranker.score(reranker.prepare(Job(candidates=candidates))):
        for pair, score in zip(batch.pairs, batch.scores, strict=True):
            assert pair not in found, "a pair was scored twice"
            found[pair] = score
    return [found[pair] for pair in range(len(found))]


def _expected(
    folder: Path, candidates: Sequence[Candidates], max_length: int = tiny.MAX_LENGTH
) -> list[float]:
    tokenizer, model = tiny.reference(folder)
    return [
        tiny.reference_score(tokenizer, model, each.query.text, document.content, max_length)
        for each in candidates
        for document in each.documents
    ]


def _float32(score: float) -> float:
    found: float = struct.unpack("f", struct.pack("f", score))[0]
    return found


@pytest.mark.parametrize(("kind", "labels"), ALL)
def test_scores_are_those_of_plain_transformers(
    checkpoint_of: CheckpointOf, kind: str, labels: int
) -> None:
    folder, candidates = checkpoint_of(kind, labels), tiny.mixed()
    expected = _expected(folder, candidates)
    assert max(expected) - min(expected) > 0.5, "scores too alike to tell a mistake"
    assert _score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_empty_texts_are_scored_like_any_other(checkpoint_of: CheckpointOf, kind: str) -> None:
    folder = checkpoint_of(kind)
    candidates = tiny.candidates([("", ["", "tide", "   "]), ("moon", ["", "\t\n", "tide moon"])])
    expected = _expected(folder, candidates)
    assert _score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_shorter_max_length_cuts_documents_there(checkpoint_of: CheckpointOf, kind: str) -> None:
    folder, candidates = checkpoint_of(kind), tiny.mixed(queries=2)
    expected = _expected(folder, candidates, max_length=40)
    assert expected != pytest.approx(_expected(folder, candidates), abs=1e-4)
    found = _score(_load(folder, max_length=40), candidates)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_very_long_query_is_cut_at_three_quarters_of_the_length(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    folder, recipe = checkpoint_of(kind), tiny.KINDS[kind]
    document = tiny.sentence(random.Random(4), 60)
    tokenizer, model = tiny.reference(folder)
    query_ids = tokenizer(LONG_QUERY, add_special_tokens=False, verbose=False)["input_ids"]
    document_ids = tokenizer(document, add_special_tokens=False, verbose=False)["input_ids"]
    most = tiny.MAX_LENGTH * 3 // 4
    room = tiny.MAX_LENGTH - most - recipe.special
    ids = [
        *tokenizer.convert_tokens_to_ids(list(recipe.first)),
        *query_ids[:most],
        *tokenizer.convert_tokens_to_ids(list(recipe.middle)),
        *document_ids[:room],
        *tokenizer.convert_tokens_to_ids(list(recipe.last)),
    ]
    inputs = {"input_ids": torch.tensor([ids])}
    if "token_type_ids" in tokenizer.model_input_names:
        of_query = len(recipe.first) + most + len(recipe.middle)
        kinds = [0] * of_query + [0 if recipe.special == 4 else 1] * (len(ids) - of_query)
        inputs["token_type_ids"] = torch.tensor([kinds])
    with torch.no_grad():
        expected = float(model(**inputs).logits[0, 0])

    reranker = _load(folder)
    candidates = tiny.candidates([(LONG_QUERY, [document]), ("tide", [document])])
    assert _score(reranker, candidates)[0] == pytest.approx(expected, abs=1e-4)
    assert list(reranker.warnings()) == ["1 queries were cut to fit the model's length"]


def test_a_query_of_three_quarters_of_the_length_is_not_cut(checkpoint_of: CheckpointOf) -> None:
    folder = checkpoint_of()
    for words, cut in ((48, False), (49, True)):
        reranker = _load(folder)
        # Every second word of the vocabulary is one token.
        reranker.prepare(Job(candidates=tiny.candidates([("tide " * words, ["moon"])])))
        assert bool(reranker.warnings()) is cut


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("max_length", [8, 9, 10, 13, 24])
def test_any_query_fits_into_any_length(
    checkpoint_of: CheckpointOf, kind: str, max_length: int
) -> None:
    # Letters of several tokens each, and one that normalisation makes eighteen of.
    queries = [text * 30 for text in ("🙂", "é", "\ufdfa ", "x🙂", "Ⅷ", "a b🙂c ")]
    reranker = _load(checkpoint_of(kind), max_length=max_length)
    prepared = reranker.prepare(Job(candidates=tiny.candidates([(q, ["tide"]) for q in queries])))
    assert prepared.lengths.max() <= max_length
    assert len(list(reranker.score(prepared))) > 0


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta-v2", "modernbert"])
def test_neither_padding_nor_batch_size_changes_a_score(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    folder = checkpoint_of(kind)
    tokenizer, model = tiny.reference(folder)
    ref = FACTORY.identify(RerankerSpec(model=str(folder))).ref
    candidates = tiny.mixed(queries=2, documents=9, seed=5)
    expected = _expected(folder, candidates)

    @settings(max_examples=25)
    @given(st.integers(1, 2000))
    def check(budget: int) -> None:
        reranker = _around(model, tokenizer, ref, budget)
        assert _score(reranker, candidates) == pytest.approx(expected, abs=1e-4)

    check()


@settings(max_examples=25)
@given(data=st.data())
def test_a_pair_scores_the_same_in_any_company(
    checkpoint_of: CheckpointOf, data: st.DataObject
) -> None:
    reranker = _cached(checkpoint_of())
    texts = data.draw(st.lists(st.text("ab tide,🙂é", max_size=90), min_size=1, max_size=8))
    query = data.draw(st.text("moon é", max_size=60))
    together = _score(reranker, tiny.candidates([(query, texts)]))
    alone = [_score(reranker, tiny.candidates([(query, [text])]))[0] for text in texts]
    assert together == pytest.approx(alone, abs=1e-4)


@cache
def _cached(folder: Path) -> PointwiseReranker:
    return _load(folder)


def test_batches_report_tokens_and_padding_and_truncated_pairs(
    checkpoint_of: CheckpointOf,
) -> None:
    folder, candidates = checkpoint_of(), tiny.mixed()
    tokenizer, _ = tiny.reference(folder)
    lengths = [
        len(tokenizer([each.query.text], [d.content], verbose=False)["input_ids"][0])
        for each in candidates
        for d in each.documents
    ]
    reranker = _load(folder, batch_tokens=300)
    batches = list(reranker.score(reranker.prepare(Job(candidates=candidates))))
    too_long = sum(length > tiny.MAX_LENGTH for length in lengths)
    assert 0 < too_long < len(lengths)
    assert sum(batch.truncated_pairs for batch in batches) == too_long
    kept = [min(length, tiny.MAX_LENGTH) for length in lengths]
    assert sum(batch.tokens for batch in batches) == sum(kept)
    for batch in batches:
        assert batch.padded_tokens == len(batch.pairs) * max(kept[i] for i in batch.pairs)
        assert batch.padded_tokens <= 300


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.15), ("float16", 0.02)])
def test_half_precision_is_really_used_and_gives_float32_numbers(
    checkpoint_of: CheckpointOf, dtype: str, tolerance: float
) -> None:
    folder, candidates = checkpoint_of("bert", 2), tiny.mixed()
    reranker = _load(folder, dtype=dtype)
    assert reranker.ref.dtype == dtype
    # All but the head.
    assert _weight_dtypes(reranker) == {getattr(torch, dtype), torch.float32}
    found, expected = _score(reranker, candidates), _expected(folder, candidates)
    assert all(type(score) is float and score == _float32(score) for score in found)
    assert found == pytest.approx(expected, abs=tolerance)
    assert found != pytest.approx(expected, abs=1e-6)


def test_scores_are_plain_floats_that_float32_holds(checkpoint_of: CheckpointOf) -> None:
    found = _score(_load(checkpoint_of()), tiny.mixed())
    assert all(type(score) is float and score == _float32(score) for score in found)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
def test_float32_is_what_an_old_cpu_computes_in_whatever_the_file_holds(
    checkpoint_of: CheckpointOf,
    tmp_path: Path,
    stored: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpu, "flags", lambda: frozenset({"avx2"}))
    tokenizer, model = tiny.reference(checkpoint_of())
    model.to(stored).save_pretrained(tmp_path / "half")
    tokenizer.save_pretrained(tmp_path / "half")
    reranker = _load(tmp_path / "half", engine="auto", dtype=None)
    assert reranker.engine.engine == "torch"
    assert reranker.ref.dtype == "float32"
    assert _weight_dtypes(reranker) == {torch.float32}


def test_finished_pairs_are_left_out_and_change_no_batch(checkpoint_of: CheckpointOf) -> None:
    reranker = _load(checkpoint_of(), batch_tokens=256)
    candidates = tiny.mixed()
    whole = list(reranker.score(reranker.prepare(Job(candidates=candidates))))
    done = frozenset(pair for batch in whole[:2] for pair in batch.pairs)
    rest = list(reranker.score(reranker.prepare(Job(candidates=candidates, done=done))))
    assert rest
    assert rest == whole[2:]


def test_pairs_of_a_half_finished_batch_score_the_same(checkpoint_of: CheckpointOf) -> None:
    reranker = _load(checkpoint_of())
    candidates = tiny.mixed()
    whole = _score(reranker, candidates)
    done = frozenset(range(0, len(whole), 2))
    rest = list(reranker.score(reranker.prepare(Job(candidates=candidates, done=done))))
    found = {p: s for each in rest for p, s in zip(each.pairs, each.scores, strict=True)}
    assert sorted(found) == list(range(1, len(whole), 2))
    assert [found[p] for p in sorted(found)] == pytest.approx(whole[1::2], abs=1e-4)


class _ShortOfMemory:
    """A model whose forward pass fails above so many padded tokens."""

    def __init__(self, model: Any, most_tokens: int, error: Callable[[], Exception]) -> None:
        self.config, self.device, self.parameters = model.config, model.device, model.parameters
        self.failures = 0
        self._model, self._most_tokens, self._error = model, most_tokens, error

    def __call__(self, **inputs: torch.Tensor) -> Any:
        if inputs["input_ids"].numel() > self._most_tokens:
            self.failures += 1
            raise self._error()
        return self._model(**inputs)


def _short_of_memory(
    folder: Path, most_tokens: int, error: Callable[[], Exception]
) -> tuple[PointwiseReranker, _ShortOfMemory]:
    tokenizer, model = tiny.reference(folder)
    fake = _ShortOfMemory(model, most_tokens, error)
    ref = RerankerRef(
        name="fake", family="test", revision="1", dtype="float32", max_length=tiny.MAX_LENGTH
    )
    return _around(fake, tokenizer, ref, 1024), fake


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_running_out_of_memory_halves_the_budget_and_loses_nothing(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    candidates = tiny.mixed(queries=4)
    reranker, fake = _short_of_memory(checkpoint_of(), 200, OUT_OF_MEMORY[kind])
    found = _score(reranker, candidates)
    assert found == pytest.approx(_expected(checkpoint_of(), candidates), abs=1e-4)
    assert 1 <= fake.failures <= 5
    assert list(reranker.warnings()) == ["memory ran out: batches were cut to 128 tokens"]
    failures = fake.failures
    _score(reranker, candidates)
    assert fake.failures == failures, "the smaller budget was forgotten"


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_one_pair_that_does_not_fit_into_memory_ends_with_a_remedy(
    checkpoint_of: CheckpointOf, kind: str
) -> None:
    reranker, _ = _short_of_memory(checkpoint_of(), 50, OUT_OF_MEMORY[kind])
    with pytest.raises(ModelError, match="one pair of 64 tokens; lower --max-length"):
        _score(reranker, tiny.mixed())


def test_another_failure_of_the_model_is_not_taken_for_a_lack_of_memory(
    checkpoint_of: CheckpointOf,
) -> None:
    reranker, fake = _short_of_memory(
        checkpoint_of(), 0, lambda: RuntimeError("index out of range in self")
    )
    with pytest.raises(ModelError, match=r"its code fails while it scores .index out of range"):
        _score(reranker, tiny.mixed())
    assert fake.failures == 1


def test_no_warnings_where_nothing_happened(checkpoint_of: CheckpointOf) -> None:
    reranker = _load(checkpoint_of())
    _score(reranker, tiny.mixed())
    assert list(reranker.warnings()) == []
    assert reranker.peak_device_bytes() is None


def test_the_reference_says_what_was_run(checkpoint_of: CheckpointOf) -> None:
    reranker = _load(checkpoint_of("bert", 2), max_length=32, batch_tokens=99, threads=1)
    assert reranker.ref.name == "bert-2"
    assert reranker.ref.max_length == 32
    assert reranker.ref.recipe["score"] == "logit1 - logit0"
    assert reranker.engine.batch_tokens == 99
    assert reranker.engine.threads == torch.get_num_threads() == 1
    assert reranker.attention_kernel in ("sdpa", "eager")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_gpu_gives_the_scores_of_the_cpu(checkpoint_of: CheckpointOf, kind: str) -> None:
    folder, candidates = checkpoint_of(kind), tiny.mixed()
    reranker = _load(folder, device="cuda", dtype="float32")
    expected = _expected(folder, candidates)
    assert _score(reranker, candidates) == pytest.approx(expected, abs=1e-3)
    assert (reranker.peak_device_bytes() or 0) > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_bfloat16_is_the_dtype_of_a_gpu(checkpoint_of: CheckpointOf) -> None:
    folder, candidates = checkpoint_of(), tiny.mixed()
    reranker = _load(folder, device="cuda", dtype=None)
    assert reranker.ref.dtype == "bfloat16"
    assert _score(reranker, candidates) == pytest.approx(_expected(folder, candidates), abs=0.15)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("bm25", "its family takes none"),
        ("demo-cross-encoder", "known: label, query_prompt"),
        ("random", "its family takes none"),
    ],
)
def test_a_recipe_key_that_there_is_not_is_refused(model: str, known: str) -> None:
    spec = RerankerSpec(model=model, recipe={"preset": "qwen3"})
    with pytest.raises(UsageError, match=f"unknown recipe key 'preset'; {known}"):
        naming.find_factory(model).identify(spec)
