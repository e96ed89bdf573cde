"""The four forms in which services take a query with documents and give back scores.

TEI: https://github.com/huggingface/text-embeddings-inference, its OpenAPI page. Cohere's v2 form:
https://docs.cohere.com/reference/rerank, which Jina, vLLM and Infinity share. Voyage:
https://docs.voyageai.com/reference/reranker-api. Mixedbread:
https://www.mixedbread.com/api-reference/endpoints/reranking.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rerankbench.rerankers.recipe import Kind

Fields: TypeAlias = Mapping[str, "str | int | bool"]


class MalformedError(ValueError):
    """An answer that is not what its form says; `str(error)` says in what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One score a document, in the order of the request, and what the service billed for it.

    `tokens` and `searches` are None where the service does not tell.
    """

    scores: tuple[float, ...]
    tokens: int | None
    searches: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting of a recipe, and the fields that its value becomes."""

    kind: Kind
    fields: Callable[[Any], Fields]
    default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form: names of the fields of a request and of its answer.

    `word` ends the address. `most_documents` is the usual limit for one request. `top` is the
    field that asks for all scores, `results` the field that holds them (None: the answer is the
    list). `fixed` fields are always sent. `blank` stands in for a document without any text.
    """

    word: str
    most_documents: int
    documents: str
    results: str | None
    score: str
    top: str | None = None
    names_model: bool = True
    meaning: str
    fixed: Fields = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    blank: str = ""

    def body(self, model: str, query: str, documents: Sequence[str], options: Fields) -> bytes:
        """A request's JSON."""
        request: dict[str, Any] = dict(self.fixed)
        for name, value in options.items():
            request |= self.options[name].fields(value)
        if self.names_model:
            request["model"] = model
        if self.top is not None:
            request[self.top] = len(documents)
        request["query"] = query
        request[self.documents] = [text or self.blank for text in documents]
        return json.dumps(request).encode()

    def read(self, body: bytes, headers: Mapping[str, str], count: int) -> Scores:
        """The scores of `count` documents. Raises MalformedError."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedError("no JSON") from None
        results = answer if self.results is None else _at(answer, self.results)
        if not isinstance(results, list):
            where = "no list" if self.results is None else f"no list '{self.results}'"
            raise MalformedError(f"{where} in it")
        if len(results) != count:
            raise MalformedError(f"{len(results)} scores for {count} documents")
        scores: list[float | None] = [None] * count
        for result in results:
            index = _index(_at(result, "index"), count)
            if scores[index] is not None:
                raise MalformedError(f"index {index} twice")
            scores[index] = _score(_at(result, self.score), self.score)
        tokens = _number(_at(answer, "usage", "total_tokens"))
        if tokens is None:
            tokens = _number(_text_number(headers.get("x-compute-tokens")))
        return Scores(
            scores=tuple(score for score in scores if score is not None),
            tokens=None if tokens is None else int(tokens),
            searches=_number(_at(answer, "meta", "billed_units", "search_units")),
        )


def _at(value: Any, *names: str) -> Any:
    """What lies under these names; None where one of them is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _index(value: Any, count: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise MalformedError(f"index {value!r:.40} for {count} documents")
    return value


def _score(value: Any, name: str) -> float:
    score = _number(value, least=-math.inf)
    if score is None:
        raise MalformedError(f"a '{name}' that is no finite number ({value!r:.40})")
    return score


def _number(value: Any, least: float = 0.0) -> float | None:
    """A finite number from `least` on; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= least else None


def _text_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None


FORMS: Mapping[str, Form] = {
    "tei": Form(
        word="rerank",
        most_documents=32,
        documents="texts",
        results=None,
        score="score",
        names_model=False,
        meaning="raw logit",
        fixed={"raw_scores": True, "return_text": False},
        options={
            "truncate": Option(kind="flag", default=True, fields=lambda on: {"truncate": on})
        },
    ),
    "cohere": Form(
        word="rerank",
        most_documents=1000,
        documents="documents",
        results="results",
        score="relevance_score",
        top="top_n",
        meaning="relevance_score as served",
        options={
            "max_tokens_per_doc": Option(
                kind="integer", fields=lambda most: {"max_tokens_per_doc": most}
            ),
            # Infinity's field, and vLLM's: each passes over the other's.
            "raw_scores": Option(
                kind="flag", fields=lambda on: {"raw_scores": on, "use_activation": not on}
            ),
        },
    ),
    "voyage": Form(
        word="rerank",
        most_documents=1000,
        documents="documents",
        results="data",
        score="relevance_score",
        top="top_k",
        meaning="relevance_score as served",
        fixed={"return_documents": False},
        options={
            "truncate": Option(kind="flag", default=True, fields=lambda on: {"truncation": on})
        },
        blank=" ",
    ),
    "mixedbread": Form(
        word="reranking",
        most_documents=100,
        documents="input",
        results="data",
        score="score",
        top="top_k",
        fixed={"return_input": False},
        meaning="score as served",
    ),
}
