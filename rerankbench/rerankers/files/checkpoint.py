"""A checkpoint and the facts that its files state: no torch, nothing executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.rerankers.files import config_defaults, model_card, modules_file
from rerankbench.rerankers.files.config_defaults import COUNTED_AFTER_PADDING
from rerankbench.rerankers.files.labels import names_of
from rerankbench.rerankers.files.weight_file import (
    WHOLE,
    safetensors_header,
    weight_count,
    weight_files,
)

NO_ARCHITECTURE = "(none named)"
HEAD_WEIGHTS = "rerankbench_head.safetensors"
"""The tensors of a head of ours, beside its encoder's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder with a model in it, and which one it is.

    `modules` are the folders of a model that is saved in parts, its transformer's first.
    """

    folder: Path
    name: str
    revision: str
    config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    modules: tuple[Path, ...] = ()

    @property
    def transformer(self) -> Path:
        """The folder of the transformer and its tokeniser."""
        return self.modules[0] if self.modules else self.folder

    @property
    def architecture(self) -> str:
        """The class that the weights were saved from, such as `BertForSequenceClassification`."""
        names = self.config.get("architectures") or [NO_ARCHITECTURE]
        return str(names[0])

    @property
    def is_classifier(self) -> bool:
        """Whether its weights end in labels; where no class is named, the weights tell."""
        if self.architecture != NO_ARCHITECTURE:
            return self.architecture.endswith("ForSequenceClassification")
        return any(
            name.startswith(("classifier.", "score."))
            for path in self.weight_files()
            for name in safetensors_header(path)
        )

    @property
    def label_count(self) -> int:
        """The number of the classifier's output labels. Raises ModelError."""
        try:
            return len(names_of(self.config))
        except ModelError as error:
            raise ModelError(f"{self.name}: {error}") from None

    def setting(self, key: str) -> Any:
        """A value of config.json, or what transformers takes where the key is left out."""
        return config_defaults.setting(self.config, key)

    def weight_files(self) -> tuple[Path, ...]:
        """The transformer's files of weights, those that transformers loads. Raises ModelError."""
        return weight_files(self.transformer, self.config.get("transformers_weights"))

    def parameter_count(self) -> int:
        """Numbers in the weights that are loaded.

        Index buffers, which are not learned, do not count, nor does a second copy of the weights.
        """
        beside = [folder / WHOLE for folder in self.modules[1:]] + [self.folder / HEAD_WEIGHTS]
        parts = (self.weight_files(), *((path,) for path in beside if path.is_file()))
        return sum(weight_count(paths) for paths in parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The model's names: by its user, its folder, its config and its card."""
        base = model_card.facts(self.folder).get("base_model")
        own = (self.name, self.folder.name, self.config.get("_name_or_path"))
        bases = base if isinstance(base, list) else [base]
        return tuple(str(name) for name in (*own, *bases) if name)

    @property
    def logit_score(self) -> Mapping[str, Any] | None:
        """The answer tokens of a decoder that sentence-transformers saved as a cross-encoder."""
        saved = modules_file.read(self.folder)
        heads = () if saved is None else saved.heads
        tokens = next((head.config for head in heads if head.kind == "LogitScore"), None)
        if tokens is not None and tokens.get("true_token_id") is None:
            raise ModelError(f"{self.name}: its LogitScore names no true_token_id")
        return tokens

    def max_length(self, *, otherwise: int = 512) -> int:
        """Tokens of a pair that the model can read, special tokens included.

        The smaller of the tokeniser's limit and the position embeddings, or `otherwise` where the
        files set none. RoBERTa's kin count positions from padding index + 1, so that many
        embeddings are never used.
        """
        limits = [self.tokenizer_config.get("model_max_length") or 10**9, self.positions()]
        limit = int(min(tokens for tokens in limits if tokens is not None))
        return limit if limit < 10**6 else otherwise

    def positions(self) -> int | None:
        """How many positions the model has embeddings for; None if there is no limit."""
        if self.config.get("model_type") in config_defaults.WITHOUT_POSITIONS:
            return None
        embeddings = self.setting("max_position_embeddings")
        if not isinstance(embeddings, int) or embeddings <= 0:
            return None
        if self.config.get("model_type") not in COUNTED_AFTER_PADDING:
            return embeddings
        return max(1, embeddings - int(self.setting("pad_token_id") or 0) - 1)

    def length_within(
        self, length: int | None, *, default: int | None = None, saved: int | None = None
    ) -> int:
        """The length that was asked for, or the default, as far as the model can read so much.

        A `saved` length is sentence-transformers'; it stands before the tokeniser's and before
        the default. Raises UsageError for a length beyond.
        """
        limit = self.max_length(otherwise=default or 512)
        if saved is not None:
            limit = max(limit, saved)
            limit = min(limit, self.positions() or limit)
            default = saved
        if length is not None and length > limit:
            raise UsageError(
                f"{self.name}: max length {length} is beyond the model's {limit}; "
                f"ask for at most {limit}"
            )
        return length or min(limit, default or limit)
