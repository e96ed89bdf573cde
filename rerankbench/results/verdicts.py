"""What a judge answered when shown two rankings, kept beside the records: one file a pair.

Answers are stored as they were given, in both orders; who won is derived from them.
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
"""Which of the two was called better; malformed is what could not be read, even when repeated."""
Ground: TypeAlias = Literal["agreed", "disagreed", "malformed", "identical"]
"""Why a query ended as it did: everything but `agreed` is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Who judged, and what it was shown.

    `prompt_sha256` hashes everything in a question that is no text of a collection. `temperature`
    is None where the service's own was used.
    """

    url: str
    model: str
    prompt_sha256: str
    top_k: Count
    snippet_chars: Count
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A reranker, and the rankings that were shown."""

    reranker: str
    quality_key: str
    run_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMatch:
    """Two rerankers' rankings of one task, judged.

    `answers` maps every query to what was answered with A shown first, then with B shown first;
    it is empty where both showed the same texts and nobody was asked. `sampled_queries` is None
    where all queries were judged. `malformed_replies` counts every reply that could not be read.
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
        """Names the file: what was judged, by whom, on how many queries."""
        asked = [asdict(self.judge), asdict(self.a), asdict(self.b), self.sampled_queries]
        return digest([self.task_key, *asked])

    @property
    def usd(self) -> float | None:
        """What all answers cost; None without prices."""
        return cost_usd(
            (self.prompt_tokens, self.completion_tokens),
            (self.usd_per_1m_prompt_tokens, self.usd_per_1m_completion_tokens),
        )

    def grounds(self) -> dict[str, Ground]:
        """query_id → why it ended as it did."""
        return {query_id: ground(answers) for query_id, answers in self.answers.items()}

    def results(self) -> dict[str, Literal["a", "b", "tie"]]:
        """query_id → who won."""
        return {query_id: result(answers) for query_id, answers in self.answers.items()}

    def counts(self) -> Counter[str]:
        """How often each result and each ground occurred."""
        return Counter([*self.results().values(), *self.grounds().values()])


def ground(answers: tuple[Answer, ...]) -> Ground:
    """Why these answers end as they do."""
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
    """What prompt and completion tokens cost; None where a price is missing."""
    price_in, price_out = usd_per_1m
    if price_in is None or price_out is None:
        return None
    return (tokens[0] * price_in + tokens[1] * price_out) / 1e6


def write_judged(path: Path, judged: JudgedMatch) -> None:
    """Write the file whole: JSON, one value a line, the same bytes for the same answers."""
    write_whole(path, _adapter().dump_json(judged, indent=1) + b"\n")


def read_judged(path: Path) -> JudgedMatch:
    """Read one file. Raises InputError, or NewerFileError for a later schema."""
    return schema_file.read(path, _adapter(), SCHEMA, fault="holds no judgements", remedy=_REMEDY)


@cache
def _adapter() -> TypeAdapter[JudgedMatch]:
    # Numbers are numbers, and finite.
    return TypeAdapter(with_config(ConfigDict(strict=True, allow_inf_nan=False))(JudgedMatch))
