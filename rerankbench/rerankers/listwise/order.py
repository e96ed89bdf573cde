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
    """A loaded model that orders lists. Some are ordered side by side, a window of each."""

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
        """Take the texts apart; what is asked is known only when earlier answers are.

        Raises ModelError for what the model has no embeddings for.
        """
        passages = [[*map(self._writer.passage, each.documents)] for each in job.candidates]
        if self._check is not None:
            self._check.check_texts(each.query.text for each in job.candidates)
            self._check.check_texts(" ".join(words) for each in passages for words in each)
        return WindowedLists(
            done=job.done,
            starts=job.starts,
            query_ids=[each.query.query_id for each in job.candidates],
            queries=[each.query.text for each in job.candidates],
            passages=passages,
            truncated=[self._writer.is_long(words) for each in passages for words in each],
        )

    def score(self, prepared: WindowedLists) -> Iterator[ScoredBatch]:
        """One batch a list.

        Lists that are ordered side by side are all ordered again where one of them is not done:
        rounding depends on the neighbours, and so might a word.
        """
        filled = [place for place, each in enumerate(prepared.passages) if each]
        for first in range(0, len(filled), self._beside):
            group = filled[first : first + self._beside]
            if not all(map(prepared.is_done, group)):
                for order in self._ordered(prepared, group):
                    if not prepared.is_done(order.place):
                        yield order.batch(prepared.pairs(order.place))

    def warnings(self) -> Sequence[str]:
        """A lack of memory, and queries that were cut. Odd answers are counted with the scores."""
        found = list(self._generator.warnings())
        if self._cut_queries:
            found.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return found

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return self._generator.peak_device_bytes()

    def _ordered(self, lists: WindowedLists, group: Sequence[int]) -> list[_Order]:
        """Slide the window over each list of a group, one step of all at a time."""
        orders = [_Order(place=place, order=[*range(len(lists.pairs(place)))]) for place in group]
        steps = [windows(len(each.order), self._window, self._stride) for each in orders]
        for step in range(max(map(len, steps))):
            asked = [
                (each, mine[step])
                for each, mine in zip(orders, steps, strict=True)
                if step < len(mine)
            ]
            questions = [self._question(lists, each, window) for each, window in asked]
            answers = self._generator(questions)
            for (each, window), question, answer in zip(asked, questions, answers, strict=True):
                each.take(window, question, answer)
        return orders

    def _question(self, lists: WindowedLists, each: _Order, window: range) -> Question:
        passages = lists.passages[each.place]
        shown = [passages[each.order[place]] for place in window]
        question = self._writer.question(lists.queries[each.place], shown)
        if question.query_cut:
            self._cut_queries.add(lists.query_ids[each.place])
        if self._check is not None:
            self._check.check_ids(question.ids)
            self._check.check_length(len(question.ids) + question.most_tokens)
        return question


@dataclass(slots=True, kw_only=True)
class _Order:
    """How one list stands, best first, and what it took."""

    place: int
    order: list[int]
    answers: Counter[str] = field(default_factory=Counter)
    cut: set[int] = field(default_factory=set)
    tokens: int = 0
    padded_tokens: int = 0

    def take(self, window: range, question: Question, answer: GeneratedAnswer) -> None:
        """Order a window as it was answered."""
        before = [self.order[place] for place in window]
        found = parse(answer.text, len(before))
        self.order[window.start : window.stop] = [before[place] for place in found.order]
        self.answers[found.outcome] += 1
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
