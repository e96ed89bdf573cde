"""Estimates how many tokens a reranker will read, from a seeded sample of texts."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean

from rerankbench.protocols import Collection
from rerankbench.types import Query, Ranking, RerankerRef

SEED = 20_261_129
_PAIRS = 300
_DOCUMENTS_READ = 20_000
"""Until candidates are known, the sample is drawn from this many first documents."""
_SPECIAL_TOKENS = 3
"""A cross-encoder's pair is `[CLS] query [SEP] document [SEP]`."""
_PIECES = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_FIRST_IDEOGRAPH = "\u2e80"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSample:
    """Token counts of sampled pairs: their queries and their documents."""

    queries: Sequence[int]
    documents: Sequence[int]

    def tokens(self, ref: RerankerRef, *, queries: int, pairs: int, documents: int) -> int | None:
        """Tokens that the model reads for that many pairs, with at most `documents` documents.

        None without any text to count, and for models that read whole lists, which read a
        text as often as their windows overlap. Texts are cut to the model's length.
        """
        if not self.queries or ref.reads == "lists":
            return None
        longest = ref.max_length or 2**31
        if ref.reads == "documents-once":
            query = fmean(min(longest, tokens) for tokens in self.queries)
            document = fmean(min(longest, tokens) for tokens in self.documents)
            return round(queries * query + documents * document)
        lengths = (
            min(longest, query + document + _SPECIAL_TOKENS)
            for query, document in zip(self.queries, self.documents, strict=True)
        )
        return round(pairs * fmean(lengths))


def sample(
    collection: Collection, queries: Sequence[Query], rankings: Sequence[Ranking] | None
) -> TextSample:
    """Sampled pairs of the candidates, or of any documents if there are no candidates yet."""
    numbers = random.Random(SEED)
    by_id = {query.query_id: query.text for query in queries}
    if rankings is None:
        first = list(islice(collection.documents(), _DOCUMENTS_READ))
        chosen = numbers.sample(first, min(_PAIRS, len(first)))
        texts = list(by_id.values())
        pairs = [(numbers.choice(texts), document.content) for document in chosen] if texts else []
    else:
        ids = [(ranking.query_id, hit.doc_id) for ranking in rankings for hit in ranking.hits]
        drawn = numbers.sample(ids, min(_PAIRS, len(ids)))
        documents = collection.lookup({doc_id for _, doc_id in drawn})
        pairs = [
            (by_id[query_id], documents[doc_id].content)
            for query_id, doc_id in drawn
            if doc_id in documents
        ]
    return TextSample(
        queries=[count(query) for query, _ in pairs],
        documents=[count(document) for _, document in pairs],
    )


def count(text: str) -> int:
    """About how many tokens common tokenisers make of a text.

    A word counts one per seven letters or part of that (three if not Latin), a number one per
    three digits; every ideograph and every other sign counts one.
    """
    return sum(map(_tokens, _PIECES.findall(text)))


def _tokens(piece: str) -> int:
    if piece.isdecimal():
        return -(-len(piece) // 3)
    if piece[0] >= _FIRST_IDEOGRAPH:
        return len(piece)
    return -(-len(piece) // (7 if piece.isascii() else 3))
