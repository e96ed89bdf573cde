"""Settings of listwise rerankers in a config: windows, and the question about one."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from rerankbench.rerankers.recipe import Recipe


class ListwiseRecipe(Recipe):
    """How lists are ordered: windows, and how a model is asked about one.

    Fields are named as in rank_llm's templates. The defaults are RankZephyr's:
    src/rank_llm/rerank/prompt_templates/rank_zephyr_template.yaml; max_passage_words and the form
    of titled passages: listwise_rankllm.py, listwise_inference_handler.py.
    """

    window: int = Field(20, description="passages that are ordered at once, at least 2")
    stride: int | None = Field(
        None, description="passages that the window moves by; 10 or the window unless named"
    )
    system: str = Field(
        "You are RankLLM, an intelligent assistant that can rank passages based on their "
        "relevancy to the query",
        description="the system's message; none where it is empty",
    )
    prefix: str = Field(
        "I will provide you with {num} passages, each indicated by a numerical identifier []. "
        "Rank the passages based on their relevance to the search query: {query}.\n",
        description="what stands before the passages; may hold `{num}` and `{query}`",
    )
    body: str = Field(
        "[{rank}] {candidate}\n", description="a passage; holds `{rank}` and `{candidate}`"
    )
    suffix: str = Field(
        "Search Query: {query}.\nRank the {num} passages above based on their relevance to the "
        "search query. All the passages should be included and listed using identifiers, in "
        "descending order of relevance. The output format should be [] > [], e.g., [2] > [1], "
        "Answer concisely and directly and only respond with the ranking results, do not say any "
        "word or explain.",
        description="what stands behind the passages; may hold `{num}` and `{query}`",
    )
    titled: str = Field(
        "Title: {title} Content: {text}",
        description="a passage with a title; holds `{text}`, may hold `{title}`",
    )
    passage_words: int = Field(300, description="words of a passage that are kept, at most")
    chat_template: str | None = Field(
        None, description="a template in Jinja instead of the tokeniser's own"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.window < 2:
            raise ValueError("the recipe's window must be at least 2 passages")
        if not 1 <= self.step <= self.window:
            raise ValueError(
                f"the recipe's stride must be between 1 and its window, {self.window}, so that "
                "no passage is left out"
            )
        if self.passage_words < 1:
            raise ValueError("the recipe's passage_words must be at least 1")
        for part, field in (("body", "rank"), ("body", "candidate"), ("titled", "text")):
            if f"{{{field}}}" not in getattr(self, part):
                raise ValueError(f"the recipe's {part} must hold {{{field}}}")
        if "{query}" not in self.prefix + self.suffix:
            raise ValueError("the recipe's prefix or suffix must hold {query}")
        return self

    @property
    def step(self) -> int:
        """Passages that the window moves by."""
        return min(10, self.window) if self.stride is None else self.stride

    @property
    def text(self) -> str:
        """The whole wording, as a record shows it; a bar is where its parts meet."""
        parts = (self.system, self.prefix, self.body, self.suffix, self.titled)
        return "|".join((*parts, self.chat_template) if self.chat_template else parts)
