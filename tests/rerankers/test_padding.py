"""Every architecture is scored as transformers scores a pair alone, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers import padding, sample_pairs
from rerankbench.rerankers.engines import cpu
from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.rerankers.pair_encoding import encode
from rerankbench.rerankers.sequence_classification import FACTORY
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from .. import tiny
from . import language_models as lm

_transformers: Any = transformers
LENGTH = 256
_SIZES: Mapping[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": LENGTH + 2,
    "num_labels": 1,
}


# They refuse to be told of a limit, or of sizes under other names than their own.
_ENDLESS = ("XLNet", "Funnel")


def _words() -> Any:
    return tiny._word_pieces()


def _segmented_from_the_left() -> Any:
    special = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    return _transformers.XLNetTokenizer(vocab=tiny._unigrams(special), unk_id=0)


# Name: its class, its tokeniser, what its config says besides sizes.
KINDS: Mapping[str, tuple[str, Callable[[], Any], Mapping[str, Any]]] = {
    # Pads on the left, puts the classifier's token last, and has three kinds of segments.
    "xlnet": (
        "XLNet",
        _segmented_from_the_left,
        {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
    ),
    # Convolutions over tokens, which reach into padding.
    "convbert": ("ConvBert", _words, {"head_ratio": 2, "embedding_size": 32}),
    # A Fourier transform over all tokens, padding included.
    "fnet": ("FNet", _words, {}),
    # Pools tokens two by two.
    "funnel": (
        "Funnel",
        _words,
        {"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48, "block_sizes": [1, 1]},
    ),
    # Reads the last token that is no padding.
    "gpt2": ("GPT2", _words, {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": LENGTH}),
    # Windows that are filled up to their own multiple.
    "longformer": ("Longformer", tiny._roberta_tokens, {"attention_window": [16, 16]}),
    # Positions counted from the padding id, and a bias by distance.
    "mpnet": ("MPNet", tiny._roberta_tokens, {}),
    "albert": ("Albert", _words, {"embedding_size": 16}),
    "deberta": ("Deberta", _words, {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}),
}
REFUSED: Mapping[str, tuple[str, Callable[[], Any], Mapping[str, Any], str]] = {
    # Reads short texts whole, and from then on long ones too.
    "big_bird": ("BigBird", _words, {"block_size": 8}, "another score at another time"),
    # Hashes at random.
    "reformer": (
        "Reformer",
        _words,
        {
            "axial_pos_shape": [16, 16],
            "axial_pos_embds_dim": [16, 16],
            "attn_layers": ["lsh", "lsh"],
            "attention_head_size": 8,
            "feed_forward_size": 48,
            "lsh_attn_chunk_length": 16,
            "num_hashes": 1,
            "max_position_embeddings": LENGTH,
        },
        "another score at another time",
    ),
    # Reads one length alone.
    "nystromformer": (
        "Nystromformer",
        _words,
        {"num_landmarks": 16, "segment_means_seq_len": 64},
        "cannot score a pair of",
    ),
}


def _saved(folder: Path, name: str, tokenizer: Any, more: Mapping[str, Any]) -> Path:
    """A seeded random classifier of that architecture, with its tokeniser."""
    tokenizer.model_max_length = LENGTH
    ids = {"pad_token_id": tokenizer.pad_token_id, "vocab_size": len(tokenizer)}
    ids["eos_token_id"] = tokenizer.sep_token_id
    sizes = {} if name in _ENDLESS else _SIZES
    config = getattr(_transformers, f"{name}Config")(**{"num_labels": 1, **sizes, **ids, **more})
    for key in ("initializer_range", "initializer_std"):
        if hasattr(config, key):
            setattr(config, key, 0.3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(_transformers, f"{name}ForSequenceClassification")(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _mixed() -> list[Candidates]:
    numbers = np.random.default_rng(3)
    texts = [" ".join(numbers.choice(tiny.WORDS, size)) for size in (1, 2, 7, 20, 60, 120, 300)]
    return tiny.candidates([("tide moon", texts), ("harbour", texts[:4])])


def _scores(reranker: Any) -> list[float]:
    found = {
        pair: score
        for batch in reranker.score(reranker.prepare(Job(candidates=_mixed())))
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[pair] for pair in sorted(found)]


def _expected(folder: Path) -> list[float]:
    tokenizer, model = tiny.reference(folder)
    return [
        tiny.reference_score(tokenizer, model, each.query.text, one.content, LENGTH)
        for each in _mixed()
        for one in each.documents
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_transformers_for_a_pair_alone(tmp_path: Path, kind: str) -> None:
    name, tokenizer, more = KINDS[kind]
    folder = _saved(tmp_path / kind, name, tokenizer(), more)
    reranker = load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    expected = _expected(folder)
    spread = max(expected) - min(expected)
    assert spread > 1e-3
    assert _scores(reranker) == pytest.approx(expected, abs=2e-4 * spread)
    assert set(reranker.checks) == {"padding"}
    alone = [each for each in reranker.warnings() if "was read alone" in each]
    assert reranker.checks["padding"].startswith("none") == bool(alone)


@pytest.mark.parametrize(
    ("kind", "side"), [("albert", "on the right"), ("convbert", "none"), ("gpt2", "on the right")]
)
def test_the_outcome_says_how_batches_are_padded(tmp_path: Path, kind: str, side: str) -> None:
    name, tokenizer, more = KINDS[kind]
    folder = _saved(tmp_path / kind, name, tokenizer(), more)
    # What the check compares is in float32: bfloat16 alone would hide what padding does.
    reranker = load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="bfloat16"))
    assert reranker.checks["padding"].startswith(side)
    model = reranker._run.engine._forward
    layers = {name: x for name, x in model.base_model.named_parameters() if "pooler" not in name}
    assert {x.dtype for x in layers.values()} == {torch.bfloat16}


def test_the_side_that_a_tokeniser_pads_on_is_found(tmp_path: Path) -> None:
    name, tokenizer, more = KINDS["xlnet"]
    folder = _saved(tmp_path / "xlnet", name, tokenizer(), more)
    reranker = load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    assert reranker.checks["padding"].startswith("on the left")


def test_a_dtype_that_a_model_cannot_compute_in_is_refused(tmp_path: Path) -> None:
    # transformers leaves half of its weights in float32, which do not go with the others.
    name, tokenizer, more = KINDS["xlnet"]
    folder = _saved(tmp_path / "xlnet", name, tokenizer(), more)
    with pytest.raises(ModelError, match=r"cannot score in bfloat16 .*; use --dtype float32"):
        load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="bfloat16"))


@pytest.mark.parametrize("kind", ["xlnet", "fnet", "deberta"])
def test_the_default_dtype_is_one_that_a_model_can_compute_in(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    name, tokenizer, more = KINDS[kind]
    folder = _saved(tmp_path / kind, name, tokenizer(), more)
    spec = RerankerSpec(model=str(folder), engine="torch")
    assert FACTORY.identify(spec).ref.dtype == "float32"
    assert load(FACTORY, spec).ref.dtype == "float32"


def test_an_encoder_computes_in_a_dtype_that_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    name, tokenizer, more = KINDS["deberta"]
    folder = _saved(tmp_path / "deberta", name, tokenizer(), more)
    spec = RerankerSpec(model=str(folder), family="bi-encoder")
    factory = naming.find_factory(spec.model, spec.family)
    assert load(factory, spec).ref.dtype == "float32"
    with pytest.raises(UsageError, match=r"deberta .* compute in bfloat16; use --dtype float32"):
        factory.identify(replace(spec, dtype="bfloat16"))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_score_of_its_own_is_refused(tmp_path: Path, kind: str) -> None:
    name, tokenizer, more, message = REFUSED[kind]
    folder = _saved(tmp_path / kind, name, tokenizer(), more)
    with pytest.raises(ModelError, match=message) as caught:
        load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    assert str(caught.value).startswith(f"{kind}: {name}ForSequenceClassification ")
    assert len(str(caught.value)) <= 300
    assert "\n" not in str(caught.value)


def test_one_tokeniser_without_padding_is_no_obstacle(tmp_path: Path) -> None:
    folder = _saved(
        tmp_path / "gpt2", "GPT2", _words(), {**KINDS["gpt2"][2], "pad_token_id": None}
    )
    reranker = load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    assert reranker.checks["padding"].startswith("none")
    assert _scores(reranker) == pytest.approx(_expected(folder), abs=1e-4)


def test_an_architecture_with_an_engine_of_its_own_is_not_tried(tmp_path: Path) -> None:
    folder = tiny.build(tmp_path / "bert")
    reranker = load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    assert reranker.checks == {}


class _Off:
    """An engine whose scores are off by a little, as an exporter's mistake would make them."""

    attention_kernel, pads, in_flight = None, True, 0

    def __init__(self, logits: Mapping[int, float], by: float) -> None:
        self._logits, self._by = logits, by

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """The known logit of each pair, told apart by its length, and a little more."""
        found = [self._logits[int(length)] + self._by for length in rows.lengths]
        return lambda: np.array(found, dtype=np.float32)[:, None]

    def peak_device_bytes(self) -> None:
        """There is none."""


@pytest.mark.parametrize(("by", "right"), [(0.0, True), (0.01, False)])
def test_an_exported_model_with_other_scores_is_refused(
    tmp_path: Path, by: float, right: bool
) -> None:
    folder = tiny.build(tmp_path / "albert")
    tokenizer, _ = tiny.reference(folder)
    ref = FACTORY.identify(RerankerSpec(model=str(folder), dtype="float32")).ref

    def cut(job: Job, length: int) -> Any:
        return encode(tokenizer, job, length)

    lengths = sample_pairs.encoded(cut, ref.max_length).lengths.tolist()
    logits = {length: float(place) for place, length in enumerate(lengths)}
    expected = np.array([[logits[length]] for length in lengths], dtype=np.float32)
    found = padding.Padding(seen="", expected=expected)
    if right:
        padding.check_engine(_Off(logits, by), found, ref, cut)
    else:
        with pytest.raises(ModelError, match="exported model gives other scores"):
            padding.check_engine(_Off(logits, by), found, ref, cut)


# --- models of other families ------------------------------------------------------------------


class _Padded:
    """A reranker whose score depends on how many documents are scored with it."""

    def __init__(self, ref: Any, harm: float) -> None:
        self.ref, self._harm = ref, harm
        self.checks: Mapping[str, str] = {}
        self.alone = False

    def prepare(self, job: Job) -> Any:
        """Nothing to do."""
        return job

    def score(self, prepared: Job) -> Any:
        """Scores by length, and by neighbours."""
        texts = [one.content for each in prepared.candidates for one in each.documents]
        scores = [len(text) + self._harm * len(texts) for text in texts]
        return iter([_Batch(range(len(texts)), scores)])

    def settle(self, checks: Mapping[str, str], *, alone: bool) -> None:
        """What the trial found."""
        self.checks, self.alone = checks, alone


class _Batch:
    def __init__(self, pairs: Sequence[int], scores: Sequence[float]) -> None:
        self.pairs, self.scores = pairs, scores


@pytest.mark.parametrize(("harm", "alone"), [(0.0, False), (0.5, True)])
def test_other_families_are_compared_with_themselves(
    tmp_path: Path, harm: float, alone: bool
) -> None:
    ref = FACTORY.identify(RerankerSpec(model=str(tiny.build(tmp_path / f"m{harm}")))).ref
    reranker: Any = _Padded(ref, harm)
    padding.settle_by_trial(reranker, torch.nn.Linear(2, 2).bfloat16())
    assert reranker.alone is alone
    assert ("none" in reranker.checks["padding"]) is alone


def test_a_decoders_outcome_is_kept_and_the_trial_forgotten(tmp_path: Path) -> None:
    from rerankbench.rerankers import detection

    folder = lm.decoder(tmp_path / "Qwen3-Reranker-0.6B", "Qwen3", lm.chat_tokens())
    reranker: Any = load(detection.FACTORY, RerankerSpec(model=str(folder)))
    assert "differ by" in reranker.checks["padding"]
    assert not [each for each in reranker.warnings() if "queries were cut" in each]
