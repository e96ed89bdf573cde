"""How the pairs of a batch may be padded to one length, tested once when a model is loaded.

Encoders with their own engine are known. Any other classifier is tested: a few pairs
are scored by transformers itself, one at a time and without padding, and then together, padded on
the right and on the left. The side with the same scores is used; if there is none, each pair is
scored alone. Models of other families are compared with themselves: together, and alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, Reranker
from rerankbench.rerankers import sample_pairs
from rerankbench.rerankers.batch_run import is_out_of_memory
from rerankbench.rerankers.engines import packed
from rerankbench.rerankers.engines.contract import Engine, Logits
from rerankbench.rerankers.in_float32 import in_float32
from rerankbench.rerankers.pair_encoding import EncodedPairs
from rerankbench.types import Candidates, RerankerRef

Side: TypeAlias = Literal["right", "left", "none"]
_Encode: TypeAlias = Callable[[Job, int], EncodedPairs]
EngineOf: TypeAlias = Callable[[Side], Engine]

CHECK = "padding"
"""The name of the test's outcome in records."""
# Relative to the scores' spread and size: rounding in float32 is far below.
_OF_SPREAD, _OF_SIZE = 1e-4, 3e-6
# In other dtypes rounding differs with a batch's shape.
_OF_SPREAD_LOW = 0.05
# The largest model cast to float32 for the test; memory may not suffice for larger ones.
_MOST_CAST_PARAMETERS = 10**9
_SIDES: Mapping[Side, str] = {
    "right": "on the right",
    "left": "on the left",
    "none": "none, each pair alone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """The side on which batches are padded, and the outcome of testing it.

    `expected` are the logits that transformers gives for the sample, one pair at a time.
    """

    side: Side = "right"
    seen: str | None = None
    expected: Logits | None = None


class Settled(Reranker[Any], Protocol):
    """A reranker that uses the outcome of its padding test."""

    checks: Mapping[str, str]
    """Name → outcome, for the record."""

    def settle(self, checks: Mapping[str, str], *, alone: bool) -> None:
        """Take the outcome and discard the test; score each text or pair `alone` if so."""


_FOUND: dict[tuple[object, ...], Padding] = {}


def of_classifier(
    model: Any, tokenizer: Any, ref: RerankerRef, encode: _Encode, engine_of: EngineOf
) -> Padding:
    """The padding that keeps a classifier's scores equal to transformers' for single pairs.

    `encode` takes a job and the length that pairs are cut to; engines run `model` as it then is.
    Raises ModelError if not even a single pair gets that score.
    """
    if packed.obstacle(model.config.to_dict()) is None:
        return Padding()
    key = (ref.name, ref.revision, ref.dtype, ref.max_length, str(model.device))
    if key not in _FOUND:
        sample = _Sample(model, tokenizer, ref, encode)
        with in_float32(model):
            padding = sample.padding(engine_of)
        sample.check_dtype(engine_of, padding.side)
        _FOUND[key] = padding
    return _FOUND[key]


def check_engine(engine: Engine, padding: Padding, ref: RerankerRef, encode: _Encode) -> None:
    """Refuse an exported graph whose scores differ from those of its model.

    Only in float32, as other dtypes give other scores. Raises ModelError.
    """
    if padding.expected is None or ref.dtype != "float32":
        return
    rows = sample_pairs.encoded(encode, ref.max_length)
    logits = _in_batches(engine, rows, padding.side)
    if not _alike(logits, padding.expected):
        raise ModelError(
            f"{ref.name}: the exported model gives other scores than transformers (by "
            f"{_share(logits, padding.expected):.1e} of their spread); use --engine torch"
        )


def settle(reranker: Settled, padding: Padding) -> None:
    """Tell a classifier its padding; known encoders need none."""
    if padding.seen is not None:
        reranker.settle({CHECK: padding.seen}, alone=padding.side == "none")


def settle_by_trial(reranker: Settled, model: Any) -> None:
    """Compare scores of pairs padded together with those of single pairs.

    If they differ, pairs are scored one by one from then on. `model` computes in float32
    during the test, unless it is large, so that only padding makes a difference.
    """
    key = (reranker.ref.name, reranker.ref.revision, reranker.ref.dtype, reranker.ref.max_length)
    if key not in _FOUND:
        _FOUND[key] = _trial(reranker, model)
    settle(reranker, _FOUND[key])


def _trial(reranker: Settled, model: Any) -> Padding:
    exact = sum(weights.numel() for weights in model.parameters()) <= _MOST_CAST_PARAMETERS
    sample = sample_pairs.candidates(short=True)
    with in_float32(model) if exact else nullcontext():
        together = _scores(reranker, sample)
        alone = np.concatenate([_scores(reranker, [candidates]) for candidates in sample])
    share = _share(together, alone)
    same = _alike(together, alone) or (not exact and share <= _OF_SPREAD_LOW)
    difference = f"scores of padded pairs and of each alone differ by {share:.1e} of their spread"
    if not same and not np.isfinite(alone).all():
        return Padding(seen="not tried: scores of the sample are not finite")
    return Padding(
        side="right" if same else "none", seen=difference if same else f"none: {difference}"
    )


def _scores(reranker: Reranker[Any], candidates: Sequence[Candidates]) -> npt.NDArray[np.float32]:
    by_pair = {
        pair: value
        for batch in reranker.score(reranker.prepare(Job(candidates=candidates)))
        for pair, value in zip(batch.pairs, batch.scores, strict=True)
    }
    return np.array([by_pair[pair] for pair in sorted(by_pair)], dtype=np.float32)


class _Sample:
    """A few pairs of very different lengths, and transformers' own scores of them."""

    def __init__(self, model: Any, tokenizer: Any, ref: RerankerRef, encode: _Encode) -> None:
        self._model, self._tokenizer, self._ref = model, tokenizer, ref
        self._pairs = sample_pairs.encoded(encode, ref.max_length)

    def padding(self, engine_of: EngineOf) -> Padding:
        """The first side that leaves the scores unchanged. Raises ModelError."""
        if not len(self._pairs.lengths):
            return Padding(side="none", seen="none, each pair alone: no sample fits the length")
        expected = self._own_logits(range(len(self._pairs.lengths)))
        again = self._own_logits(reversed(range(len(self._pairs.lengths))))
        if not _alike(expected, again):
            raise ModelError(
                f"{self._ref.name}: {self._kind} gives a pair another score at another time, by "
                f"{_share(expected, again):.1e} of the scores' spread; name another model, or "
                "lower --max-length where its attention depends on that"
            )
        seen = {}
        for side, where in _SIDES.items():
            logits = self._tried(engine_of(side), side)
            if isinstance(logits, str):
                seen[side] = logits
                continue
            seen[side] = f"differ by {_share(logits, expected):.1e} of their spread"
            if _alike(logits, expected):
                description = (
                    f"{where}: scores and those of transformers for each pair {seen[side]}"
                )
                return Padding(side=side, seen=description, expected=expected)
        raise ModelError(
            f"{self._ref.name}: {self._kind} is scored otherwise here than by transformers, even "
            f"one pair at a time ({seen['none']}); name a model of another architecture"
        )

    def check_dtype(self, engine_of: EngineOf, side: Side) -> None:
        """Refuse a dtype that the model's own code cannot compute in. Raises ModelError."""
        logits = self._tried(engine_of(side), side)
        if isinstance(logits, str):
            raise ModelError(
                f"{self._ref.name}: {self._kind} cannot score in {self._ref.dtype} ({logits}); "
                "use --dtype float32"
            )

    @property
    def _kind(self) -> str:
        return type(self._model).__name__

    def _own_logits(self, places: Any) -> Logits:
        """Logits of each pair in the sample's order, computed in the order of `places`."""
        import torch

        by_place = {}
        for place in places:
            encoded = self._tokenizer(
                *self._pairs.texts(place),
                truncation="only_second",
                max_length=self._pairs.max_length,
                return_tensors="pt",
            ).to(self._model.device)
            try:
                with torch.inference_mode():
                    by_place[place] = self._model(**encoded).logits[0].float().cpu().numpy()
            except Exception as error:  # models raise all kinds
                if is_out_of_memory(error):
                    raise
                length = encoded["input_ids"].shape[1]
                raise ModelError(
                    f"{self._ref.name}: {self._kind} cannot score a pair of {length} tokens "
                    f"({_reason(error)}); name a model of another architecture"
                ) from error
        return np.stack([by_place[place] for place in sorted(by_place)])

    def _tried(self, engine: Engine, side: Side) -> Logits | str:
        """Logits in batches padded on that side, or the reason why there are none."""
        try:
            return _in_batches(engine, self._pairs, side)
        except Exception as error:  # models raise all kinds
            if is_out_of_memory(error):
                raise
            return _reason(error)


def _in_batches(engine: Engine, pairs: sample_pairs.SamplePairs, side: Side) -> Logits:
    """Logits in the sample's order."""
    count = len(pairs.lengths)
    # The longest pair with the shortest, and all others together.
    batches = [[i] for i in range(count)]
    if side != "none" and count > 1:
        batches = [[0, count - 1], list(range(1, count))]
    by_place: dict[int, Any] = {}
    for batch in batches:
        width = int(pairs.lengths[batch].max())
        by_place |= dict(zip(batch, engine.submit(pairs.rows(batch), width)(), strict=True))
    return np.stack([by_place[place] for place in range(count)])


def _alike(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    apart, spread = np.abs(a - b).max(), np.ptp(b, axis=0).max()
    return bool(apart <= _OF_SPREAD * spread + _OF_SIZE * np.abs(b).max())


def _share(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """The largest difference, as a share of the spread."""
    spread = float(np.ptp(b, axis=0).max())
    apart = float(np.abs(a - b).max())
    return apart / spread if spread else (0.0 if apart == 0 else float("inf"))


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
