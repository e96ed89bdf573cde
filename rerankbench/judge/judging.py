"""Asks a judge about matches, in both orders, and stores its answers beside the records."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rerankbench.http_client.concurrency import in_flight
from rerankbench.judge import prompt
from rerankbench.judge.matches import Match, MatchQuery
from rerankbench.judge.service import JudgeReply, JudgeService
from rerankbench.progress import Advance, Progress
from rerankbench.results.verdicts import (
    SCHEMA,
    Answer,
    Contestant,
    Judge,
    JudgedMatch,
    read_judged,
    write_judged,
)
from rerankbench.types import Record

# A rough rule for English; services report the real numbers afterwards.
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars for a million tokens; None if no price was given."""

    prompt: float | None = None
    completion: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to ask: `questions` in total, `unanswered` ones among them.

    `prompt_tokens` estimates the length of the unanswered ones.
    """

    questions: int
    unanswered: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    query_id: str
    a_is_first: bool
    messages: list[prompt.Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ParsedAnswer:
    answer: Answer
    malformed: int
    replies: tuple[JudgeReply, ...]


class Judging:
    """One judge, its settings, and the prices of its tokens."""

    def __init__(
        self, service: JudgeService, judge: Judge, *, concurrency: int, prices: Prices
    ) -> None:
        self._service, self._judge = service, judge
        self._concurrency, self._prices = concurrency, prices
        self._lock = threading.Lock()
        self.asked_now = 0
        self.tokens_now = (0, 0)

    def workload(self, matches: Sequence[Match]) -> Workload:
        """The amount of work that judging these matches is."""
        questions = unanswered = chars = 0
        for match in matches:
            for asked_question in () if self._is_done(match) else _questions(match):
                questions += 1
                if self._service.kept(asked_question.messages) is None:
                    unanswered += 1
                    chars += sum(len(message["content"]) for message in asked_question.messages)
        return Workload(
            questions=questions,
            unanswered=unanswered,
            prompt_tokens=chars // _CHARS_PER_TOKEN,
        )

    def judge(self, matches: Sequence[Match], progress: Progress) -> list[JudgedMatch]:
        """Judge matches one after the other; each is written when it is finished.

        Raises ModelError if the judge does not answer; all answers so far are stored.
        """
        total = sum(len(_questions(match)) for match in matches if not self._is_done(match))
        with progress.task("judging", total, "questions") as advance:
            return [self._judged(match, advance) for match in matches]

    def _judged(self, match: Match, advance: Advance) -> JudgedMatch:
        blank = self._blank(match)
        path = match.store.judged_path(match.task_key, blank.key)
        if path.exists():
            stored = read_judged(path)
            if None in (self._prices.prompt, self._prices.completion):
                return stored
            priced = self._priced(stored)
            if priced != stored:
                write_judged(path, priced)
            return priced
        judged = self._priced(self._ask_all(match, blank, advance))
        write_judged(path, judged)
        return judged

    def _ask_all(self, match: Match, blank: JudgedMatch, advance: Advance) -> JudgedMatch:
        questions = _questions(match)
        by_number: dict[int, _ParsedAnswer] = {}

        def ask(number: int, stop: threading.Event) -> _ParsedAnswer:
            return self._ask(questions[number], stop)

        for number, parsed in in_flight(len(questions), ask, self._concurrency):
            by_number[number] = parsed
            advance(1)
        answers: dict[str, tuple[Answer, ...]] = {
            match_query.query_id: () for match_query in match.queries
        }
        for number, question in enumerate(questions):
            answers[question.query_id] += (by_number[number].answer,)
        replies = [
            reply for parsed_answer in by_number.values() for reply in parsed_answer.replies
        ]
        return replace(
            blank,
            answers=answers,
            malformed_replies=sum(parsed_answer.malformed for parsed_answer in by_number.values()),
            prompt_tokens=sum(reply.prompt_tokens for reply in replies),
            completion_tokens=sum(reply.completion_tokens for reply in replies),
        )

    def _ask(self, question: _Question, stop: threading.Event) -> _ParsedAnswer:
        """Ask one question; repeat it once if the reply cannot be read."""
        first = self._reply(question.messages, stop)
        verdict = prompt.read(first.text)
        if verdict is not None:
            return _ParsedAnswer(answer=_answer(verdict, question), malformed=0, replies=(first,))
        second = self._reply(prompt.again(question.messages, first.text), stop)
        verdict = prompt.read(second.text)
        return _ParsedAnswer(
            answer="malformed" if verdict is None else _answer(verdict, question),
            malformed=1 + (verdict is None),
            replies=(first, second),
        )

    def _reply(self, messages: Sequence[prompt.Message], stop: threading.Event) -> JudgeReply:
        reply, was_kept = self._service.ask(messages, stop)
        if not was_kept:
            with self._lock:
                self.asked_now += 1
                tokens = self.tokens_now
                self.tokens_now = (
                    tokens[0] + reply.prompt_tokens,
                    tokens[1] + reply.completion_tokens,
                )
        return reply

    def _is_done(self, match: Match) -> bool:
        return match.store.judged_path(match.task_key, self._blank(match).key).exists()

    def _blank(self, match: Match) -> JudgedMatch:
        return JudgedMatch(
            schema=SCHEMA,
            task_key=match.task_key,
            judge=self._judge,
            a=_contestant(match.a),
            b=_contestant(match.b),
            sampled_queries=match.sampled_queries,
            answers={},
            malformed_replies=0,
            prompt_tokens=0,
            completion_tokens=0,
        )

    def _priced(self, judged: JudgedMatch) -> JudgedMatch:
        return replace(
            judged,
            usd_per_1m_prompt_tokens=self._prices.prompt,
            usd_per_1m_completion_tokens=self._prices.completion,
        )


def _questions(match: Match) -> list[_Question]:
    """Two questions for every query on which the two rankings differ."""
    return [
        question
        for match_query in match.queries
        if match_query.a != match_query.b
        for question in _both(match_query)
    ]


def _both(match_query: MatchQuery) -> Iterator[_Question]:
    for a_is_first in (True, False):
        first, second = (
            (match_query.a, match_query.b) if a_is_first else (match_query.b, match_query.a)
        )
        yield _Question(
            query_id=match_query.query_id,
            a_is_first=a_is_first,
            messages=prompt.question(match_query.text, first, second),
        )


def _answer(verdict: prompt.Verdict, question: _Question) -> Answer:
    if verdict == "tie":
        return "tie"
    return "a" if (verdict == "first") == question.a_is_first else "b"


def _contestant(record: Record) -> Contestant:
    return Contestant(
        reranker=record.cell.reranker.name,
        quality_key=record.quality_key,
        run_sha256=record.run_sha256,
    )
