"""The question of a listwise reranker: a query, numbered passages, and which order they are in.

Wording and cutting are rank_llm's (https://github.com/castorini/rank_llm), which trained
RankZephyr with them; the tokeniser's own chat template, which transformers renders in a sandbox,
stands around. rank_llm also repairs broken Unicode (ftfy) first; here texts stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.rerankers.listwise.recipe import ListwiseRecipe
from rerankbench.rerankers.pair_encoding import tokenise
from rerankbench.types import Document

Words = Sequence[str]

_FIELD = re.compile(r"\{(num|query|rank|candidate|title|text)\}")
# rank_llm's _replace_number: what looks like an identifier would be taken for one.
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One window as token ids. `cut` are the places whose passages lost words."""

    ids: list[int]
    size: int
    most_tokens: int
    cut: frozenset[int] = frozenset()
    query_cut: bool = False


class QuestionWriter:
    """Writes questions of up to a window of passages that leave room for their answer."""

    def __init__(
        self, tokenizer: Any, recipe: ListwiseRecipe, *, max_length: int, name: str
    ) -> None:
        """`max_length` counts the tokens of question and answer; `name` is the model's.

        Raises ModelError where there is no chat template, UsageError where there is no room.
        """
        self._tokenizer, self._recipe, self._name = tokenizer, recipe, name
        if recipe.chat_template is None and getattr(tokenizer, "chat_template", None) is None:
            raise ModelError(
                f"{name}: its tokeniser has no chat template; give one, in Jinja, as the recipe's "
                "'chat_template'"
            )
        self._sizes = {size: self._answer_tokens(size) for size in range(1, recipe.window + 1)}
        bos = tokenizer.bos_token_id
        self._bos = [bos] if bos is not None and tokenizer("").input_ids[:1] == [bos] else []
        # Room for a whole window's answer, so that one question's width suits any other's.
        self._answer = max(self._sizes.values())
        self._room = max_length - self._answer
        least = len(self._ids("", [()] * recipe.window))
        if least > self._room:
            raise self._no_room(least)

    def passage(self, document: Document) -> Words:
        """The words of a document, as many as may be shown."""
        text = document.text
        if document.title:
            text = _fill(self._recipe.titled, title=document.title, text=document.text)
        # One more than is shown tells whether words were cut.
        return text.split(maxsplit=self._recipe.passage_words + 1)[
            : self._recipe.passage_words + 1
        ]

    def is_long(self, words: Words) -> bool:
        """Whether a passage is more than is ever shown."""
        return len(words) > self._recipe.passage_words

    def question(self, query: str, passages: Sequence[Words]) -> Question:
        """A question about passages; where it is too long, each passage loses its last words.

        As in rank_llm the limit falls by a quarter of the excess, shared among the passages, until
        the question fits. A query too long for even that loses its own last words.
        """
        limit, shown = self._recipe.passage_words, query
        while True:
            ids = self._ids(shown, [words[:limit] for words in passages])
            excess = len(ids) - self._room
            if excess <= 0:
                break
            if limit == 0 and not shown:
                raise self._no_room(len(ids))
            if limit:
                limit = max(0, limit - max(1, excess // (4 * len(passages))))
            else:
                # It stands there twice, and a word may be a single long one.
                shown = shown[: max(0, len(shown) - max(1, excess // 4))]
        return Question(
            ids=ids,
            size=len(passages),
            most_tokens=self._sizes[len(passages)],
            cut=frozenset(i for i, words in enumerate(passages) if len(words) > limit),
            query_cut=shown != query,
        )

    def _ids(self, query: str, passages: Sequence[Words]) -> list[int]:
        from jinja2 import TemplateError

        try:
            text = self._tokenizer.apply_chat_template(
                messages(self._recipe, query, passages),
                chat_template=self._recipe.chat_template,
                tokenize=False,
                add_generation_prompt=True,
                # A model that thinks first would not come to its answer.
                enable_thinking=False,
            )
        except TemplateError as error:
            raise ModelError(
                f"{self._name}: its chat template refuses the question ({error}); where it knows "
                "no system message, set the recipe's 'system' to ''"
            ) from error
        (ids,) = tokenise(self._tokenizer, [text])
        return ids if ids[: len(self._bos)] == self._bos else [*self._bos, *ids]

    def _no_room(self, least: int) -> UsageError:
        return UsageError(
            f"{self._name}: its length leaves no room for the passages of a window; ask for more "
            f"than {least + self._answer} tokens, or for a smaller window"
        )

    def _answer_tokens(self, size: int) -> int:
        """Tokens of the longest answer that is well formed, and of its end."""
        rising = [f"[{place + 1}]" for place in range(size)]
        both = [" > ".join(rising), " > ".join(reversed(rising))]
        return max(map(len, tokenise(self._tokenizer, both))) + 1


def messages(
    recipe: ListwiseRecipe, query: str, passages: Sequence[Words]
) -> list[dict[str, str]]:
    """What is said to the model: the system's words, where there are any, and the user's."""
    known = {"num": str(len(passages)), "query": _without_markers(query)}
    text = _fill(recipe.prefix, **known)
    for rank, words in enumerate(passages, start=1):
        candidate = _without_markers(" ".join(words))
        text += _fill(recipe.body, rank=str(rank), candidate=candidate)
    text += _fill(recipe.suffix, **known)
    system = [{"role": "system", "content": recipe.system}] if recipe.system else []
    return [*system, {"role": "user", "content": text}]


def _without_markers(text: str) -> str:
    return _MARKER.sub(r"(\1)", text)


def _fill(template: str, **values: str) -> str:
    return _FIELD.sub(lambda field: values.get(field[1], field[0]), template)
