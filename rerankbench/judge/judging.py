"""Asks a judge about matches, in both orders, and keeps what it answered beside the records."""

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

# A rough rule for English; services tell the real numbers afterwards.
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars for a million tokens; None where no price was named."""

    prompt: float | None = None
    completion: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to ask: `questions` in all, of which so many are `unanswered` yet.

    `prompt_tokens` estimates what the unanswered ones will send.
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
class _Heard:
    answer: Answer
    malformed: int
    replies: tuple[JudgeReply, ...]


class Judging:
    """One judge, how it is asked, and what its tokens cost."""

    def __init__(
        self, service: JudgeService, judge: Judge, *, concurrency: int, prices: Prices
    ) -> None:
        """Nothing is asked yet."""
        self._service, self._judge = service, judge
        self._concurrency, self._prices = concurrency, prices
        self._lock = threading.Lock()
        self.asked_now = 0
        self.tokens_now = (0, 0)

    def workload(self, matches: Sequence[Match]) -> Workload:
        """What judging them will take."""
        questions = unanswered = chars = 0
        for match in matches:
            for each in () if self._is_done(match) else _questions(match):
                questions += 1
                if self._service.kept(each.messages) is None:
                    unanswered += 1
                    chars += sum(len(message["content"]) for message in each.messages)
        return Workload(
            questions=questions,
            unanswered=unanswered,
            prompt_tokens=chars // _CHARS_PER_TOKEN,
        )

    def judge(self, matches: Sequence[Match], progress: Progress) -> list[JudgedMatch]:
        """Judge them one after the other; each is written when it is finished.

        Raises ModelError where the judge does not answer; every answer so far is kept.
        """
        total = sum(len(_questions(match)) for match in matches if not self._is_done(match))
        with progress.task("judging", total, "questions") as advance:
            return [self._judged(match, advance) for match in matches]

    def _judged(self, match: Match, advance: Advance) -> JudgedMatch:
        blank = self._blank(match)
        path = match.store.judged_path(match.task_key, blank.key)
        if path.exists():
            found = read_judged(path)
            if None in (self._prices.prompt, self._prices.completion):
                return found
            priced = self._priced(found)
            if priced != found:
                write_judged(path, priced)
            return priced
        judged = self._priced(self._heard(match, blank, advance))
        write_judged(path, judged)
        return judged

    def _heard(self, match: Match, blank: JudgedMatch, advance: Advance) -> JudgedMatch:
        questions = _questions(match)
        heard: dict[int, _Heard] = {}

        def ask(number: int, stop: threading.Event) -> _Heard:
            return self._ask(questions[number], stop)

        for number, found in in_flight(len(questions), ask, self._concurrency):
            heard[number] = found
            advance(1)
        answers: dict[str, tuple[Answer, ...]] = {each.query_id: () for each in match.queries}
        for number, asked in enumerate(questions):
            answers[asked.query_id] += (heard[number].answer,)
        replies = [reply for each in heard.values() for reply in each.replies]
        return replace(
            blank,
            answers=answers,
            malformed_replies=sum(each.malformed for each in heard.values()),
            prompt_tokens=sum(reply.prompt_tokens for reply in replies),
            completion_tokens=sum(reply.completion_tokens for reply in replies),
        )

    def _ask(self, asked: _Question, stop: threading.Event) -> _Heard:
        """One question, repeated once where the reply cannot be read."""
        first = self._reply(asked.messages, stop)
        verdict = prompt.read(first.text)
        if verdict is not None:
            return _Heard(answer=_answer(verdict, asked), malformed=0, replies=(first,))
        second = self._reply(prompt.again(asked.messages, first.text), stop)
        verdict = prompt.read(second.text)
        return _Heard(
            answer="malformed" if verdict is None else _answer(verdict, asked),
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
    """Two for every query on which the two do not show the same."""
    return [question for each in match.queries if each.a != each.b for question in _both(each)]


def _both(asked: MatchQuery) -> Iterator[_Question]:
    for a_is_first in (True, False):
        first, second = (asked.a, asked.b) if a_is_first else (asked.b, asked.a)
        yield _Question(
            query_id=asked.query_id,
            a_is_first=a_is_first,
            messages=prompt.question(asked.text, first, second),
        )


def _answer(verdict: prompt.Verdict, asked: _Question) -> Answer:
    if verdict == "tie":
        return "tie"
    return "a" if (verdict == "first") == asked.a_is_first else "b"


def _contestant(record: Record) -> Contestant:
    return Contestant(
        reranker=record.cell.reranker.name,
        quality_key=record.quality_key,
        run_sha256=record.run_sha256,
    )
