"""How one model turns texts into vectors, and vectors into a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rerankbench.rerankers.files.modules_file import Module
from rerankbench.types import Json

"""What a record's recipe says of `documents`: not once for each of their pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryExpansion:
    """Queries filled up to `length` tokens that take part in the score (ColBERT).

    A `fixed` expansion also cuts longer queries there. Without a `token` it is the tokeniser's
    mask token.
    """

    fixed: bool
    length: int
    attended: bool = False
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTokens:
    """Which tokens' vectors take part in the score: not the skipped words, in these tasks."""

    skip_words: tuple[str, ...] = ()
    skip_tasks: tuple[str, ...] = ("document",)
    keep_only: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRecipe:
    """One model's way from two texts to a score.

    `heads` follow the transformer. Lengths are in tokens, special ones included. `markers` are
    prompts that the tokeniser must read as one token. `scored` is None where every token that
    attention sees takes part.
    """

    heads: tuple[Module, ...]
    similarity: str
    query_prompt: str
    document_prompt: str
    query_length: int
    document_length: int
    lower_case: bool = False
    dimensions: int | None = None
    expansion: QueryExpansion | None = None
    scored: ScoredTokens | None = None
    markers: tuple[str, ...] = ()
    unused_prompt: str | None = None

    def as_recipe(self) -> dict[str, Json]:
        """The parts that a record shows."""
        fields: dict[str, Json] = {
            "score": self.similarity,
            "modules": module_names(self.heads),
            "query_prompt": self.query_prompt,
            "document_prompt": self.document_prompt,
            "query_length": self.query_length,
            "document_length": self.document_length,
            "truncation": "end of the text",
            "documents": "encoded once per collection",
        }
        if self.dimensions is not None:
            fields["dimensions"] = self.dimensions
        if self.expansion is not None:
            fields["expansion"] = _shown_expansion(self.expansion)
        if self.scored is not None:
            fields["skipped_words"] = " ".join(self.scored.skip_words)
            fields["skipped_in"] = self.scored.skip_tasks
            fields["scored_tokens"] = " ".join(map(str, self.scored.keep_only)) or "all others"
        return fields


def module_names(heads: Sequence[Module]) -> str:
    """The steps after the transformer, as records show them."""
    return " → ".join(map(_shown, heads))


def pooling_modes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The modes of a Pooling module, in the order of their output."""
    if "pooling_mode" in config:
        named = config["pooling_mode"]
        return (named,) if isinstance(named, str) else tuple(map(str, named))
    legacy = {
        "cls": "pooling_mode_cls_token",
        "max": "pooling_mode_max_tokens",
        "mean": "pooling_mode_mean_tokens",
        "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
        "weightedmean": "pooling_mode_weightedmean_tokens",
        "lasttoken": "pooling_mode_lasttoken",
    }
    return tuple(mode for mode, key in legacy.items() if config.get(key)) or ("mean",)


def _shown(module: Module) -> str:
    if module.kind != "Pooling":
        return module.kind
    prompt = "" if module.config.get("include_prompt", True) else ", without the prompt"
    return f"Pooling ({' + '.join(pooling_modes(module.config))}{prompt})"


def _shown_expansion(expansion: QueryExpansion) -> str:
    least = "to" if expansion.fixed else "to at least"
    seen = "attended" if expansion.attended else "unattended"
    return f"{least} {expansion.length} tokens of {expansion.token or 'the mask'}, {seen}"
