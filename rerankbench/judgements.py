"""What a judge answered when shown two rankings, kept beside the records: one file a pair.

Answers are stored as they were given, in both orders; who won is derived from them.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from rerankbench.errors import InputError, NewerFileError
from rerankbench.files import open_bytes, write_whole
from rerankbench.identity import digest

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
    top_k: int
    snippet_chars: int
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A reranker, and the rankings that were shown."""

    reranker: str
    quality_key: str
    run_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
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
    sampled_queries: int | None
    answers: Mapping[str, tuple[Answer, ...]]
    malformed_replies: int
    prompt_tokens: int
    completion_tokens: int
    usd_per_1m_prompt_tokens: float | None = None
    usd_per_1m_completion_tokens: float | None = None

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


def write_judged(path: Path, judged: Judged) -> None:
    """Write the file whole: JSON, one value a line, the same bytes for the same answers."""
    write_whole(path, _adapter().dump_json(judged, indent=1) + b"\n")


def read_judged(path: Path) -> Judged:
    """Read one file. Raises InputError, or NewerFileError for a later schema."""
    try:
        with open_bytes(path) as handle:
            found = json.loads(handle.read())
        schema = found.get("schema") if isinstance(found, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise NewerFileError(path, schema, SCHEMA)
        return _adapter().validate_python(found)
    except (EOFError, OSError, RecursionError, ValidationError, ValueError, zlib.error):
        raise InputError(path, "holds no judgements", remedy=_REMEDY) from None


@cache
def _adapter() -> TypeAdapter[Judged]:
    return TypeAdapter(Judged)
