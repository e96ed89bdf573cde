"""What a checkpoint's files and a config say of late interaction, in whatever form it is saved.

Stanford's ColBERT has one folder with `artifact.metadata` and its projection among the encoder's
weights; PyLate lists a transformer and its projections, and keeps what surrounds them as settings;
sentence-transformers lists every step. All are read as sentence-transformers (6.2) reads them.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.embedding import embedding_files as files
from rerankbench.rerankers.embedding.embedding_recipe import (
    EmbeddingRecipe,
    QueryExpansion,
    ScoredTokens,
)
from rerankbench.rerankers.files import modules_file
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.json_file import read_object
from rerankbench.rerankers.files.modules_file import Module, SavedModules
from rerankbench.rerankers.files.schemas import ColbertFile
from rerankbench.rerankers.recipe import one_of

ARCHITECTURE = "HF_ColBERT"
MODEL_TYPES = frozenset({"MultiVectorEncoder", "ColBERT"})
TOKENS = "token_embeddings"
PYLATE_KEYS = frozenset(
    {
        "query_length",
        "document_length",
        "query_expansion",
        "do_query_expansion",
        "attend_to_expansion_tokens",
        "attend_to_mask_tokens",
        "query_prefix",
        "document_prefix",
        "skiplist_words",
    }
)
_PUNCTUATION = tuple(string.punctuation)
_EXPANDED_LENGTH = 32
_IDENTITY = "torch.nn.Identity"
_SIMILARITIES = ("maxsim", "meanmaxsim")


class LateInteractionRecipe(files.TextRecipe):
    """How the vectors of two texts' tokens are computed and compared."""

    similarity: Annotated[str | None, one_of(_SIMILARITIES)] = Field(
        None, description=f"one of {', '.join(_SIMILARITIES)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """One form's content: what follows the transformer, and how tokens come and go."""

    heads: tuple[Module, ...]
    transformer: Mapping[str, Any]
    """`query_length`, `document_length`, `query_expansion`, `do_lower_case`, as far as set."""
    prompts: Mapping[str, str]
    similarity: Mapping[str, Any] = field(default_factory=dict)
    markers: tuple[str, ...] = ()
    scored: ScoredTokens | None = None


def is_late_interaction(checkpoint: Checkpoint, saved: SavedModules | None) -> bool:
    """Whether the files are of one of the forms."""
    if saved is None:
        metadata = checkpoint.folder / modules_file.METADATA
        return checkpoint.architecture == ARCHITECTURE or metadata.exists()
    named = saved.settings.get("model_type")
    if named is not None:
        return named in MODEL_TYPES
    marked = PYLATE_KEYS & saved.settings.keys()
    return checkpoint.architecture == ARCHITECTURE or bool(marked)


def late_interaction(
    checkpoint: Checkpoint, spec: RerankerSpec, recipe: LateInteractionRecipe
) -> EmbeddingRecipe:
    """The recipe of a model that makes one vector of a token. Raises ModelError, UsageError."""
    listed = modules_file.read(checkpoint.folder)
    if not is_late_interaction(checkpoint, listed):
        raise ModelError(
            f"{checkpoint.name}: nothing in its files says late interaction; name a ColBERT, "
            "PyLate or multi-vector checkpoint, which holds the projection of its tokens"
        )
    saved = _stanford(checkpoint) if listed is None else _modules(checkpoint, listed)
    query_prompt, document_prompt, _ = files.prompts(saved.prompts, recipe)
    limit = files.most_tokens(checkpoint, listed)
    of_query, of_document = files.lengths(
        spec,
        recipe,
        limit=limit,
        query=saved.transformer.get("query_length"),
        document=saved.transformer.get("document_length"),
    )
    expansion = _expansion(checkpoint, saved.transformer.get("query_expansion"))
    if expansion is not None:
        if expansion.fixed:
            of_query = min(int(recipe.query_length or expansion.length), limit)
            expansion = replace(expansion, length=of_query)
        else:
            of_query = max(of_query, min(expansion.length, limit))
    return EmbeddingRecipe(
        heads=saved.heads,
        similarity=recipe.similarity or files.saved_similarity(saved.similarity, _SIMILARITIES),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        query_length=of_query,
        document_length=of_document,
        lower_case=bool(saved.transformer.get("do_lower_case")),
        expansion=expansion,
        scored=saved.scored,
        markers=saved.markers,
    )


def _stanford(checkpoint: Checkpoint) -> _Saved:
    metadata = read_object(checkpoint.folder / modules_file.METADATA, ColbertFile)
    query = f"{metadata.get('query_token_id') or '[unused0]'} "
    document = f"{metadata.get('doc_token_id') or '[unused1]'} "
    projection = {"bias": False, "activation_function": _IDENTITY, "module_input_name": TOKENS}
    return _Saved(
        heads=(
            Module(kind="Dense", folder=checkpoint.folder, config=projection),
            _normalize(checkpoint),
        ),
        transformer={
            "document_length": metadata.get("doc_maxlen"),
            "query_expansion": {
                "strategy": "fixed",
                "attend": bool(metadata.get("attend_to_mask_tokens")),
                "length": metadata.get("query_maxlen") or _EXPANDED_LENGTH,
            },
        },
        prompts={"query": query, "document": document},
        markers=(query, document),
        scored=ScoredTokens(
            skip_words=_PUNCTUATION if metadata.get("mask_punctuation", True) else ()
        ),
    )


def _modules(checkpoint: Checkpoint, listed: SavedModules) -> _Saved:
    files.check_reads_text(listed, checkpoint.name)
    told = listed.settings
    prefixes = {
        role: str(told[f"{role}_prefix"] or "")
        for role in ("query", "document")
        if f"{role}_prefix" in told
    }
    prompts = dict(listed.prompts)
    for role, prefix in prefixes.items():
        prompts[role] = prefix + prompts.get(role, "").removeprefix(prefix)
    words = told.get("skiplist_words")
    if listed.model_type == "MultiVectorEncoder":
        heads, scored = _as_listed(listed)
    else:
        # PyLate skipped punctuation by default, and normalised outside its modules.
        pylate = listed.model_type == "ColBERT" or bool(prefixes)
        skipped = tuple(words) if words is not None else _PUNCTUATION if pylate else ()
        heads = (*_projections(checkpoint, listed), _normalize(checkpoint))
        scored = ScoredTokens(skip_words=skipped)
    return _Saved(
        heads=heads,
        # The transformer's own file takes precedence over the model's settings.
        transformer={**_pylate_settings(told), **listed.transformer},
        prompts={role: text for role, text in prompts.items() if text},
        similarity=told,
        markers=tuple(prefixes.values()),
        scored=scored,
    )


def _as_listed(listed: SavedModules) -> tuple[tuple[Module, ...], ScoredTokens | None]:
    """Every step as saved; a projection reads tokens unless its settings say otherwise."""
    scored = None
    for module in listed.heads:
        if module.kind == "MultiVectorMask":
            tasks = module.config.get("skiplist_tasks") or ("document",)
            scored = ScoredTokens(
                skip_words=tuple(module.config.get("skiplist_words") or ()),
                skip_tasks=(tasks,) if isinstance(tasks, str) else tuple(tasks),
                keep_only=tuple(module.config.get("keep_only_token_ids") or ()),
            )
    steps = [module for module in listed.heads if module.kind != "MultiVectorMask"]
    return tuple(_reading_tokens(module) for module in steps), scored


def _projections(checkpoint: Checkpoint, listed: SavedModules) -> tuple[Module, ...]:
    """The projections of a list that lacks the steps around them."""
    found = [
        replace(module, config={**module.config, "module_input_name": TOKENS})
        for module in listed.heads
        if module.kind == "Dense"
    ]
    if not found:
        raise ModelError(
            f"{checkpoint.name}: its modules ({', '.join(listed.kinds)}) hold no projection of "
            "tokens; it would be random; name a checkpoint that was trained for late interaction"
        )
    return tuple(
        replace(module, config={**module.config, "module_output_name": TOKENS}) for module in found
    )


def _reading_tokens(module: Module) -> Module:
    if module.kind != "Dense":
        return module
    return replace(module, config={"module_input_name": TOKENS, **module.config})


def _normalize(checkpoint: Checkpoint) -> Module:
    config = {"module_input_name": TOKENS}
    return Module(kind="Normalize", folder=checkpoint.folder, config=config)


def _pylate_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """PyLate's flat settings as those of a transformer of sentence-transformers."""
    lengths = {
        key: settings[key]
        for key in ("query_length", "document_length")
        if settings.get(key) is not None
    }
    if "query_expansion" in settings:
        return {**lengths, "query_expansion": settings["query_expansion"]}
    if not PYLATE_KEYS & settings.keys():
        return lengths
    if settings.get("do_query_expansion") is False:
        return {**lengths, "query_expansion": None}
    attend = settings.get("attend_to_expansion_tokens", settings.get("attend_to_mask_tokens"))
    length = lengths.pop("query_length", None) or _EXPANDED_LENGTH
    expansion = {"strategy": "fixed", "attend": bool(attend), "length": length}
    return {**lengths, "query_expansion": expansion}


def _expansion(checkpoint: Checkpoint, config: Any) -> QueryExpansion | None:
    if config is None:
        return None
    try:
        fixed = {"fixed": True, "min": False}[config["strategy"]]
        length = int(config["length"])
    except (KeyError, TypeError, ValueError):
        raise ModelError(
            f"{checkpoint.name}: its query_expansion {config!r:.80} is not known; it needs "
            "strategy fixed or min, and a length"
        ) from None
    return QueryExpansion(
        fixed=fixed,
        length=length,
        attended=bool(config.get("attend")),
        token=config.get("token"),
    )
