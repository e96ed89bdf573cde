"""Cross-encoders that sentence-transformers saved as modules: pooled tokens, then projections.

The transformer has no classifier of its own; the last projection writes the score. Pairs are read
as by any cross-encoder, and scores are raw: a saved activation is for display.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.embedding import embedding_files, text_encoding
from rerankbench.rerankers.embedding.embedding_recipe import module_names
from rerankbench.rerankers.embedding.factory import encoder
from rerankbench.rerankers.embedding.text_tokeniser import prompt_length
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import checkpoint as checkpoints
from rerankbench.rerankers.files import modules_file
from rerankbench.rerankers.files.modules_file import SavedModules
from rerankbench.rerankers.pair_encoding import (
    QUERY_SHARE,
    EncodedPairs,
    Template,
    encode,
    template_of,
)
from rerankbench.rerankers.plain_engine import dtype_of, engine_ref
from rerankbench.rerankers.pointwise import Pointwise
from rerankbench.rerankers.recipe import Kind, settings
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef

FAMILY = "cross-encoder-modules"
_SETTINGS: dict[str, Kind] = {"query_prompt": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Finds, identifies and loads them."""

    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = _find(spec)
        return _ref(checkpoint, spec, _saved(checkpoint)), engine_ref(spec)

    def load(self, spec: RerankerSpec) -> Pointwise:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        from rerankbench.rerankers.embedding import token_modules

        checkpoint = _find(spec)
        saved = _saved(checkpoint)
        ref, engine = _ref(checkpoint, spec, saved), engine_ref(spec)
        device = loading.ready(engine)
        tokenizer = loading.tokenizer(checkpoint, spec)
        head = token_modules.chain(saved.heads, name=ref.name, device=device)
        model = encoder(checkpoint, spec).to(device)
        prompt = str(ref.recipe["query_prompt"])
        before = prompt_length(tokenizer, prompt, text_encoding.around(tokenizer))
        tables = tables_of(model)
        made = TorchEngine(
            model,
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            forward=_scoring(model, head, before),
        )
        found = Pointwise(
            ref=ref,
            engine_ref=engine,
            engine=made,
            encode=partial(
                _encode,
                tokenizer,
                prompt=prompt,
                max_length=int(ref.max_length or 512),
                template=template_of(tokenizer),
            ),
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            device=device,
            about=loading.about(checkpoint, tokenizer),
        )
        padding.settle_by_trial(found, model)
        return found


FACTORY = Factory()


def _find(spec: RerankerSpec) -> checkpoints.Checkpoint:
    return checkpoints.asked(spec)


def _saved(checkpoint: checkpoints.Checkpoint) -> SavedModules:
    """The modules, which must lead from tokens to one score or two. Raises ModelError."""
    saved = modules_file.read(checkpoint.folder)
    last = saved.heads[-1] if saved is not None and saved.heads else None
    if saved is None or last is None or last.config.get("module_output_name") != "scores":
        raise ModelError(
            f"{checkpoint.name}: its modules do not end in a score; name a cross-encoder whose "
            "modules.json ends in a Dense that writes 'scores'"
        )
    labels = last.config.get("out_features")
    if labels not in (1, 2):
        raise ModelError(f"{checkpoint.name}: {labels} labels; a reranker has one label or two")
    embedding_files.check_reads_text(saved, checkpoint.name)
    return saved


def _ref(
    checkpoint: checkpoints.Checkpoint, spec: RerankerSpec, saved: SavedModules
) -> RerankerRef:
    limit = embedding_files.most_tokens(checkpoint, saved)
    limited = replace(checkpoint, tokenizer_config={"model_max_length": limit})
    asked = settings(spec, _SETTINGS)
    default = saved.prompts.get(str(saved.settings.get("default_prompt_name")), "")
    one = saved.heads[-1].config["out_features"] == 1
    return RerankerRef(
        name=checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=dtype_of(spec),
        max_length=limited.length_within(spec.max_length),
        recipe={
            "architecture": checkpoint.architecture,
            "modules": module_names(saved.heads),
            "score": "logit" if one else "logit1 - logit0",
            "query_prompt": asked.get("query_prompt", default),
            "truncation": f"document; query beyond {QUERY_SHARE:.0%} of the length",
        },
    )


def _encode(
    tokenizer: Any, job: Job, *, prompt: str, max_length: int, template: Template
) -> EncodedPairs:
    if prompt:
        asked = [
            replace(each, query=replace(each.query, text=prompt + each.query.text))
            for each in job.candidates
        ]
        job = replace(job, candidates=asked)
    return encode(tokenizer, job, max_length, template)


def _scoring(
    model: Any, head: Callable[[dict[str, Any]], None], prompt_length: int
) -> Callable[..., Any]:
    def forward(**inputs: Any) -> Any:
        features = {
            "token_embeddings": model(**inputs).last_hidden_state.float(),
            "attention_mask": inputs["attention_mask"].bool(),
            "prompt_length": prompt_length,
        }
        head(features)
        return SimpleNamespace(logits=features["scores"])

    return forward
