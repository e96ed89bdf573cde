"""Rerankers behind HTTP: what a service answers, and how long it takes when it does.

Every query is one request, or several where it has more documents than a request may hold: a
model whose scores depend on the other documents then sees only a part of them. At most
`concurrency` requests are under way at once, over all queries of a job alike: offline they are
those of many queries, in the single-stream scenario the parts of one query.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from urllib.parse import urlsplit

from rerankbench.errors import ModelError
from rerankbench.http_client.client import Client
from rerankbench.http_client.concurrency import in_flight, wall_lost_s
from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers.http.forms import MalformedError, Scores
from rerankbench.rerankers.http.recipe import ServiceRecipe
from rerankbench.rerankers.http.service import SETTINGS, Service, described
from rerankbench.types import EngineRef, RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Documents `start` to `end` of the query at `place`."""

    place: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpJob:
    """A job and the requests that it takes, query by query; finished queries have none."""

    job: Job
    first_pairs: Sequence[int]
    requests: Sequence[Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received:
    given: Scores
    kept_s: float
    failed_s: tuple[float, ...]
    failures: tuple[str, ...]


class HttpReranker:
    """A model behind an address."""

    attention_kernel: str | None = None

    def __init__(
        self, ref: RerankerRef, engine: EngineRef, service: Service, client: Client
    ) -> None:
        """Connections are closed with the last reference."""
        self.ref, self.engine = ref, engine
        self._service, self._client = service, client
        self._failures: Counter[str] = Counter()
        weakref.finalize(self, client.close)

    def prepare(self, job: Job) -> HttpJob:
        """Which requests there are; bodies are made when they are sent."""
        step = self._service.batch_documents
        requests = [
            Request(place=place, start=start, end=min(start + step, len(pairs)))
            for place, pairs in enumerate(job.pairs())
            if not job.done.issuperset(pairs)
            for start in range(0, len(pairs), step)
        ]
        return HttpJob(job=job, first_pairs=job.starts, requests=requests)

    def score(self, prepared: HttpJob) -> Iterator[ScoredBatch]:
        """One batch a query, in order of completion; the last one has the cost of failures."""
        requests = prepared.requests
        places = [request.place for request in requests]
        missing = Counter(places)
        parts: dict[int, dict[int, _Received]] = {place: {} for place in places}
        spent_s: dict[int, tuple[float, float]] = {}

        def ask(number: int, stop: threading.Event) -> _Received:
            return self._ask(prepared.job, requests[number], stop)

        for number, received in in_flight(len(requests), ask, self._service.recipe.concurrency):
            self._failures.update(received.failures)
            spent_s[number] = (received.kept_s, sum(received.failed_s))
            place = places[number]
            parts[place][number] = received
            missing[place] -= 1
            if not missing[place]:
                own = [part for _, part in sorted(parts.pop(place).items(), key=itemgetter(0))]
                lost_s = self._lost_s(spent_s) if not parts else 0.0
                yield _batch(prepared, place, own, lost_s)

    def warnings(self) -> Sequence[str]:
        """How often the service failed before it answered."""
        if not self._failures:
            return []
        kinds = ", ".join(f"{kind} × {n}" for kind, n in sorted(self._failures.items()))
        return [f"attempts that failed and were repeated: {kinds}"]

    def peak_device_bytes(self) -> int | None:
        """The service's memory is its own."""
        return None

    def _ask(self, job: Job, request: Request, stop: threading.Event) -> _Received:
        candidates = job.candidates[request.place]
        texts = [
            document.content for document in candidates.documents[request.start : request.end]
        ]
        form = self._service.form
        body = form.body(
            self._service.model, candidates.query.text, texts, self._service.recipe.options
        )
        reply = self._client.post(body, stop)
        try:
            scores = form.read(reply.body, reply.headers, len(texts))
        except MalformedError as error:
            raise ModelError(
                f"{self._client.who}: not the answer of {self._service.recipe.api}: "
                f"{self._client.cleared(str(error))}{self._client.also_said(reply.body)}; "
                "check 'url' and 'api'"
            ) from None
        return _Received(
            given=scores, kept_s=reply.kept_s, failed_s=reply.failed_s, failures=reply.failures
        )

    def _lost_s(self, spent_s: Mapping[int, tuple[float, float]]) -> float:
        kept_s, failed_s = zip(*(spent_s[number] for number in sorted(spent_s)), strict=True)
        return wall_lost_s(kept_s, failed_s, self._service.recipe.concurrency)


def _batch(
    prepared: HttpJob, place: int, parts: Sequence[_Received], lost_s: float
) -> ScoredBatch:
    scores = [score for part in parts for score in part.given.scores]
    first = prepared.first_pairs[place]
    kept = [at for at in range(len(scores)) if first + at not in prepared.job.done]
    tokens = sum(part.given.tokens or 0 for part in parts)
    billed = [part.given.searches for part in parts]
    return ScoredBatch(
        pairs=[first + at for at in kept],
        scores=[scores[at] for at in kept],
        tokens=tokens,
        padded_tokens=tokens,
        searches=sum(1 if searches is None else searches for searches in billed),
        failed_attempts_s=[seconds for part in parts for seconds in part.failed_s],
        lost_s=lost_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadableService:
    """A named service that has not been contacted yet; its key is known."""

    ref: RerankerRef
    spec: RerankerSpec
    service: Service

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """The service's own; a warning names settings that mean nothing to it."""
        service, spec, recipe = self.service, self.spec, self.service.recipe
        unused = {
            "dtype": spec.dtype,
            "max_length": spec.max_length,
            "batch_tokens": spec.batch_tokens,
            "engine": None if spec.engine == "auto" else spec.engine,
        }
        given = [name for name, value in unused.items() if value is not None]
        return EngineChoice(
            engine=EngineRef(engine=recipe.api, device="remote", threads=recipe.concurrency),
            reason=f"{urlsplit(service.url).netloc}, {recipe.concurrency} requests at once",
            warning=f"{', '.join(given)}: the service's own affair, not sent" if given else None,
        )

    def load(self, engine: EngineRef) -> HttpReranker:
        """Ready to ask; nothing is connected yet. Raises UsageError where there is no key."""
        service = self.service
        client = Client(self.ref.name, service.url, service.key(), service.patience, SETTINGS)
        return HttpReranker(self.ref, engine, service, client)


class ServiceFactory:
    """Finds services by their recipe; asks them nothing."""

    scores_documents = True
    recipe: type[ServiceRecipe] = ServiceRecipe
    """What any form takes."""

    def identify(self, spec: RerankerSpec) -> LoadableService:
        """What will be called. Raises UsageError, also if there is no key."""
        service = described(spec)
        service.key()
        dated = f"@{spec.revision}" if spec.revision else ""
        ref = RerankerRef(
            name=spec.name or spec.model,
            family="http",
            # A service does not say which weights it runs; a revision is the user's word for it.
            revision=f"{service.recipe.api}:{spec.model}{dated}",
            recipe={
                "api": service.recipe.api,
                "url": service.url,
                "score": service.form.meaning,
                "batch_documents": service.batch_documents,
                **service.recipe.options,
            },
        )
        return LoadableService(ref=ref, spec=spec, service=service)


FACTORY = ServiceFactory()
