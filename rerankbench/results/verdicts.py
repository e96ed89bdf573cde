"""A judge's answers about two rankings, in files beside the records: one file a pair.

Answers are stored as given, in both orders; the winner is derived from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ConfigDict, TypeAdapter, with_config

from rerankbench.files.whole import write_whole
from rerankbench.results import schema_file
from rerankbench.types import Amount, Count, digest

SCHEMA = 1
_REMEDY = "restore it from git, or delete it and run `rerankbench judge` again"

Answer: TypeAlias = Literal["a", "b", "tie", "malformed"]
"""The ranking that was called better; `malformed` if no answer could be read."""
Ground: TypeAlias = Literal["agreed", "disagreed", "malformed", "identical"]
"""Why a query was decided as it was; all but `agreed` are ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The judge, and how it was asked.

    `prompt_sha256` hashes everything in a question except texts of the collection. `temperature`
    is None if the service's default was used.
    """

    url: str
    model: str
    prompt_sha256: str
    top_k: Count
    snippet_chars: Count
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A reranker and its rankings."""

    reranker: str
    quality_key: str
    run_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMatch:
    """Two rerankers' rankings of one task, judged.

    `answers` maps every query to the answers with A shown first and with B shown first;
    they are empty if both rankings were the same, so nothing was asked. `sampled_queries` is None
    if all queries were judged. `malformed_replies` counts every reply that could not be read.
    Tokens are as the service counted them, those of repeated questions included; prices are US
    dollars for a million of them, None where none was given.
    """

    schema: int
    task_key: str
    judge: Judge
    a: Contestant
    b: Contestant
    sampled_queries: Count | None
    answers: Mapping[str, tuple[Answer, ...]]
    malformed_replies: Count
    prompt_tokens: Count
    completion_tokens: Count
    usd_per_1m_prompt_tokens: Amount | None = None
    usd_per_1m_completion_tokens: Amount | None = None

    @property
    def key(self) -> str:
        """The file's name: a hash of the rankings, the judge and the sample."""
        parts = [asdict(self.judge), asdict(self.a), asdict(self.b), self.sampled_queries]
        return digest([self.task_key, *parts])

    @property
    def usd(self) -> float | None:
        """The cost of all answers in US dollars; None without prices."""
        return cost_usd(
            (self.prompt_tokens, self.completion_tokens),
            (self.usd_per_1m_prompt_tokens, self.usd_per_1m_completion_tokens),
        )

    def grounds(self) -> dict[str, Ground]:
        """query_id → why it was decided as it was."""
        return {query_id: ground(answers) for query_id, answers in self.answers.items()}

    def results(self) -> dict[str, Literal["a", "b", "tie"]]:
        """query_id → the winner."""
        return {query_id: result(answers) for query_id, answers in self.answers.items()}

    def counts(self) -> Counter[str]:
        """How often each result and each ground occurred."""
        return Counter([*self.results().values(), *self.grounds().values()])


def ground(answers: tuple[Answer, ...]) -> Ground:
    """Why these answers lead to their result."""
    if not answers:
        return "identical"
    if "malformed" in answers:
        return "malformed"
    return "agreed" if len(set(answers)) == 1 else "disagreed"


def result(answers: tuple[Answer, ...]) -> Literal["a", "b", "tie"]:
    """The answer that both orders agree on; a tie otherwise."""
    a, b = answers == ("a", "a"), answers == ("b", "b")
    return "a" if a else "b" if b else "tie"


def cost_usd(
    tokens: tuple[int, int], usd_per_1m: tuple[float | None, float | None]
) -> float | None:
    """The cost of prompt and completion tokens; None if a price is missing."""
    price_in, price_out = usd_per_1m
    if price_in is None or price_out is None:
        return None
    return (tokens[0] * price_in + tokens[1] * price_out) / 1e6


def write_judged(path: Path, judged: JudgedMatch) -> None:
    """Write the file whole: JSON, one value a line, the same bytes for the same answers."""
    write_whole(path, _adapter().dump_json(judged, indent=1) + b"\n")


def read_judged(path: Path) -> JudgedMatch:
    """Read one file. Raises InputError, or NewerFileError for a later schema."""
    return schema_file.read(path, _adapter(), SCHEMA, fault="has no judgements", remedy=_REMEDY)


@cache
def _adapter() -> TypeAdapter[JudgedMatch]:
    # Strict: numbers must be numbers, and finite.
    return TypeAdapter(with_config(ConfigDict(strict=True, allow_inf_nan=False))(JudgedMatch))
