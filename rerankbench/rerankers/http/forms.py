"""The forms in which services take a query with documents and give back scores.

TEI: https://github.com/huggingface/text-embeddings-inference, its OpenAPI page. Cohere's v2 form:
https://docs.cohere.com/reference/rerank, which Jina, vLLM and Infinity share. Voyage:
https://docs.voyageai.com/reference/reranker-api. Mixedbread:
https://www.mixedbread.com/api-reference/endpoints/reranking. NVIDIA:
https://docs.nvidia.com/nim/nemo-retriever/text-reranking/latest/using-reranking.html. SGLang: its
source, entrypoints/openai/serving_rerank.py. DashScope:
https://www.alibabacloud.com/help/en/model-studio/text-rerank-api. Bedrock:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rerankbench.rerankers.http.recipe import (
    CohereRecipe,
    Fields,
    ServiceRecipe,
    TruncatingRecipe,
)


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
class Form:
    """One form: names of the fields of a request and of its answer.

    `word` ends the address. `most_documents` is the usual limit for one request. `top` is the
    field that asks for all scores, `results` the names that lead to them (none: the answer is the
    list). `fixed` fields are always sent. `recipe` has the form's own settings, and `options` the
    fields that such a setting becomes, where it is not the one field of its name. `blank` stands
    in for a document without any text. `nested` puts the fields where they belong if they do not
    lie side by side. `signed_for` is the name by which AWS' keys vouch for a request, where they
    do.
    """

    word: str
    most_documents: int
    documents: str
    results: tuple[str, ...]
    score: str
    top: str | None = None
    names_model: bool = True
    meaning: str
    fixed: Fields = field(default_factory=dict)
    recipe: type[ServiceRecipe] = ServiceRecipe
    options: Mapping[str, Callable[[Any], Fields]] = field(default_factory=dict)
    blank: str = ""
    nested: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    signed_for: str | None = None

    def body(self, model: str, query: str, documents: Sequence[str], options: Fields) -> bytes:
        """A request's JSON."""
        request: dict[str, Any] = dict(self.fixed)
        for name, value in options.items():
            request |= self.options[name](value) if name in self.options else {name: value}
        if self.names_model:
            request["model"] = model
        if self.top is not None:
            request[self.top] = len(documents)
        request["query"] = query
        request[self.documents] = [text or self.blank for text in documents]
        return json.dumps(self.nested(request)).encode()

    def read(self, body: bytes, headers: Mapping[str, str], count: int) -> Scores:
        """The scores of `count` documents. Raises MalformedError."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedError("no JSON") from None
        results = _at(answer, *self.results)
        if not isinstance(results, list):
            where = f"no list '{'.'.join(self.results)}'" if self.results else "no list"
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
        if tokens is None:
            tokens = _tokens_of_each(results)
        return Scores(
            scores=tuple(score for score in scores if score is not None),
            tokens=None if tokens is None else int(tokens),
            searches=_number(_at(answer, "meta", "billed_units", "search_units")),
        )


def _tokens_of_each(results: Sequence[Any]) -> float | None:
    """SGLang counts the tokens of every pair; None where one of them has no count."""
    counts = [_number(_at(result, "meta_info", "prompt_tokens")) for result in results]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


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


def _as_nvidia(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Query and passages are objects with a text."""
    passages = [{"text": text} for text in request["passages"]]
    return {**request, "query": {"text": request["query"]}, "passages": passages}


def _as_dashscope(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Texts under `input`, the rest under `parameters`."""
    texts = {name: request[name] for name in ("query", "documents")}
    rest = {name: request[name] for name in request if name not in ("model", *texts)}
    return {"model": request["model"], "input": texts, "parameters": rest}


def _as_bedrock(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every text is an object that says its kind; the model is named by its ARN."""
    sources = [
        {
            "type": "INLINE",
            "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}},
        }
        for text in request["sources"]
    ]
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": request["query"]}}],
        "sources": sources,
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "modelConfiguration": {"modelArn": request["model"]},
                "numberOfResults": request["numberOfResults"],
            },
        },
    }


FORMS: Mapping[str, Form] = {
    "tei": Form(
        word="rerank",
        most_documents=32,
        documents="texts",
        results=(),
        score="score",
        names_model=False,
        meaning="raw logit",
        fixed={"raw_scores": True, "return_text": False},
        recipe=TruncatingRecipe,
    ),
    "cohere": Form(
        word="rerank",
        most_documents=1000,
        documents="documents",
        results=("results",),
        score="relevance_score",
        top="top_n",
        meaning="relevance_score as served",
        recipe=CohereRecipe,
        # Infinity's field, and vLLM's: each passes over the other's.
        options={"raw_scores": lambda on: {"raw_scores": on, "use_activation": not on}},
    ),
    "voyage": Form(
        word="rerank",
        most_documents=1000,
        documents="documents",
        results=("data",),
        score="relevance_score",
        top="top_k",
        meaning="relevance_score as served",
        fixed={"return_documents": False},
        recipe=TruncatingRecipe,
        options={"truncate": lambda on: {"truncation": on}},
        blank=" ",
    ),
    "mixedbread": Form(
        word="reranking",
        most_documents=100,
        documents="input",
        results=("data",),
        score="score",
        top="top_k",
        fixed={"return_input": False},
        meaning="score as served",
    ),
    "nvidia": Form(
        word="ranking",
        most_documents=512,
        documents="passages",
        results=("rankings",),
        score="logit",
        meaning="raw logit",
        recipe=TruncatingRecipe,
        options={"truncate": lambda on: {"truncate": "END" if on else "NONE"}},
        nested=_as_nvidia,
    ),
    "sglang": Form(
        word="rerank",
        most_documents=1000,
        documents="documents",
        results=(),
        score="score",
        meaning="score as served",
        blank=".",  # It refuses a request in which one document is blank.
    ),
    "dashscope": Form(
        word="services/rerank/text-rerank/text-rerank",
        most_documents=500,
        documents="documents",
        results=("output", "results"),
        score="relevance_score",
        top="top_n",
        fixed={"return_documents": False},
        meaning="relevance_score as served",
        nested=_as_dashscope,
    ),
    "bedrock": Form(
        word="rerank",
        most_documents=100,  # More are billed as several queries.
        documents="sources",
        results=("results",),
        score="relevanceScore",
        top="numberOfResults",
        meaning="relevanceScore as served",
        blank=" ",
        nested=_as_bedrock,
        signed_for="bedrock",
    ),
}
