from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.firststage.inverted import MatrixBuilder, ScoreMatrix, _stored


def build(texts: list[tuple[str, ...]], fields: tuple[str, ...], block: int) -> ScoreMatrix:
    builder = MatrixBuilder(fields, block_words=block)
    for text in texts:
        builder.add(text)
    return builder.finish(0.9, 0.4)


# Lucene's SmallFloat: byte4ToInt(intToByte4(n)) for some n.
@pytest.mark.parametrize(
    ("length", "stored"),
    [
        *((0, 0), (1, 1), (23, 23), (24, 24), (39, 39), (40, 40), (41, 40), (42, 42), (56, 56)),
        *((57, 56), (60, 60), (100, 96), (110, 104), (152, 152), (167, 152), (168, 168)),
    ],
)
def test_lengths_are_rounded_as_lucene_stores_them(length: int, stored: int) -> None:
    assert _stored(np.array([length]))[0] == stored


@given(st.integers(min_value=0, max_value=2**31 - 1))
def test_rounded_lengths_follow_smallfloat(length: int) -> None:
    assert _stored(np.array([length]))[0] == small_float(length)


def small_float(length: int) -> int:
    """SmallFloat.intToByte4 and byte4ToInt, step by step as Lucene takes them."""
    free = 24  # 255 - longToInt4(Integer.MAX_VALUE)
    if length < free:
        return length
    value = length - free
    bits = value.bit_length()
    if bits < 4:
        encoded = value
    else:
        shift = bits - 4
        encoded = ((value >> shift) & 0x07) | ((shift + 1) << 3)
    mantissa, exponent = encoded & 0x07, (encoded >> 3) - 1
    return free + (mantissa if exponent == -1 else (mantissa | 0x08) << exponent)


@given(
    st.lists(
        st.tuples(*[st.text(alphabet="xyzw ", max_size=12)] * 2),
        min_size=1,
        max_size=12,
    ),
    st.integers(min_value=1, max_value=9),
)
def test_blocks_do_not_change_the_matrix(texts: list[tuple[str, str]], block: int) -> None:
    whole = build(list(texts), ("title", "contents"), 10**6)
    cut = build(list(texts), ("title", "contents"), block)
    assert cut.vocabulary == whole.vocabulary
    assert cut.starts.tolist() == whole.starts.tolist()
    assert cut.documents.tolist() == whole.documents.tolist()
    assert cut.scores.tolist() == whole.scores.tolist()


def test_columns_hold_rows_rising_and_fields_apart() -> None:
    matrix = build([("x", "x y"), ("", "y"), ("y", "x")], ("title", "contents"), 1)
    assert set(matrix.vocabulary) == {"title:x", "contents:x", "contents:y", "title:y"}
    assert matrix.document_count == 3
    column = matrix.vocabulary["contents:x"]
    rows = matrix.documents[matrix.starts[column] : matrix.starts[column + 1]]
    assert rows.tolist() == [0, 2]


def test_documents_without_words_have_rows_but_no_postings() -> None:
    matrix = build([("",), ("the of",), ("x",)], ("contents",), 10)
    assert matrix.document_count == 3
    assert matrix.documents.tolist() == [2]


def test_no_documents_make_an_empty_matrix() -> None:
    matrix = build([], ("contents",), 10)
    assert matrix.document_count == 0
    assert matrix.starts.tolist() == [0]
