"""The text that jina-reranker-v3 reads: a query and many documents, each with a marker after it.

Wording, cutting and blocks are the authors' (modeling.py of
https://huggingface.co/jinaai/jina-reranker-v3); what the model says at a marker stands for the
text before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationInfo, field_validator

from rerankbench.errors import ModelError
from rerankbench.rerankers.pair_encoding import tokenise
from rerankbench.rerankers.recipe import Recipe

DOCUMENT_MARKER, QUERY_MARKER = "<|embed_token|>", "<|rerank_token|>"
PREFIX = (
    "<|im_start|>system\nYou are a search relevance expert who can determine a ranking of the "
    "passages based on how relevant they are to the query. If the query is a question, how "
    "relevant a passage is depends on how well it answers the question. If not, try to analyze "
    "the intent of the query and assess how well each passage satisfies the intent. If an "
    "instruction is provided, you should follow the instruction when determining the ranking."
    "<|im_end|>\n<|im_start|>user\n"
)
_TASK = (
    "I will provide you with {n} passages, each indicated by a numerical identifier. "
    "Rank the passages based on their relevance to query: {query}\n"
)
_INSTRUCTION = "<instruct>\n{instruction}\n</instruct>\n"
_PASSAGE = f'<passage id="{{i}}">\n{{document}}{DOCUMENT_MARKER}\n</passage>\n'
_QUERY = f"<query>\n{{query}}{QUERY_MARKER}\n</query>"
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"


class BlockRecipe(Recipe):
    """How much is read of a text, how many documents at once, and an instruction, if any."""

    block: int = Field(125, description="documents that are read at once, at most")
    query_tokens: int = Field(512, description="tokens of a query, at most")
    document_tokens: int = Field(2048, description="tokens of a document, at most")
    instruction: str = Field("", description="what the model is told to look for")

    @field_validator("block", "query_tokens", "document_tokens")
    @classmethod
    def _check_least(cls, value: int, info: ValidationInfo) -> int:
        if value < 1:
            raise ValueError(f"the recipe's {info.field_name} must be at least 1")
        return value

    @property
    def least(self) -> int:
        """The shortest length with room for a query, which occurs twice, and a document."""
        return 2 * self.query_tokens + self.document_tokens

    @property
    def text(self) -> str:
        """The whole wording, as a record shows it; a bar is where its parts meet."""
        instruction = _INSTRUCTION.format(instruction=self.instruction) if self.instruction else ""
        parts = (PREFIX, _TASK, instruction, _PASSAGE, _QUERY, SUFFIX)
        return "|".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What is read at once, and where in it the markers of documents and query stand."""

    ids: npt.NDArray[np.int32]
    documents: npt.NDArray[np.int64]
    query: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """A list's blocks, and which of its texts were cut."""

    blocks: Sequence[Block]
    truncated: Sequence[bool]
    query_cut: bool


class BlockWriter:
    """Writes blocks with a checkpoint's tokeniser."""

    def __init__(self, tokenizer: Any, recipe: BlockRecipe, *, max_length: int, name: str) -> None:
        """`name` is the model's. Raises ModelError for a tokeniser without the markers."""
        self._tokenizer, self._recipe, self._max_length = tokenizer, recipe, max_length
        markers = list(tokenise(tokenizer, [DOCUMENT_MARKER, QUERY_MARKER]))
        for marker, ids in zip((DOCUMENT_MARKER, QUERY_MARKER), markers, strict=True):
            if len(ids) != 1:
                raise ModelError(f"{name}: its tokeniser has no token {marker}; fetch it again")
        (self._document_marker,), (self._query_marker,) = markers

    def blocks(self, query: str, documents: Sequence[str]) -> Blocks:
        """As many documents per block as fit, in order."""
        recipe = self._recipe
        (query_text,) = self._read([query], recipe.query_tokens)
        read = [*self._read(documents, recipe.document_tokens)]
        starts = [0, *self._ends(query_text.size, [text.size for text in read])]
        prompts = [
            self._prompt(query_text.text, [text.text for text in read[start:end]])
            for start, end in pairwise(starts)
        ]
        return Blocks(
            blocks=[*map(self._block, tokenise(self._tokenizer, prompts))],
            truncated=[text.cut for text in read],
            query_cut=query_text.cut,
        )

    def _read(self, texts: Sequence[str], most: int) -> Iterator[_Text]:
        """Texts as far as they are read: what is left of a long one is decoded again."""
        for text, ids in zip(texts, tokenise(self._tokenizer, texts), strict=True):
            # Where characters are several tokens, the last one may be broken: so the authors do.
            shown = text if len(ids) < most else str(self._tokenizer.decode(ids[:most]))
            yield _Text(
                text=_without_markers(shown), size=min(len(ids), most), cut=len(ids) > most
            )

    def _ends(self, query_size: int, sizes: Sequence[int]) -> Iterator[int]:
        """Where blocks end: when they are full, or might not hold another long document."""
        whole = self._max_length - 2 * query_size
        count, room = 0, whole
        for place, size in enumerate(sizes, start=1):
            count, room = count + 1, room - size
            full = count >= self._recipe.block or room <= self._recipe.document_tokens
            if full or place == len(sizes):
                yield place
                count, room = 0, whole

    def _prompt(self, query: str, documents: Sequence[str]) -> str:
        task = _TASK.format(n=len(documents), query=query)
        if self._recipe.instruction:
            task += _INSTRUCTION.format(instruction=_without_markers(self._recipe.instruction))
        passages = (_PASSAGE.format(i=i, document=text) for i, text in enumerate(documents))
        return "".join((PREFIX, task, *passages, _QUERY.format(query=query), SUFFIX))

    def _block(self, tokens: list[int]) -> Block:
        ids = np.array(tokens, dtype=np.int32)
        return Block(
            ids=ids,
            documents=np.flatnonzero(ids == self._document_marker),
            query=np.flatnonzero(ids == self._query_marker),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """The part of a text that is read, and its size in tokens."""

    text: str
    size: int
    cut: bool


def _without_markers(text: str) -> str:
    """A text that brings no markers of its own, not even one around another."""
    while DOCUMENT_MARKER in text or QUERY_MARKER in text:
        text = text.replace(QUERY_MARKER, "").replace(DOCUMENT_MARKER, "")
    return text
