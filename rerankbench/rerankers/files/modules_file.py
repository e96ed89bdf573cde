"""Files that sentence-transformers writes beside a model: modules, settings, prompts.

Read from files alone, without torch and without importing what the files name: a module's kind is
the last part of its dotted path, which has moved from release to release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.json_file import read_object, read_value
from rerankbench.rerankers.files.schemas import (
    ListedModule,
    ModuleFile,
    SettingsFile,
    TransformerFile,
    checked,
)

LIST = "modules.json"
SETTINGS = "config_sentence_transformers.json"
METADATA = "artifact.metadata"
"""Where Stanford's ColBERT keeps its settings."""

KNOWN = frozenset(
    {"Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "MultiVectorMask", "LogitScore"}
)
# Does nothing outside training.
_IDLE = "Dropout"
_OWN_CODE = ("sentence_transformers.", "pylate.")
# The transformer's own settings; the name tells which model it was first written for.
_TRANSFORMER_SETTINGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One step after the transformer: its kind, its folder (for weights) and its settings."""

    kind: str
    folder: Path
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModules:
    """A transformer, what follows it, and the model's settings."""

    transformer: Mapping[str, Any]
    """`sentence_bert_config.json`: lengths, lower-casing, query expansion."""
    heads: tuple[Module, ...]
    settings: Mapping[str, Any]
    """`config_sentence_transformers.json`: model type, prompts, similarity."""

    @property
    def model_type(self) -> str:
        """The class it was saved from; sentence-transformers' own default where unnamed."""
        return str(self.settings.get("model_type") or "SentenceTransformer")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of what follows the transformer."""
        return tuple(module.kind for module in self.heads)

    @property
    def prompts(self) -> Mapping[str, str]:
        """The saved prompts by name, without empty ones."""
        texts = self.settings.get("prompts") or {}
        return {str(name): str(text) for name, text in texts.items() if text}


def folders(folder: Path) -> tuple[Path, ...]:
    """The folders of all modules, the transformer's first; the folder itself without a list.

    Raises ModelError for a path that leads out of it.
    """
    listed = _listed(folder)
    return tuple(dict.fromkeys(path for _, path in listed)) or (folder,)


def read(folder: Path) -> SavedModules | None:
    """The modules of a model's folder; None where it lists none.

    Raises ModelError for a module of an unknown kind, and where the first is no transformer.
    """
    listed = _listed(folder)
    if not listed:
        return None
    kinds = [_kind(folder, dotted) for dotted, _ in listed]
    if kinds[0] != "Transformer" or "Transformer" in kinds[1:]:
        raise ModelError(
            f"{folder / LIST}: lists {', '.join(kinds)!s:.80}; only one transformer, followed by "
            "what reads its tokens, is known; name another model"
        )
    return SavedModules(
        transformer=_transformer_settings(listed[0][1]),
        heads=tuple(
            Module(kind=kind, folder=where, config=read_object(where / "config.json", ModuleFile))
            for kind, (_, where) in zip(kinds[1:], listed[1:], strict=True)
            if kind != _IDLE
        ),
        settings=settings(folder),
    )


def settings(folder: Path) -> Mapping[str, Any]:
    """Saved settings of sentence-transformers about prompts and kind; empty if there are none."""
    return read_object(folder / SETTINGS, SettingsFile)


def _listed(folder: Path) -> list[tuple[str, Path]]:
    """Each module's dotted path and folder, as listed."""
    path = folder / LIST
    if not path.exists():
        return []
    value = read_value(path)
    entries: list[Any] = value if isinstance(value, list) else []
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ModelError(f"{path}: is no list of modules with type and path; fetch it again")
    entries = [checked(path, ListedModule, entry) for entry in entries]
    listed = [(str(entry["type"]), str(entry["path"])) for entry in entries]
    for _, inner in listed:
        pure = PurePosixPath(inner)
        if pure.is_absolute() or ".." in pure.parts or "\0" in inner:
            raise ModelError(
                f"{path}: {inner!r:.80} leads out of the model's folder; fetch it again"
            )
    return [(dotted, folder / inner) for dotted, inner in listed]


def _kind(folder: Path, dotted: str) -> str:
    kind = dotted.rpartition(".")[2]
    if kind not in {*KNOWN, _IDLE} or not dotted.startswith(_OWN_CODE):
        raise ModelError(
            f"{folder / LIST}: module {dotted:.80} is not known; known are "
            f"{', '.join(sorted(KNOWN))}; name a model that is made of these"
        )
    return kind


def _transformer_settings(folder: Path) -> Mapping[str, Any]:
    for name in _TRANSFORMER_SETTINGS:
        if saved := read_object(folder / name, TransformerFile):
            return saved
    return {}
