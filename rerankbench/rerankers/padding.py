"""How the pairs of a batch may be filled up to one length, found out once when a model is loaded.

Encoders with an engine of their own are known. Of any other classifier it is tried: a few pairs
are scored by transformers itself, one at a time and without padding, and then together, padded on
the right and on the left. What gives the same scores is taken; where neither does, each pair is
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
"""The name of the outcome in records."""
# Of the scores' spread, and of their size: rounding in float32 stays far below.
_OF_SPREAD, _OF_SIZE = 1e-4, 3e-6
# In other dtypes rounding differs with a batch's shape.
_OF_SPREAD_LOW = 0.05
# What is cast to float32 for the check: beyond, memory may not do.
_MOST_CAST_PARAMETERS = 10**9
_SIDES: Mapping[Side, str] = {
    "right": "on the right",
    "left": "on the left",
    "none": "none, each pair alone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """On which side batches are padded, and what was seen when that was tried.

    `expected` are the logits that transformers gives for the sample, one pair at a time.
    """

    side: Side = "right"
    seen: str | None = None
    expected: Logits | None = None


class Settled(Reranker[Any], Protocol):
    """A reranker that can be told what a trial of it has found."""

    checks: Mapping[str, str]
    """Name → outcome, for the record."""

    def settle(self, checks: Mapping[str, str], *, alone: bool) -> None:
        """Keep the outcome and forget the trial; score each text or pair `alone` if so."""


_FOUND: dict[tuple[object, ...], Padding] = {}


def of_classifier(
    model: Any, tokenizer: Any, ref: RerankerRef, encode: _Encode, engine_of: EngineOf
) -> Padding:
    """Which padding leaves a classifier's scores what transformers gives for a pair alone.

    `encode` takes a job and the length that pairs are cut to; engines run `model` as it then is.
    Raises ModelError where not even a pair alone gets that score.
    """
    if packed.obstacle(model.config.to_dict()) is None:
        return Padding()
    key = (ref.name, ref.revision, ref.dtype, ref.max_length, str(model.device))
    if key not in _FOUND:
        sample = _Sample(model, tokenizer, ref, encode)
        with in_float32(model):
            found = sample.padding(engine_of)
        sample.check_dtype(engine_of, found.side)
        _FOUND[key] = found
    return _FOUND[key]


def check_engine(engine: Engine, padding: Padding, ref: RerankerRef, encode: _Encode) -> None:
    """Refuse an exported graph that scores otherwise than the model it was made from.

    In float32 alone: other dtypes are other scores. Raises ModelError.
    """
    if padding.expected is None or ref.dtype != "float32":
        return
    rows = sample_pairs.encoded(encode, ref.max_length)
    found = _in_batches(engine, rows, padding.side)
    if not _alike(found, padding.expected):
        raise ModelError(
            f"{ref.name}: the exported model gives other scores than transformers (by "
            f"{_share(found, padding.expected):.1e} of their spread); use --engine torch"
        )


def settle(reranker: Settled, padding: Padding) -> None:
    """Tell a classifier how it is padded; nothing to tell of known encoders."""
    if padding.seen is not None:
        reranker.settle({CHECK: padding.seen}, alone=padding.side == "none")


def settle_by_trial(reranker: Settled, model: Any) -> None:
    """Compare scores of pairs that are padded together with those of each alone.

    Where they differ, each is scored alone from then on. `model` is what is padded: in float32
    meanwhile, unless it is large, so that only padding makes a difference.
    """
    key = (reranker.ref.name, reranker.ref.revision, reranker.ref.dtype, reranker.ref.max_length)
    if key not in _FOUND:
        _FOUND[key] = _trial(reranker, model)
    settle(reranker, _FOUND[key])


def _trial(reranker: Settled, model: Any) -> Padding:
    exact = sum(each.numel() for each in model.parameters()) <= _MOST_CAST_PARAMETERS
    asked = sample_pairs.candidates(short=True)
    with in_float32(model) if exact else nullcontext():
        together = _scores(reranker, asked)
        alone = np.concatenate([_scores(reranker, [each]) for each in asked])
    share = _share(together, alone)
    same = _alike(together, alone) or (not exact and share <= _OF_SPREAD_LOW)
    told = f"scores of padded pairs and of each alone differ by {share:.1e} of their spread"
    if not same and not np.isfinite(alone).all():
        return Padding(seen="not tried: scores of the sample are not finite")
    return Padding(side="right" if same else "none", seen=told if same else f"none: {told}")


def _scores(reranker: Reranker[Any], candidates: Sequence[Candidates]) -> npt.NDArray[np.float32]:
    found = {
        pair: value
        for batch in reranker.score(reranker.prepare(Job(candidates=candidates)))
        for pair, value in zip(batch.pairs, batch.scores, strict=True)
    }
    return np.array([found[pair] for pair in sorted(found)], dtype=np.float32)


class _Sample:
    """A few pairs of very different lengths, and what transformers itself makes of them."""

    def __init__(self, model: Any, tokenizer: Any, ref: RerankerRef, encode: _Encode) -> None:
        self._model, self._tokenizer, self._ref = model, tokenizer, ref
        self._pairs = sample_pairs.encoded(encode, ref.max_length)

    def padding(self, engine_of: EngineOf) -> Padding:
        """The first side that leaves the scores what they are. Raises ModelError."""
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
            found = self._tried(engine_of(side), side)
            if isinstance(found, str):
                seen[side] = found
                continue
            seen[side] = f"differ by {_share(found, expected):.1e} of their spread"
            if _alike(found, expected):
                told = f"{where}: scores and those of transformers for each pair {seen[side]}"
                return Padding(side=side, seen=told, expected=expected)
        raise ModelError(
            f"{self._ref.name}: {self._kind} is scored otherwise here than by transformers, even "
            f"one pair at a time ({seen['none']}); name a model of another architecture"
        )

    def check_dtype(self, engine_of: EngineOf, side: Side) -> None:
        """Refuse a dtype that the model's own code cannot compute in. Raises ModelError."""
        found = self._tried(engine_of(side), side)
        if isinstance(found, str):
            raise ModelError(
                f"{self._ref.name}: {self._kind} cannot score in {self._ref.dtype} ({found}); "
                "use --dtype float32"
            )

    @property
    def _kind(self) -> str:
        return type(self._model).__name__

    def _own_logits(self, places: Any) -> Logits:
        """Logits of each pair, in the sample's order; they are computed in that of `places`."""
        import torch

        found = {}
        for place in places:
            encoded = self._tokenizer(
                *self._pairs.texts(place),
                truncation="only_second",
                max_length=self._pairs.max_length,
                return_tensors="pt",
            ).to(self._model.device)
            try:
                with torch.inference_mode():
                    found[place] = self._model(**encoded).logits[0].float().cpu().numpy()
            except Exception as error:  # models raise all kinds
                if is_out_of_memory(error):
                    raise
                length = encoded["input_ids"].shape[1]
                raise ModelError(
                    f"{self._ref.name}: {self._kind} cannot score a pair of {length} tokens "
                    f"({_reason(error)}); name a model of another architecture"
                ) from error
        return np.stack([found[place] for place in sorted(found)])

    def _tried(self, engine: Engine, side: Side) -> Logits | str:
        """Logits in batches that are padded on that side, or why there are none."""
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
    found: dict[int, Any] = {}
    for batch in batches:
        width = int(pairs.lengths[batch].max())
        found |= dict(zip(batch, engine.submit(pairs.rows(batch), width)(), strict=True))
    return np.stack([found[place] for place in range(count)])


def _alike(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    apart, spread = np.abs(one - other).max(), np.ptp(other, axis=0).max()
    return bool(apart <= _OF_SPREAD * spread + _OF_SIZE * np.abs(other).max())


def _share(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The largest difference, as a share of the spread."""
    spread = float(np.ptp(other, axis=0).max())
    apart = float(np.abs(one - other).max())
    return apart / spread if spread else (0.0 if apart == 0 else float("inf"))


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
