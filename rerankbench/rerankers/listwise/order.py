"""Ordering lists with a model that orders windows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers.listwise.generation import GeneratedAnswer, Generator
from rerankbench.rerankers.listwise.permutation import parse
from rerankbench.rerankers.listwise.prompt import Question, QuestionWriter, Words
from rerankbench.rerankers.listwise.windows import windows
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowedLists:
    """The lists of a job, words at hand. `starts` are the indices of their first pairs.

    `truncated` says of each pair whether its document has more words than are ever shown.
    """

    done: frozenset[int]
    starts: list[int]
    query_ids: list[str]
    queries: list[str]
    passages: list[list[Words]]
    truncated: list[bool]

    def pairs(self, place: int) -> range:
        """The pairs of one list."""
        return range(self.starts[place], self.starts[place + 1])

    def is_done(self, place: int) -> bool:
        """Whether a list needs no order: none of its pairs does."""
        return self.done.issuperset(self.pairs(place))


class ListwiseReranker:
    """A loaded model that orders lists; several lists are ordered in parallel, one window each."""

    def __init__(
        self,
        *,
        ref: RerankerRef,
        engine_ref: EngineRef,
        writer: QuestionWriter,
        generator: Generator,
        window: int,
        stride: int,
        beside: int,
        check: TokenCheck | None = None,
    ) -> None:
        """Keep a model's `writer` of questions and `generator` of answers.

        `beside` lists are ordered at a time.
        """
        self.ref = ref
        self.engine = engine_ref
        self.attention_kernel = generator.attention_kernel
        self._writer, self._generator, self._check = writer, generator, check
        self._window, self._stride = window, stride
        self._beside = beside
        self._cut_queries: set[str] = set()

    def prepare(self, job: Job) -> WindowedLists:
        """Split the texts; later questions depend on earlier answers.

        Raises ModelError for tokens without embeddings.
        """
        passages = [[*map(self._writer.passage, entry.documents)] for entry in job.candidates]
        if self._check is not None:
            self._check.check_texts(entry.query.text for entry in job.candidates)
            self._check.check_texts(" ".join(words) for entry in passages for words in entry)
        return WindowedLists(
            done=job.done,
            starts=job.starts,
            query_ids=[entry.query.query_id for entry in job.candidates],
            queries=[entry.query.text for entry in job.candidates],
            passages=passages,
            truncated=[self._writer.is_long(words) for entry in passages for words in entry],
        )

    def score(self, prepared: WindowedLists) -> Iterator[ScoredBatch]:
        """One batch a list.

        Lists that are ordered side by side are all ordered again where one of them is not done:
        rounding depends on the neighbours, and so might a word.
        """
        filled = [place for place, passages in enumerate(prepared.passages) if passages]
        for first in range(0, len(filled), self._beside):
            group = filled[first : first + self._beside]
            if not all(map(prepared.is_done, group)):
                for order in self._ordered(prepared, group):
                    if not prepared.is_done(order.place):
                        yield order.batch(prepared.pairs(order.place))

    def warnings(self) -> Sequence[str]:
        """Lack of memory, and queries that were cut. Malformed answers count with the scores."""
        messages = list(self._generator.warnings())
        if self._cut_queries:
            messages.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return messages

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return self._generator.peak_device_bytes()

    def _ordered(self, lists: WindowedLists, group: Sequence[int]) -> list[_Order]:
        """Slide the window over each list of a group, one step of all at a time."""
        orders = [_Order(place=place, order=[*range(len(lists.pairs(place)))]) for place in group]
        steps = [windows(len(order.order), self._window, self._stride) for order in orders]
        for step in range(max(map(len, steps))):
            tasks = [
                (order, list_windows[step])
                for order, list_windows in zip(orders, steps, strict=True)
                if step < len(list_windows)
            ]
            questions = [self._question(lists, order, window) for order, window in tasks]
            answers = self._generator(questions)
            for (order, window), question, answer in zip(tasks, questions, answers, strict=True):
                order.take(window, question, answer)
        return orders

    def _question(self, lists: WindowedLists, order: _Order, window: range) -> Question:
        passages = lists.passages[order.place]
        shown = [passages[order.order[place]] for place in window]
        question = self._writer.question(lists.queries[order.place], shown)
        if question.query_cut:
            self._cut_queries.add(lists.query_ids[order.place])
        if self._check is not None:
            self._check.check_ids(question.ids)
            self._check.check_length(len(question.ids) + question.most_tokens)
        return question


@dataclass(slots=True, kw_only=True)
class _Order:
    """The current order of one list, best first, and its cost."""

    place: int
    order: list[int]
    answers: Counter[str] = field(default_factory=Counter)
    cut: set[int] = field(default_factory=set)
    tokens: int = 0
    padded_tokens: int = 0

    def take(self, window: range, question: Question, answer: GeneratedAnswer) -> None:
        """Apply an answer to a window."""
        before = [self.order[place] for place in window]
        parsed = parse(answer.text, len(before))
        self.order[window.start : window.stop] = [before[place] for place in parsed.order]
        self.answers[parsed.outcome] += 1
        self.cut |= {before[place] for place in question.cut}
        self.tokens += answer.tokens
        self.padded_tokens += answer.padded_tokens

    def batch(self, pairs: range) -> ScoredBatch:
        """Scores that count down to 1 along the order."""
        scores = dict(zip(self.order, range(len(self.order), 0, -1), strict=True))
        return ScoredBatch(
            pairs=pairs,
            scores=[float(scores[document]) for document in range(len(pairs))],
            tokens=self.tokens,
            padded_tokens=self.padded_tokens,
            truncated_pairs=len(self.cut),
            answers=dict(self.answers),
        )
