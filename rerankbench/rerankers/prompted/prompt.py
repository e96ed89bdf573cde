"""Pairs as prompts: segments of text around a query and a document, as their authors wrote them.

Each segment is tokenised on its own, as one string, because a tokeniser may join the end of a
fixed text with the start of a document; then the segments' ids are joined. Where a prompt is too
long, tokens are dropped from the end of the document, and never from a fixed text.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.errors import UsageError
from rerankbench.protocols import Job
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.pair_encoding import CHUNK, QUERY_SHARE, clip, tokenise

_FIELD = re.compile(r"\{(query|document|bos|eos)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model reads of a pair; `{query}`, `{document}`, `{bos}`, `{eos}` stand for theirs.

    The length limit is one on the whole, plus the tokens of the segments that `free` names by
    their place (twice, where they count twice): authors differ in what they count. `strips` takes
    white space around a query away, as some chat templates do (documents have none).
    """

    segments: tuple[str, ...]
    free: tuple[int, ...] = ()
    strips: bool = False

    @property
    def document_place(self) -> int:
        """Which segment holds the document."""
        return next(i for i, text in enumerate(self.segments) if "{document}" in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedPairs:
    """All pairs of a job, in its order. Pairs in `done` need no score.

    `truncated` says whether tokens of its document were dropped.
    """

    done: frozenset[int]
    cut_queries: frozenset[str]
    truncated: npt.NDArray[np.bool_]
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each pair."""
        return np.diff(self.offsets)

    @property
    def parts(self) -> Sequence[npt.NDArray[np.int32]]:
        """All tokens."""
        return (self.ids,)

    @property
    def segments(self) -> None:
        """None: a prompt has no segments."""

    def rows(self, pairs: Sequence[int]) -> TokenRows:
        """The named pairs put together."""
        parts = [self.ids[self.offsets[pair] : self.offsets[pair + 1]] for pair in pairs]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        return TokenRows(
            ids=np.concatenate([np.empty(0, dtype=np.int32), *parts]),
            types=None,
            offsets=np.concatenate([[0], np.cumsum(lengths)], dtype=np.int64),
        )


def encode(tokenizer: Any, prompt: Prompt, job: Job, max_length: int) -> PromptedPairs:
    """Tokenise all pairs of a job, each at most `max_length` tokens (and the prompt's free ones).

    Raises UsageError for a length that leaves no room for a token of either text.
    """
    if prompt.strips:
        bare = [
            replace(x, query=replace(x.query, text=x.query.text.strip())) for x in job.candidates
        ]
        job = replace(job, candidates=bare)
    empty = [len(ids) for ids in tokenise(tokenizer, _filled(tokenizer, prompt, "", ""))]
    most = max_length + sum(empty[place] for place in prompt.free)
    room = most - sum(empty)
    if room < 2:
        raise UsageError(
            f"max length {max_length}: the prompt's own {sum(empty)} tokens leave no room for "
            f"query and document; ask for at least {max_length + 2 - room}"
        )
    queries, cut = _queries(tokenizer, job, min(int(max_length * QUERY_SHARE), room - 1))
    ids, lengths, truncated = array("i"), array("q"), array("b")
    around: dict[str, list[int]] = {}
    pairs = (
        (query, document.content)
        for candidates, query in zip(job.candidates, queries, strict=True)
        for document in candidates.documents
    )
    place = prompt.document_place
    while chunk := list(islice(pairs, CHUNK)):
        for pair, parts in zip(chunk, _parts(tokenizer, prompt, chunk, around), strict=True):
            whole = len(parts[place])
            others = sum(map(len, parts)) - whole
            keep = min(max_length, most - others)
            if whole > keep:
                parts[place] = _shortened(tokenizer, prompt.segments[place], pair, keep)
            for part in parts:
                ids.fromlist(part)
            lengths.append(others + len(parts[place]))
            truncated.append(len(parts[place]) < whole)
    return PromptedPairs(
        done=job.done,
        cut_queries=cut,
        truncated=np.frombuffer(truncated, dtype=np.int8).astype(bool),
        ids=np.frombuffer(ids, dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum(np.frombuffer(lengths, dtype=np.int64))]),
    )


def _queries(tokenizer: Any, job: Job, most: int) -> tuple[list[str], frozenset[str]]:
    """The queries' texts, at most so many tokens each, and the ids of those that were cut."""
    texts = dict.fromkeys(candidates.query.text for candidates in job.candidates)
    sizes = dict(zip(texts, map(len, tokenise(tokenizer, texts)), strict=True))
    long = [text for text, size in sizes.items() if size > most]
    shorter = dict(zip(long, clip(tokenizer, long, most), strict=True)) if long else {}
    cut = frozenset(e.query.query_id for e in job.candidates if e.query.text in shorter)
    return [shorter.get(e.query.text, e.query.text) for e in job.candidates], cut


def _parts(
    tokenizer: Any,
    prompt: Prompt,
    pairs: Sequence[tuple[str, str]],
    around: dict[str, list[int]],
) -> Iterator[list[list[int]]]:
    """Ids of each segment of each pair; those without a document are kept in `around`."""
    place = prompt.document_place
    filled = [_filled(tokenizer, prompt, *pair) for pair in pairs]
    new = dict.fromkeys(x for row in filled for x in (*row[:place], *row[place + 1 :]))
    fresh = [text for text in new if text not in around]
    around.update(zip(fresh, tokenise(tokenizer, fresh), strict=True))
    # Where no query stands beside a document, several pairs have the same text.
    distinct = dict.fromkeys(row[place] for row in filled)
    documents = dict(zip(distinct, tokenise(tokenizer, distinct), strict=True))
    for row in filled:
        parts = [around.get(text, []) for text in row]
        parts[place] = documents[row[place]]
        yield parts


def _shortened(tokenizer: Any, segment: str, pair: tuple[str, str], keep: int) -> list[int]:
    """Ids of a segment without the last tokens of its document (then of its query)."""
    text, spans = _spans(tokenizer, segment, *pair)
    encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    fields = [_field_of(offsets, spans) for offsets in encoding.offsets]
    excess = len(fields) - keep
    places = [i for name in ("query", "document") for i, f in enumerate(fields) if f == name]
    dropped = set(places[-excess:])
    return [token for i, token in enumerate(encoding.ids) if i not in dropped]


def _field_of(offsets: tuple[int, int], spans: Mapping[str, tuple[int, int]]) -> str | None:
    """The field that a token belongs to and ends in."""
    for name, (start, end) in spans.items():
        if start < offsets[1] <= end:
            return name
    return None


def _filled(tokenizer: Any, prompt: Prompt, query: str, document: str) -> list[str]:
    return [_spans(tokenizer, segment, query, document)[0] for segment in prompt.segments]


def _spans(
    tokenizer: Any, segment: str, query: str, document: str
) -> tuple[str, dict[str, tuple[int, int]]]:
    """A segment's text, and where in it the query and the document lie."""
    values = {
        "query": query,
        "document": document,
        "bos": tokenizer.bos_token or "",
        "eos": tokenizer.eos_token or "",
    }
    text, spans, last = "", {}, 0
    for match in _FIELD.finditer(segment):
        text += segment[last : match.start()]
        start, name = len(text), match[1]
        text += values[name]
        spans[name] = (start, len(text))
        last = match.end()
    return text + segment[last:], {n: s for n, s in spans.items() if n in ("query", "document")}
