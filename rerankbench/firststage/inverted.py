"""Builds the matrix of BM25 scores from a stream of documents, in bounded memory.

Texts are dropped as soon as they are read: a word becomes the number of its column at once, and
every few million words are sorted and counted into a block of postings of ten bytes each: 3 GB for
8.8 million passages of 35 different terms each, besides 2.5 GB for the matrix.

The formula is Lucene's BM25Similarity, which leaves out the factor k1 + 1:

    score(t, d) = idf(t) · tf / (tf + k1 · (1 − b + b · length(d) / average length))
    idf(t)      = ln(1 + (N − df + 0.5) / (df + 0.5))

N and the average count the documents that have the field; length(d) is rounded as Lucene stores
it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rerankbench.firststage.analysis import LuceneEnglish
from rerankbench.firststage.word_breaks import words

Integers: TypeAlias = NDArray[np.integer]
Floats: TypeAlias = NDArray[np.floating]

_BLOCK_WORDS = 4_000_000
_MOST_TF = 65_535  # of uint16; BM25 has long been flat there


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMatrix:
    """Documents × columns in CSC form, rows rising within a column.

    `vocabulary` maps `field:term` to its column; column c holds `scores[starts[c]:starts[c + 1]]`
    (float32) at the rows `documents[starts[c]:starts[c + 1]]` (int32).
    """

    scores: Floats
    documents: Integers
    starts: Integers
    vocabulary: dict[str, int]
    document_count: int
    k1: float
    b: float


@dataclass(frozen=True, slots=True)
class _Block:
    """Postings of consecutive documents, sorted by column, then document."""

    columns: Integers
    documents: Integers
    frequencies: Integers


class _Columns(dict[str, int]):
    """Word → its column in one field, −1 for words that the analyser drops; filled on demand."""

    def __init__(self, field: str, analyzer: LuceneEnglish, vocabulary: dict[str, int]) -> None:
        super().__init__()
        self._field = field
        self._analyzer = analyzer
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> int:
        term = self._analyzer.term(word)
        name = f"{self._field}:{term}"
        column = self._vocabulary.setdefault(name, len(self._vocabulary)) if term else -1
        self[word] = column
        return column


class MatrixBuilder:
    """Takes documents one by one, each as one text per field."""

    def __init__(self, fields: Sequence[str], *, block_words: int = _BLOCK_WORDS) -> None:
        """Fields are indexed separately, with their own lengths and frequencies."""
        self.vocabulary: dict[str, int] = {}
        analyzer = LuceneEnglish()
        self._fields = list(fields)
        self._columns = [_Columns(field, analyzer, self.vocabulary) for field in fields]
        self._block_words = block_words
        self._words = array("i")
        self._counts = array("i")
        self._documents = 0
        self._blocks: list[_Block] = []
        self._lengths: list[Integers] = []

    def add(self, texts: Sequence[str]) -> None:
        """Add the next document."""
        for columns, text in zip(self._columns, texts, strict=True):
            field_words = words(text)
            self._words.extend(map(columns.__getitem__, field_words))
            self._counts.append(len(field_words))
        if len(self._words) >= self._block_words:
            self._flush()

    def _flush(self) -> None:
        """Sort and count the words read since the last block."""
        columns = np.array(self._words, dtype=np.int64)
        fields = len(self._fields)
        # One cell is one field of one document, in reading order.
        cells = np.repeat(np.arange(len(self._counts)), np.array(self._counts))
        kept = columns >= 0
        columns, cells = columns[kept], cells[kept]
        self._lengths.append(
            np.bincount(cells, minlength=len(self._counts)).astype(np.int32).reshape(-1, fields)
        )
        keys = columns << 32 | (cells // fields + self._documents)
        keys.sort()
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))
        frequencies = np.diff(firsts, append=len(keys))
        keys = keys[firsts]
        self._blocks.append(
            _Block(
                (keys >> 32).astype(np.int32),
                (keys & 0xFFFFFFFF).astype(np.int32),
                np.minimum(frequencies, _MOST_TF).astype(np.uint16),
            )
        )
        self._documents += len(self._counts) // fields
        self._words, self._counts = array("i"), array("i")

    def finish(self, k1: float, b: float) -> ScoreMatrix:
        """Score all postings; the builder is empty afterwards."""
        self._flush()
        lengths = np.concatenate(self._lengths)
        frequencies = np.zeros(len(self.vocabulary), dtype=np.int64)
        for block in self._blocks:
            frequencies += np.bincount(block.columns, minlength=len(frequencies))
        fields = self._field_of_columns()
        having = np.count_nonzero(lengths, axis=0)[fields]
        # The C library's logarithm: NumPy's own differs in the last bit from one CPU to another.
        odds = (having - frequencies + 0.5) / (frequencies + 0.5)
        idf = np.fromiter(map(math.log1p, odds.tolist()), dtype=np.float64, count=len(odds))
        norms = k1 * (1 - b + b * _stored(lengths) / _averages(lengths))
        starts = np.concatenate([[0], np.cumsum(frequencies)])
        scores, documents = self._fill(starts, idf, norms, fields)
        return ScoreMatrix(
            scores=scores,
            documents=documents,
            starts=starts,
            vocabulary=self.vocabulary,
            document_count=len(lengths),
            k1=k1,
            b=b,
        )

    def _fill(
        self, starts: Integers, idf: Floats, norms: Floats, fields: Integers
    ) -> tuple[Floats, Integers]:
        """Scores and rows of all columns; blocks are freed one by one."""
        scores = np.empty(starts[-1], dtype=np.float32)
        documents = np.empty(starts[-1], dtype=np.int32)
        free = starts[:-1].copy()
        # Blocks are in the order of documents, so appending to columns keeps their rows ascending.
        self._blocks.reverse()
        while self._blocks:
            block = self._blocks.pop()
            firsts = np.flatnonzero(np.diff(block.columns, prepend=-1))
            runs = np.diff(firsts, append=len(block.columns))
            touched = block.columns[firsts]
            places = np.repeat(free[touched] - firsts, runs) + np.arange(len(block.columns))
            free[touched] += runs
            norm = norms[block.documents, fields[block.columns]]
            scores[places] = idf[block.columns] * block.frequencies / (block.frequencies + norm)
            documents[places] = block.documents
        return scores, documents

    def _field_of_columns(self) -> Integers:
        number = {field: place for place, field in enumerate(self._fields)}
        named = (number[name.partition(":")[0]] for name in self.vocabulary)
        return np.fromiter(named, dtype=np.uint8, count=len(self.vocabulary))


def _averages(lengths: Integers) -> Floats:
    """Mean length of each field over the documents that have it; 1 if none has."""
    having = np.count_nonzero(lengths, axis=0)
    averages: Floats = np.where(having > 0, lengths.sum(axis=0) / np.maximum(having, 1), 1.0)
    return averages


def _stored(lengths: Integers) -> Integers:
    """Lengths as Lucene stores them in one byte: SmallFloat.byte4ToInt(intToByte4(length)).

    Up to 24 they are exact; above, the four leading bits of length − 24 are kept. Without
    this, SciFact's nDCG@10 is 0.6777 instead of Anserini's 0.6789.
    """
    beyond = np.maximum(lengths.astype(np.int64) - 24, 0)
    dropped = np.maximum(np.frexp(beyond)[1] - 4, 0)
    stored: Integers = np.minimum(lengths, 24) + (beyond >> dropped << dropped)
    return stored
