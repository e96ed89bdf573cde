"""Query–document pairs as token ids; in pairs that are too long the document is cut.

A text is tokenised once, however many pairs it is in; pairs are put together from token ids.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job
from rerankbench.rerankers.engines.contract import TokenRows
from rerankbench.rerankers.vocabulary import PROBE
from rerankbench.types import Candidates, Document, Query

# A longer query would leave too little room for a document (FlagEmbedding draws the line here
# too).
QUERY_SHARE = 0.75
TRUNCATION = f"document; query beyond {QUERY_SHARE:.0%} of the length"
# Texts tokenised in one call: enough for all threads, little enough for flat memory.
CHUNK = 2048

_Ids: TypeAlias = npt.NDArray[np.int32]
_Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The fixed tokens of a pair, which is `prefix query middle document suffix`.

    `types` holds their segment ids in this order, with one id for each of the two texts; it is
    None for tokenisers without segment ids.
    """

    prefix: _Ids
    middle: _Ids
    suffix: _Ids
    types: _Ids | None

    @property
    def size(self) -> int:
        """The number of tokens of a pair of empty texts."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPairs:
    """All pairs of a job, in its order. Pairs in `done` need no score.

    `lengths` counts the tokens of each pair, `truncated` says whether its document was cut. A row
    of `spans` is where a pair's texts start and end: in `query_ids`, then in `document_ids`, which
    hold the tokens of every distinct text once.
    """

    done: frozenset[int]
    cut_queries: frozenset[str]
    lengths: _Indices
    truncated: npt.NDArray[np.bool_]
    template: Template
    query_ids: _Ids
    document_ids: _Ids
    spans: _Indices

    @property
    def parts(self) -> Sequence[_Ids]:
        """All tokens that pairs are made of, including some that are cut in every pair."""
        around = self.template
        return around.prefix, around.middle, around.suffix, self.query_ids, self.document_ids

    @property
    def segments(self) -> _Ids | None:
        """All segment ids that occur in pairs."""
        return self.template.types

    def rows(self, pairs: Sequence[int]) -> TokenRows:
        """These pairs as token rows."""
        chosen = np.asarray(pairs, dtype=np.int64)
        spans, around = self.spans[chosen], self.template
        # Joining slices is as fast as gathering by index, without an index as large as the batch.
        parts = [np.empty(0, dtype=np.int32)]
        for start, end, first, last in spans.tolist():
            query, document = self.query_ids[start:end], self.document_ids[first:last]
            parts += (around.prefix, query, around.middle, document, around.suffix)
        return TokenRows(
            ids=np.concatenate(parts),
            types=_types(around, spans),
            offsets=_offsets(self.lengths[chosen]),
        )


def encode(
    tokenizer: Any,
    job: Job,
    max_length: int,
    template: Template | None = None,
    prompt: str = "",
) -> EncodedPairs:
    """Tokenise all pairs of a job, cut to `max_length` tokens, with a prompt before each query.

    Pairs already done are included: which pairs share a batch must not depend on them. Without
    the tokeniser's `template` it is determined again, which takes about a millisecond. Raises
    UsageError for a length that leaves no room for a token of either text.
    """
    template = template or template_of(tokenizer)
    job = with_prompt(job, prompt)
    room = max_length - template.size
    if room < 2:
        raise UsageError(
            f"max length {max_length}: {template.size} special tokens leave no room for query and "
            f"document; ask for at least {template.size + 2}"
        )
    from_end = tokenizer.truncation_side == "left"
    queries, query_of, cut = _queries(tokenizer, job, max_length, room)
    # One token more than fits beside an empty query shows that the document was cut.
    most = slice(-room - 1, None) if from_end else slice(room + 1)
    documents, document_of = _documents(tokenizer, job, most)

    start, end = queries.offsets[query_of], queries.offsets[query_of + 1]
    first, last = documents.offsets[document_of], documents.offsets[document_of + 1]
    kept = np.minimum(last - first, room - (end - start))
    truncated = kept < last - first
    first, last = (last - kept, last) if from_end else (first, first + kept)
    return EncodedPairs(
        done=job.done,
        cut_queries=cut,
        lengths=template.size + (end - start) + kept,
        truncated=truncated,
        template=template,
        query_ids=queries.ids,
        document_ids=documents.ids,
        spans=np.stack([start, end, first, last], axis=1),
    )


def with_prompt(job: Job, prompt: str) -> Job:
    """The job with a prompt before every query."""
    if not prompt:
        return job
    prompted = [
        replace(candidates, query=replace(candidates.query, text=prompt + candidates.query.text))
        for candidates in job.candidates
    ]
    return replace(job, candidates=prompted)


def template_of(tokenizer: Any) -> Template:
    """The tokens that a tokeniser adds around two texts, found by trying. Raises ModelError."""
    pair = tokenizer([PROBE], [PROBE], truncation=False, verbose=False).encodings[0]
    query, document = ([i for i, x in enumerate(pair.sequence_ids) if x == of] for of in (0, 1))
    if query and document:
        start, end, first, last = query[0], query[-1] + 1, document[0], document[-1] + 1
        ids, types = (np.array(values, dtype=np.int32) for values in (pair.ids, pair.type_ids))
        types = np.concatenate([types[: start + 1], types[end : first + 1], types[last:]])
        template = Template(
            prefix=ids[:start],
            middle=ids[end:first],
            suffix=ids[last:],
            types=types if "token_type_ids" in tokenizer.model_input_names else None,
        )
        # Room for one and a half probes: a query with a document of one each must be cut.
        if _agrees(tokenizer, template, template.size + 3 * len(query) // 2 + 1):
            return template
    raise ModelError(
        f"{tokenizer.name_or_path or 'this model'}: its tokeniser does more to a query and a "
        "document than to put fixed tokens around them; name a model with a plain tokenizer.json"
    )


def _agrees(tokenizer: Any, template: Template, max_length: int) -> bool:
    """Whether empty, fitting and long documents read the same as the tokeniser's own pairs."""
    texts = ("", PROBE, 3 * PROBE)
    queries = [Query(query_id="", text=text) for text in texts[:2]]
    documents = tuple(Document(doc_id="", title="", text=text) for text in texts)
    job = Job(candidates=[Candidates(query=query, documents=documents) for query in queries])
    encoded = encode(tokenizer, job, max_length, template)
    rows = encoded.rows(range(len(encoded.lengths)))
    first, second = [text for text in texts[:2] for _ in texts], [*texts, *texts]
    own = tokenizer(first, second, truncation="only_second", max_length=max_length)
    cuts = rows.offsets[1:-1]
    return [ids.tolist() for ids in np.split(rows.ids, cuts)] == own["input_ids"] and (
        rows.types is None
        or [ids.tolist() for ids in np.split(rows.types, cuts)] == own["token_type_ids"]
    )


def _queries(
    tokenizer: Any, job: Job, max_length: int, room: int
) -> tuple[TokenRows, _Indices, frozenset[str]]:
    """Every distinct query, which of them each pair has, and the ids of those that were cut."""
    most = min(int(max_length * QUERY_SHARE), room - 1)
    query_texts = [candidates.query.text for candidates in job.candidates]
    distinct = list(dict.fromkeys(query_texts))
    ids_by_text = dict(zip(distinct, tokenise(tokenizer, distinct), strict=True))
    long = {text for text, ids in ids_by_text.items() if len(ids) > most}
    ids_by_text.update(zip(long, tokenise(tokenizer, clip(tokenizer, [*long], most)), strict=True))
    place = {text: i for i, text in enumerate(ids_by_text)}
    places = np.array([place[text] for text in query_texts], dtype=np.int64)
    depths = np.array([len(candidates.documents) for candidates in job.candidates], dtype=np.int64)
    return (
        # A text cut short may be more tokens than it was within the whole.
        _join(ids[: room - 1] for ids in ids_by_text.values()),
        places.repeat(depths),
        frozenset(
            candidates.query.query_id
            for candidates in job.candidates
            if candidates.query.text in long
        ),
    )


def _documents(tokenizer: Any, job: Job, most: slice) -> tuple[TokenRows, _Indices]:
    """Every distinct document, of each at most these tokens, and which of them each pair has."""
    pairs = [document for entry in job.candidates for document in entry.documents]
    # Not by content, which would be a copy of every text.
    distinct = {(entry.title, entry.text): entry for entry in pairs}
    place = {key: i for i, key in enumerate(distinct)}
    return (
        _join(ids[most] for ids in tokenise(tokenizer, (x.content for x in distinct.values()))),
        np.array([place[entry.title, entry.text] for entry in pairs], dtype=np.int64),
    )


def tokenise(tokenizer: Any, texts: Iterable[str]) -> Iterator[list[int]]:
    """The token ids of each text, without special tokens."""
    backend = tokenizer.backend_tokenizer
    # What tokenizer.json or an earlier call left; calls through transformers set their own.
    backend.no_truncation()
    backend.no_padding()
    remaining = iter(texts)
    while chunk := list(islice(remaining, CHUNK)):
        try:
            # Fast: it does not keep where in the text a token lies.
            encodings = backend.encode_batch_fast(chunk, add_special_tokens=False)
        except Exception as error:  # tokenizers raises plain Exceptions
            raise ModelError(
                f"{tokenizer.name_or_path or 'this model'}: its tokeniser fails ({error!s:.100}); "
                "fetch the model again"
            ) from error
        for encoding in encodings:
            yield encoding.ids


def clip(tokenizer: Any, queries: list[str], most: int) -> list[str]:
    """Queries of more than `most` tokens, up to where the last token kept ends.

    A character that is several tokens (an emoji in bytes) is kept whole or not at all.
    """
    encodings = tokenizer.backend_tokenizer.encode_batch(queries, add_special_tokens=False)
    return [
        q[: _end(encoding.offsets, most)] for q, encoding in zip(queries, encodings, strict=True)
    ]


def _end(offsets: Sequence[tuple[int, int]], kept: int) -> int:
    """Where the text of the first `kept` tokens ends, none of which shares a letter beyond."""
    while kept and offsets[kept][0] < offsets[kept - 1][1]:
        kept -= 1
    return offsets[kept - 1][1] if kept else 0


def _join(rows: Iterable[list[int]]) -> TokenRows:
    # An array grows in place: at no moment are all tokens held twice.
    ids, lengths = array("i"), array("q")
    for row in rows:
        ids.fromlist(row)
        lengths.append(len(row))
    offsets = _offsets(np.frombuffer(lengths, dtype=np.int64))
    return TokenRows(ids=np.frombuffer(ids, dtype=np.int32), types=None, offsets=offsets)


def _offsets(lengths: _Indices) -> _Indices:
    return np.concatenate([[0], np.cumsum(lengths)], dtype=np.int64)


def _types(template: Template, spans: _Indices) -> _Ids | None:
    """Segment ids of all pairs, one after another."""
    if template.types is None:
        return None
    query, document = len(template.prefix), len(template.prefix) + 1 + len(template.middle)
    counts = np.ones((len(spans), len(template.types)), dtype=np.int64)
    counts[:, query] = spans[:, 1] - spans[:, 0]
    counts[:, document] = spans[:, 3] - spans[:, 2]
    return np.repeat(np.tile(template.types, len(spans)), counts.ravel())
