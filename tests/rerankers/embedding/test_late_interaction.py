"""Late interaction gives the scores that its tokens' vectors give, one pair at a time."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.detection import FACTORY as DETECTED
from rerankbench.rerankers.embedding.factory import LATE_INTERACTION
from rerankbench.rerankers.embedding.similarity import pairwise
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import embedding_models as models

METADATA = {"query_maxlen": 16, "doc_maxlen": 40, "dim": 16, "similarity": "cosine"}
PYLATE: dict[str, Any] = {
    "model_type": "ColBERT",
    "similarity_fn_name": "MaxSim",
    "prompts": {},
    "default_prompt_name": None,
    "query_prefix": "[Q] ",
    "document_prefix": "[D] ",
    "query_length": 16,
    "document_length": 40,
    "attend_to_expansion_tokens": False,
    "do_query_expansion": True,
    "skiplist_words": list(string.punctuation),
}
EXPANSION = {"strategy": "fixed", "attend": False, "length": 16}
LISTED = [
    models.dense(32, 16, bias=False, module_input_name="token_embeddings"),
    ("MultiVectorMask", {"skiplist_words": [",", "."], "skiplist_tasks": ["document"]}),
    ("Normalize", {"module_input_name": "token_embeddings"}),
]


def _load(folder: Path, **options: Any) -> Any:
    options = {"dtype": "float32"} | options
    return load(DETECTED, RerankerSpec(model=str(folder), **options))


def _listed(folder: Path, transformer: Mapping[str, Any] | None = None, **settings: Any) -> Path:
    """A BERT as sentence-transformers saves a multi-vector encoder."""
    told = {"model_type": "MultiVectorEncoder", "similarity_fn_name": "maxsim", **settings}
    heads = told.pop("heads", LISTED)
    models.encoder(folder)
    return models.add_modules(folder, heads, settings=told, transformer=transformer)


class _Reference:
    """ColBERT in plain loops: ids are put together by hand, one text at a time."""

    def __init__(
        self,
        folder: Path,
        projection: torch.Tensor,
        *,
        markers: tuple[Sequence[str], Sequence[str]] = ((), ()),
        query_length: int,
        document_length: int,
        expanded: bool = True,
        attended: bool = False,
        skipped: Sequence[str] = tuple(string.punctuation),
    ) -> None:
        self.folder = folder
        self.projection = projection
        self.markers = markers
        self.lengths = (query_length, document_length)
        self.expanded = expanded
        self.attended = attended
        self.skipped = skipped
        self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        self.vectors = cache(self._vectors)

    def _vectors(self, role: int, text: str) -> torch.Tensor:
        tokens, length = self.tokenizer, self.lengths[role]
        marker = tokens.convert_tokens_to_ids(list(self.markers[role]))
        ids = tokens(text, add_special_tokens=False, verbose=False)["input_ids"]
        ids = [tokens.cls_token_id, *marker, *ids[: length - 2 - len(marker)], tokens.sep_token_id]
        own = len(ids)
        if role == 0 and self.expanded:
            ids += [tokens.mask_token_id] * (length - own)
        seen = len(ids) if self.attended else own
        found = models.hidden_states(self.folder, ids, seen) @ self.projection.T
        if role == 1:
            skipped = {*tokens.convert_tokens_to_ids(list(self.skipped))} - {tokens.unk_token_id}
            found = found[[i for i, token in enumerate(ids) if token not in skipped]]
        return torch.nn.functional.normalize(found, dim=1)

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        found = []
        for each in candidates:
            for document in each.documents:
                total = 0.0
                for query in self.vectors(0, each.query.text):
                    total += max(
                        float(query @ token) for token in self.vectors(1, document.content)
                    )
                found.append(total)
        return found


def _projection(folder: Path) -> torch.Tensor:
    return load_file(folder / "model.safetensors")["linear.weight"]


@pytest.mark.parametrize("attended", [False, True])
def test_stanford_files(tmp_path: Path, attended: bool) -> None:
    metadata = {**METADATA, "attend_to_mask_tokens": attended}
    folder = models.stanford(tmp_path / "colbert", metadata)
    candidates = models.asked()
    reference = _Reference(
        folder,
        _projection(folder),
        markers=(["[unused0]"], ["[unused1]"]),
        query_length=16,
        document_length=40,
        attended=attended,
    )
    expected = reference.score(candidates)
    assert max(expected) - min(expected) > 0.5, "scores too alike to tell a mistake"
    for batch_tokens in (1, 100, 10_000):
        reranker = _load(folder, batch_tokens=batch_tokens)
        assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.family == "late-interaction"
    assert reranker.ref.recipe["documents"] == "encoded once per collection"
    assert reranker.ref.recipe["query_prompt"] == "[unused0] "
    seen = "attended" if attended else "unattended"
    assert reranker.ref.recipe["expansion"] == f"to 16 tokens of the mask, {seen}"


def test_stanford_files_without_metadata_or_with_punctuation(tmp_path: Path) -> None:
    bare = models.stanford(tmp_path / "bare", None)
    candidates = models.asked()
    markers = (["[unused0]"], ["[unused1]"])
    expected = _Reference(
        bare, _projection(bare), markers=markers, query_length=32, document_length=64
    ).score(candidates)
    assert models.score(_load(bare), candidates) == pytest.approx(expected, abs=1e-4)
    folder = models.stanford(tmp_path / "kept", {**METADATA, "mask_punctuation": False})
    expected = _Reference(
        folder,
        _projection(folder),
        markers=markers,
        query_length=16,
        document_length=40,
        skipped=(),
    ).score(candidates)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("expanded", [True, False])
def test_pylate_files(tmp_path: Path, expanded: bool) -> None:
    told = {**PYLATE, "do_query_expansion": expanded}
    folder = models.pylate(tmp_path / "pylate", told)
    candidates = models.asked()
    expected = _Reference(
        folder,
        load_file(folder / "1_Dense" / "model.safetensors")["linear.weight"],
        markers=(["[Q] "], ["[D] "]),
        query_length=16,
        document_length=40,
        expanded=expanded,
    ).score(candidates)
    assert models.score(_load(folder), candidates) == pytest.approx(expected, abs=1e-4)


def test_lengths_prompts_and_similarity_of_a_config(tmp_path: Path) -> None:
    folder = _listed(tmp_path / "m", {"query_expansion": EXPANSION, "document_length": 30})
    candidates = models.asked()
    projection = load_file(folder / "1_Dense" / "model.safetensors")["linear.weight"]
    recipe = {"query_length": 12, "document_length": 50, "query_prompt": "", "document_prompt": ""}
    reranker = _load(folder, recipe={**recipe, "similarity": "meanmaxsim"})
    sums = _Reference(
        folder, projection, query_length=12, document_length=50, skipped=(",", ".")
    ).score(candidates)
    expected = [score / 12 for score in sums]
    assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-4)
    assert (reranker.ref.max_length, reranker.ref.recipe["query_length"]) == (50, 12)
    assert _load(folder, max_length=35).ref.max_length == 35
    with pytest.raises(UsageError, match="no similarity 'cosine'"):
        _load(folder, recipe={"similarity": "cosine"})


def test_a_resumed_job_gives_the_same_scores(tmp_path: Path) -> None:
    folder = models.stanford(tmp_path / "colbert", METADATA)
    candidates = models.asked()
    reranker = _load(folder, batch_tokens=90)
    whole = models.batches(reranker, candidates)
    assert len(whole) > 3
    for finished in range(1, len(whole)):
        done = frozenset(pair for batch in whole[:finished] for pair in batch.pairs)
        rest = models.batches(reranker, candidates, done=done)
        assert [(list(b.pairs), list(b.scores)) for b in rest] == [
            (list(b.pairs), list(b.scores)) for b in whole[finished:]
        ]


def test_many_pairs_of_a_document_are_scored_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = torch.Generator().manual_seed(0)
    queries = torch.randn(7, 4, 8, generator=numbers)
    documents = torch.randn(3, 9, 8, generator=numbers)
    counts = torch.rand(3, 9, generator=numbers) < 0.6
    counts[2] = False
    places = torch.arange(7).repeat(3), torch.arange(3).repeat_interleave(7)
    expected = [
        float((queries[q] @ documents[d][counts[d]].T).amax(dim=1).sum()) if d < 2 else -1e9
        for q, d in zip(*(each.tolist() for each in places), strict=True)
    ]
    for step in (1, 1000, 2**24):
        monkeypatch.setattr("rerankbench.rerankers.embedding.similarity._STEP_NUMBERS", step)
        found = pairwise("maxsim", queries, documents, counts, places)
        assert found.tolist() == pytest.approx(expected, abs=1e-4)


def test_what_is_no_late_interaction_is_refused(tmp_path: Path) -> None:
    bare = models.encoder(tmp_path / "bare")
    with pytest.raises(ModelError, match="nothing in its files says late interaction"):
        load(LATE_INTERACTION, RerankerSpec(model=str(bare)))
    folder = models.pylate(tmp_path / "pylate", PYLATE)
    models.write(
        folder / "modules.json",
        [{"type": "sentence_transformers.models.Transformer", "path": ""}],
    )
    with pytest.raises(ModelError, match="no projection of tokens"):
        _load(folder)
    other = _listed(tmp_path / "m", {"query_expansion": {"strategy": "longest"}})
    with pytest.raises(ModelError, match="query_expansion"):
        _load(other)
    unknown = _listed(tmp_path / "n", {"query_expansion": {**EXPANSION, "token": "[NOTHING]"}})
    with pytest.raises(ModelError, match="no token to expand queries with"):
        _load(unknown)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_scores_of_the_cpu(tmp_path: Path) -> None:
    colbert = models.stanford(tmp_path / "colbert", METADATA)
    two_tower = models.encoder(tmp_path / "two-tower")
    models.add_modules(two_tower, [models.pooling()])
    candidates = models.asked()
    for folder in (colbert, two_tower):
        expected = models.score(_load(folder), candidates)
        reranker = _load(folder, device="cuda", batch_tokens=150)
        assert models.score(reranker, candidates) == pytest.approx(expected, abs=1e-3)
        assert (reranker.peak_device_bytes() or 0) > 0


# What follows compares with sentence-transformers itself.


def _library(folder: Path) -> Any:
    library = pytest.importorskip("sentence_transformers")
    if not hasattr(library, "MultiVectorEncoder"):
        pytest.skip("this sentence-transformers has no MultiVectorEncoder")
    return library.MultiVectorEncoder(str(folder), device="cpu")


def _agrees(folder: Path, saved: Path | None = None) -> None:
    model, candidates = _library(folder), models.asked()
    expected = models.library_scores(model, candidates)
    assert max(expected) - min(expected) > 0.05, "scores too alike to tell a mistake"
    for batch_tokens in (1, 150, 10_000):
        found = models.score(_load(folder, batch_tokens=batch_tokens), candidates)
        assert found == pytest.approx(expected, abs=1e-4)
    if saved is not None:
        model.save_pretrained(str(saved))
        assert models.score(_load(saved), candidates) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "more",
    [{}, {"attend_to_mask_tokens": True}, {"mask_punctuation": False}, {"query_maxlen": None}],
)
def test_stanford_files_as_sentence_transformers(tmp_path: Path, more: dict[str, Any]) -> None:
    folder = models.stanford(tmp_path / "colbert", {**METADATA, **more})
    _agrees(folder, tmp_path / "saved")


def test_stanford_files_without_metadata_as_sentence_transformers(tmp_path: Path) -> None:
    _agrees(models.stanford(tmp_path / "colbert", None))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attend_to_expansion_tokens": True},
        {"do_query_expansion": False},
        {"skiplist_words": None},
        {"skiplist_words": ["tide", "notaword"]},
        {"prompts": {"query": "tide ", "document": "[D] kelp "}},
        {"query_length": None, "document_length": None},
        {"model_type": None},
        {"query_prefix": None, "document_prefix": ""},
    ],
)
def test_pylate_files_as_sentence_transformers(tmp_path: Path, changes: dict[str, Any]) -> None:
    told = {**PYLATE, **changes}
    told = {key: value for key, value in told.items() if key != "model_type" or value}
    _agrees(models.pylate(tmp_path / "pylate", told), tmp_path / "saved")


@pytest.mark.parametrize(
    "transformer",
    [
        {},
        {"query_length": 12, "document_length": 30},
        {"query_expansion": EXPANSION},
        {"query_expansion": {**EXPANSION, "attend": True}, "document_length": 30},
        {"query_expansion": {**EXPANSION, "strategy": "min"}},
        {"query_expansion": {**EXPANSION, "strategy": "min", "attend": True}, "query_length": 30},
        {"query_expansion": {**EXPANSION, "token": "tid"}},
    ],
)
def test_listed_modules_as_sentence_transformers(
    tmp_path: Path, transformer: dict[str, Any]
) -> None:
    _agrees(_listed(tmp_path / "m", transformer), tmp_path / "saved")


@pytest.mark.parametrize(
    "mask",
    [
        None,
        {},
        {"skiplist_words": [",", "."], "skiplist_tasks": ["query", "document"]},
        {"skiplist_words": [","], "skiplist_tasks": "query"},
        {"keep_only_token_ids": [2, *range(40, 200)]},
    ],
)
@pytest.mark.parametrize("similarity", ["maxsim", "meanmaxsim"])
def test_tokens_that_count_as_sentence_transformers(
    tmp_path: Path, mask: dict[str, Any] | None, similarity: str
) -> None:
    projection, _, normalize = LISTED
    steps = [] if mask is None else [("MultiVectorMask", mask)]
    folder = _listed(
        tmp_path / "m",
        {"query_expansion": EXPANSION},
        heads=[projection, *steps, normalize],
        similarity_fn_name=similarity,
        prompts={"query": "tide: ", "document": "kelp, "},
    )
    _agrees(folder)


def test_several_projections_as_sentence_transformers(tmp_path: Path) -> None:
    heads = [
        models.dense(32, 24, use_residual=True, module_input_name="token_embeddings"),
        models.dense(24, 24, activation_function="torch.nn.modules.activation.GELU"),
        models.dense(24, 8, bias=False),
        *LISTED[1:],
    ]
    _agrees(_listed(tmp_path / "m", heads=heads), tmp_path / "saved")


def test_a_document_without_a_token_that_counts_as_sentence_transformers(tmp_path: Path) -> None:
    heads = [LISTED[0], ("MultiVectorMask", {"keep_only_token_ids": [7]}), LISTED[2]]
    folder = _listed(tmp_path / "m", heads=heads)
    candidates = tiny.candidates([("tide moon", ["tide", "moon gull"])])
    expected = models.library_scores(_library(folder), candidates)
    assert models.score(_load(folder), candidates) == pytest.approx(expected)
    assert expected[0] < -1e8
