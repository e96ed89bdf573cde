"""A tokeniser made to read texts as a recipe wants, and what it knows of prompts and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers import loading
from rerankbench.rerankers.embedding.embedding_recipe import EmbeddingRecipe
from rerankbench.rerankers.embedding.text_encoding import Filling, SpecialTokens
from rerankbench.rerankers.pair_encoding import tokenise


def make_ready(tokenizer: Any, recipe: EmbeddingRecipe) -> None:
    """Lower-case what the recipe wants so, and read its markers as one token each."""
    if recipe.lower_case:
        loading.lower_case(tokenizer)
    _register(tokenizer, recipe.markers)


def _register(tokenizer: Any, markers: Sequence[str]) -> None:
    """Make markers that the vocabulary holds, such as `[unused0]`, special tokens.

    Written out, they would be cut to pieces, while the model was trained on their ids. One that
    the vocabulary lacks is left as text.
    """
    from tokenizers import AddedToken

    known = tokenizer.get_vocab()
    for marker in markers:
        written = [marker, *marker.split(None, 1)[:1]]
        token = next((name for name in written if name.strip() and name in known), None)
        if token is not None and tokenizer.tokenize(token) != [token]:
            tokenizer.add_tokens([AddedToken(token, normalized=False, special=True)], True)


def known_ids(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The ids of words that are single tokens; others are left out, not read as unknown."""
    ids = []
    for word in words:
        token = tokenizer.convert_tokens_to_ids(word)
        if token is not None and (token != tokenizer.unk_token_id or word == tokenizer.unk_token):
            ids.append(int(token))
    return ids


def filling(tokenizer: Any, recipe: EmbeddingRecipe, name: str) -> Filling | None:
    """The token that pads short queries: the mask, or the end of text. Raises ModelError."""
    expansion = recipe.expansion
    if expansion is None:
        return None
    if expansion.token is None:
        token = tokenizer.mask_token_id
        token = tokenizer.eos_token_id if token is None else token
    else:
        token = next(iter(known_ids(tokenizer, [expansion.token])), None)
    if token is None:
        raise ModelError(
            f"{name}: its tokeniser has no token to expand queries with "
            f"({expansion.token or 'neither mask nor end of text'}); fetch the model again"
        )
    return Filling(token=int(token), length=expansion.length, attended=expansion.attended)


def prompt_length(tokenizer: Any, prompt: str, around: SpecialTokens) -> int:
    """Tokens before the text itself: the prompt's, with the special ones before it.

    A special token at the end of the prompt alone does not count, as in sentence-transformers.
    """
    if not prompt:
        return 0
    ids = [*around.prefix, *next(tokenise(tokenizer, [prompt])), *around.suffix]
    return len(ids) - int(ids[-1] in tokenizer.all_special_ids)
