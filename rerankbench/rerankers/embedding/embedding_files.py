"""What a checkpoint's files and a config say of how a text becomes one vector.

The rules are sentence-transformers' (6.2); nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.embedding.embedding_recipe import EmbeddingRecipe
from rerankbench.rerankers.files import modules_file
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.modules_file import Module, SavedModules
from rerankbench.rerankers.recipe import Recipe, one_of

_SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
# The names that a document's prompt may be saved by; the first that is there counts.
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class TextRecipe(Recipe):
    """How queries and documents are read separately."""

    query_prompt: str | None = Field(None, description="stands before a query")
    document_prompt: str | None = Field(None, description="stands before a document")
    query_length: int | None = Field(None, description="tokens of a query at most")
    document_length: int | None = Field(
        None, description="tokens of a document at most, instead of `max_length`"
    )


class BiEncoderRecipe(TextRecipe):
    """How the vectors of two texts are computed and compared."""

    similarity: Annotated[str | None, one_of(_SIMILARITIES)] = Field(
        None, description=f"one of {', '.join(_SIMILARITIES)}"
    )


def check_reads_text(saved: SavedModules, name: str) -> None:
    """Raise ModelError for a transformer that is fed with chats, or read elsewhere than usual."""
    ways = saved.transformer.get("modality_config") or {"text": {}}
    text = ways.get("text")
    if "message" in ways or text is None:
        raise ModelError(
            f"{name}: its modules read chat messages, which is not supported; name a model whose "
            "sentence_bert_config.json says text"
        )
    output = text.get("method_output_name", "last_hidden_state")
    if text.get("method", "forward") != "forward" or output != "last_hidden_state":
        raise ModelError(
            f"{name}: its modules read the transformer's {output}, which is not supported; name a "
            "model that reads last_hidden_state"
        )


def most_tokens(checkpoint: Checkpoint, saved: SavedModules | None) -> int:
    """How many tokens the model can read; what its saved modules say stands before its tokeniser.

    Position embeddings are a limit in any case.
    """
    settings = saved.transformer if saved is not None else {}
    arguments = settings.get("processor_kwargs") or settings.get("tokenizer_args") or {}
    length = arguments.get("model_max_length", settings.get("max_seq_length"))
    if length is not None:
        checkpoint = replace(checkpoint, tokenizer_config={"model_max_length": length})
    return checkpoint.max_length()


def prompts(saved: Mapping[str, str], recipe: TextRecipe) -> tuple[str, str, str | None]:
    """The query's and the document's prompt, and a saved one that was meant but is not used.

    sentence-transformers always has a prompt named `document`, if an empty one, so that one named
    `passage` or `corpus` is never reached by `encode_document`; nor is `default_prompt_name`.
    """
    query, document = recipe.query_prompt, recipe.document_prompt
    others = [name for name in _DOCUMENT_PROMPTS[1:] if name in saved]
    unused = others[0] if others and document is None and not saved.get("document") else None
    return (
        saved.get("query", "") if query is None else query,
        saved.get("document", "") if document is None else document,
        unused,
    )


def lengths(
    spec: RerankerSpec, recipe: TextRecipe, *, limit: int, query: Any, document: Any
) -> tuple[int, int]:
    """Tokens of a query and of a document: a config's, else the saved ones, within the limit.

    `--max-length` is that of documents, and of queries without a length of their own. Raises
    UsageError for a length beyond the limit.
    """
    requested = {
        "max length": spec.max_length,
        "query_length": recipe.query_length,
        "document_length": recipe.document_length,
    }
    for key, value in requested.items():
        if value is not None and not 1 <= value <= limit:
            raise UsageError(
                f"{spec.model}: {key} {value} is not within the model's {limit}; "
                f"ask for at most {limit}"
            )
    of_query = recipe.query_length or query or spec.max_length or limit
    of_document = recipe.document_length or spec.max_length or document or limit
    return min(int(of_query), limit), min(int(of_document), limit)


def bi_encoder(
    checkpoint: Checkpoint, spec: RerankerSpec, recipe: BiEncoderRecipe
) -> EmbeddingRecipe:
    """The recipe of a model that makes one vector of a text. Raises ModelError, UsageError."""
    saved = modules_file.read(checkpoint.folder)
    if saved is None:
        heads: tuple[Module, ...] = (_default_pooling(checkpoint),)
        settings: Mapping[str, Any] = {}
    else:
        check_reads_text(saved, checkpoint.name)
        heads, settings = saved.heads, saved.settings
        if "Pooling" not in saved.kinds or {"MultiVectorMask", "LogitScore"} & set(saved.kinds):
            raise ModelError(
                f"{checkpoint.name}: its modules ({', '.join(saved.kinds)}) do not make one "
                "vector of a text; name a model whose modules.json lists a Pooling"
            )
    transformer = saved.transformer if saved is not None else {}
    query_prompt, document_prompt, unused = prompts(saved.prompts if saved else {}, recipe)
    limit = most_tokens(checkpoint, saved)
    of_query, of_document = lengths(
        spec,
        recipe,
        limit=limit,
        query=transformer.get("query_length"),
        document=transformer.get("document_length"),
    )
    return EmbeddingRecipe(
        heads=heads,
        similarity=recipe.similarity or saved_similarity(settings, _SIMILARITIES),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        query_length=of_query,
        document_length=of_document,
        lower_case=bool(transformer.get("do_lower_case")),
        dimensions=settings.get("truncate_dim"),
        unused_prompt=unused,
    )


def saved_similarity(settings: Mapping[str, Any], known: tuple[str, ...]) -> str:
    """The saved similarity if it is known, else the first."""
    saved = settings.get("similarity_fn_name")
    return str(saved) if saved in known else known[0]


def _default_pooling(checkpoint: Checkpoint) -> Module:
    """The mean over tokens, or the last token of a model that looks back only."""
    causal = checkpoint.architecture.endswith("ForCausalLM")
    looks_back = causal and checkpoint.config.get("is_causal", True)
    config = {"pooling_mode": "lasttoken" if looks_back else "mean"}
    return Module(kind="Pooling", folder=checkpoint.folder, config=config)
