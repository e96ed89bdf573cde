"""Any function from a query and its documents to scores, as a reranker."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from rerankbench.errors import ModelError, RerankbenchError, show_traceback
from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.types import EngineRef, RerankerRef

Function = Callable[[str, list[str]], Any]
_NO_ENGINE = EngineRef(engine="python", device="unknown")
_FORM = "return one number for each document, in their order"


def reranker_of(function: Function, name: str | None, own_key: str) -> CallableReranker:
    """The function with all that can be told of it, its name and place; no other has `own_key`.

    Nothing makes it repeatable.
    """
    module, qualified = _qualified(function)
    ref = RerankerRef(
        name=name or qualified.rpartition(".")[2].strip("<>"),
        family="callable",
        revision=f"object {own_key}",
        recipe={
            "module": module,
            "qualname": qualified,
            "score": "what the function returns",
            "reproducible": "not known: a Python object, scored anew each time",
        },
        # Whether a score depends on the other documents is not known either.
        reads="lists",
    )
    return CallableReranker(function=function, ref=ref)


def _qualified(function: Any) -> tuple[str, str]:
    """Module and qualified name, of an object with `__call__` those of its class."""
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return str(getattr(named, "__module__", None) or "unknown"), str(named.__qualname__)


@dataclass(slots=True, kw_only=True)
class CallableReranker:
    """Calls the function once a query; there is nothing to find or to load."""

    function: Function
    ref: RerankerRef
    engine: EngineRef = _NO_ENGINE
    attention_kernel: str | None = None
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> CallableReranker:
        """Itself."""
        return self

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """What the function computes with is its own business."""
        return EngineChoice(engine=self.engine)

    def load(self, engine: EngineRef) -> CallableReranker:
        """Itself."""
        return self

    def prepare(self, job: Job) -> Job:
        """There is nothing to prepare."""
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        """One batch a query. Raises ModelError for what are no scores of its documents."""
        for candidates, pairs in zip(prepared.candidates, prepared.pairs(), strict=True):
            if prepared.done.issuperset(pairs):
                continue
            query = candidates.query
            documents = [document.content for document in candidates.documents]
            try:
                scores = self.function(query.text, documents)
            except RerankbenchError:
                raise
            except Exception as error:
                show_traceback(error)
                reason = (str(error).strip().splitlines() or [""])[0]
                raise self._wrong(
                    query.query_id, f"raised {type(error).__name__}: {reason:.120}"
                ) from error
            yield ScoredBatch(
                pairs=pairs, scores=self._numbers(query.query_id, scores, len(pairs))
            )

    def _numbers(self, query_id: str, scores: Any, count: int) -> list[float]:
        """Python's own numbers of a list, an array or a tensor, one a document."""
        # NumPy's arrays, torch's tensors and pandas' columns all have it, on whatever device.
        plain = scores.tolist() if callable(getattr(scores, "tolist", None)) else scores
        if not isinstance(plain, Iterable) or isinstance(plain, str | bytes | Mapping | Set):
            raise self._wrong(query_id, f"gave a {type(scores).__name__}; {_FORM}")
        listed = list(plain)
        if len(listed) != count:
            problem = f"gave {len(listed)} scores for {count} documents; {_FORM}"
            raise self._wrong(query_id, problem)
        return [self._number(query_id, place, score) for place, score in enumerate(listed)]

    def _number(self, query_id: str, place: int, score: Any) -> float:
        try:
            if isinstance(score, str | bytes):
                raise TypeError
            number = float(score)
        except (TypeError, ValueError, OverflowError):
            problem = (
                f"gave {score!r:.40} (a {type(score).__name__}) for document {place}; {_FORM}"
            )
            raise self._wrong(query_id, problem) from None
        if not math.isfinite(number):
            raise self._wrong(query_id, f"gave {number} for document {place}; scores are finite")
        return number

    def _wrong(self, query_id: str, problem: str) -> ModelError:
        return ModelError(f"{self.ref.name}: query '{query_id}': the function {problem}")

    def warnings(self) -> Sequence[str]:
        """Nothing is known of what happened inside."""
        return ()

    def peak_device_bytes(self) -> int | None:
        """Which device is used is not known."""
        return None
