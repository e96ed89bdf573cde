"""Finding a checkpoint and reading its facts from the files alone: no torch, nothing executed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rerankbench.errors import ModelError, UsageError
from rerankbench.files import yaml_file
from rerankbench.files.special_files import refuse_special_in
from rerankbench.files.whole import sha256_file
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.files import config_defaults, modules_file
from rerankbench.rerankers.files.config_defaults import COUNTED_AFTER_PADDING
from rerankbench.rerankers.files.json_file import read_object
from rerankbench.rerankers.files.labels import names_of
from rerankbench.rerankers.files.schemas import ConfigFile, TokenizerConfigFile
from rerankbench.rerankers.files.weight_file import (
    WHOLE,
    safetensors_header,
    weight_count,
    weight_files,
)

NO_ARCHITECTURE = "(none named)"
HEAD_WEIGHTS = "rerankbench_head.safetensors"
"""The tensors of a head of ours, beside its encoder's."""
# What PEFT writes; a folder may hold them beside the base model.
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")

# Architectures that add an embedding of each token's place to it, and once had other ways too.
_WITH_TABLES = frozenset(
    {"albert", "bert", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "layoutlm"}
    | {"lilt", "markuplm", "megatron-bert", "mra", "nezha", "nystromformer", "roberta"}
    | {"roberta-prelayernorm", "roc_bert", "splinter", "xlm-roberta", "xlm-roberta-xl", "xmod"}
    | {"yoso"}
)
# What is fetched from a hub: never pickles; code only for a model that is trusted by name.
_WANTED = [
    *("*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"),
    modules_file.METADATA,
]
# What decides the scores of a local folder; cards and notes may change freely.
_DECIDING = (
    *("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py"),
    modules_file.METADATA,
)


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
        """Where the transformer and its tokeniser are."""
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
        """How many output labels the classifier has. Raises ModelError."""
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
        """What the model is called: by its user, its folder, its config and its card."""
        base = _card_facts(self.folder).get("base_model")
        known = (self.name, self.folder.name, self.config.get("_name_or_path"))
        bases = base if isinstance(base, list) else [base]
        return tuple(str(each) for each in (*known, *bases) if each)

    @property
    def logit_score(self) -> Mapping[str, Any] | None:
        """The answer tokens of a decoder that sentence-transformers saved as a cross-encoder."""
        saved = modules_file.read(self.folder)
        heads = () if saved is None else saved.heads
        found = next((head.config for head in heads if head.kind == "LogitScore"), None)
        if found is not None and found.get("true_token_id") is None:
            raise ModelError(f"{self.name}: its LogitScore names no true_token_id")
        return found

    def max_length(self, *, otherwise: int = 512) -> int:
        """Tokens of a pair that the model can read, special tokens included.

        The smaller of the tokeniser's limit and the position embeddings, or `otherwise` where the
        files set none. RoBERTa's kin count positions from padding index + 1, so that many
        embeddings are never used.
        """
        limits = [self.tokenizer_config.get("model_max_length") or 10**9, self.positions()]
        limit = int(min(each for each in limits if each is not None))
        return limit if limit < 10**6 else otherwise

    def positions(self) -> int | None:
        """How many positions the model has embeddings for; None where it sets no limit."""
        if self.config.get("model_type") in config_defaults.WITHOUT_POSITIONS:
            return None
        found = self.setting("max_position_embeddings")
        if not isinstance(found, int) or found <= 0:
            return None
        if self.config.get("model_type") not in COUNTED_AFTER_PADDING:
            return found
        return max(1, found - int(self.setting("pad_token_id") or 0) - 1)

    def length_within(
        self, asked: int | None, *, default: int | None = None, saved: int | None = None
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
        if asked is not None and asked > limit:
            raise UsageError(
                f"{self.name}: max length {asked} is beyond the model's {limit}; "
                f"ask for at most {limit}"
            )
        return asked or min(limit, default or limit)


def asked(spec: RerankerSpec) -> Checkpoint:
    """The checkpoint that was asked for. Raises ModelError with the remedy."""
    return find(
        spec.model, name=spec.name, revision=spec.revision, with_code=spec.trust_remote_code
    )


def find(model: str, *, name: str | None, revision: str | None, with_code: bool) -> Checkpoint:
    """The checkpoint that a folder or a hub id names. Raises ModelError with the remedy."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise ModelError(f"{model}: a local folder has no revisions; drop 'revision'")
        revision_found = ""
    elif folder.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise ModelError(f"{model}: no such model folder; check the path")
    else:
        folder = _fetch(model, revision, with_code=with_code)
        revision_found = folder.name
    refuse_special_in(folder)
    modules = modules_file.folders(folder)
    checkpoint = Checkpoint(
        folder=folder,
        name=name or (folder.resolve().name if not revision_found else model),
        revision=revision_found or _hash_of_files(folder, modules),
        config=read_object(modules[0] / "config.json", ConfigFile, needed=True),
        tokenizer_config=read_object(modules[0] / "tokenizer_config.json", TokenizerConfigFile),
        modules=modules,
    )
    _check_positions(checkpoint, with_code=with_code)
    _check_weights(checkpoint)
    return checkpoint


def _fetch(model: str, revision: str | None, *, with_code: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    wanted = [*_WANTED, "*.py"] if with_code else _WANTED
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=wanted))
    except HFValidationError:
        raise ModelError(f"{model}: neither a folder nor a hub id; check the name") from None
    except GatedRepoError:
        raise ModelError(f"{model}: is gated; accept its terms, then `hf auth login`") from None
    except RevisionNotFoundError:
        raise ModelError(f"{model}: has no revision '{revision}'; check its commits") from None
    except LocalEntryNotFoundError:
        raise ModelError(
            f"{model}: not in the local cache, and the hub cannot be reached; "
            "name a local folder, or fetch it first with `hf download`"
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(f"{model}: no such model on the hub; check the id") from None
    except (HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{model}: cannot be fetched ({reason}); try again") from error


def _check_positions(checkpoint: Checkpoint, *, with_code: bool) -> None:
    """Refuse positions that transformers has no code for, such as it had up to release 4."""
    kind = checkpoint.config.get("position_embedding_type", "absolute")
    known = checkpoint.config.get("model_type") not in _WITH_TABLES
    if kind == "absolute" or (known and not kind.startswith("relative_key")):
        return
    if "auto_map" not in checkpoint.config:
        raise ModelError(
            f"{checkpoint.name}: its positions are {kind:.40}, which transformers 5 has no code "
            "for: its weights for them would not be used; name a model with absolute positions"
        )
    if not with_code:
        raise ModelError(
            f"{checkpoint.name}: its positions are {kind:.40}, which need its own code; read it, "
            "then name the model in a config with 'trust_remote_code: true' and its revision"
        )


def _check_weights(checkpoint: Checkpoint) -> None:
    for folder in {checkpoint.folder, checkpoint.transformer}:
        if adapter := next((name for name in _ADAPTERS if (folder / name).exists()), None):
            raise ModelError(
                f"{checkpoint.name}: holds an adapter ({adapter}), which is not applied; merge it "
                "with its base model (peft's merge_and_unload), save that and name its folder"
            )
    if checkpoint.weight_files() or (checkpoint.folder / HEAD_WEIGHTS).is_file():
        return
    others = sorted(path.name for path in checkpoint.transformer.glob("*.safetensors"))
    pickled = any(checkpoint.transformer.glob("*.bin"))
    if others:
        raise ModelError(
            f"{checkpoint.name}: its weights are not called {WHOLE} (there: {others[0]:.60}), so "
            "transformers does not find them; save it with model.save_pretrained(folder)"
        )
    why = " (pickled *.bin weights can run code and are not loaded)" if pickled else ""
    raise ModelError(
        f"{checkpoint.name}: no *.safetensors in it{why}; "
        "save it with model.save_pretrained(folder) and name that folder"
    )


def _card_facts(folder: Path) -> Mapping[str, Any]:
    """The YAML head of a model card; nothing where there is none, or it is no mapping."""
    path = folder / "README.md"
    if not path.is_file():
        return {}
    head = re.match(
        r"---\n(.*?)\n---", path.read_text(encoding="utf-8", errors="replace"), re.DOTALL
    )
    try:
        found = yaml_file.parse(head[1][: yaml_file.MOST_BYTES]) if head else {}
    except (yaml.YAMLError, RecursionError):
        return {}  # A card is for people; nothing depends on it alone.
    return found if isinstance(found, dict) else {}


def _hash_of_files(folder: Path, modules: tuple[Path, ...]) -> str:
    """16 hex digits over names and contents of the files that decide the scores."""
    folders = {folder, *modules}
    paths = sorted({p for each in folders for pattern in _DECIDING for p in each.glob(pattern)})
    whole = hashlib.sha256()
    for path in paths:
        if path.is_dir():
            continue
        if not path.is_file():
            raise ModelError(f"{path}: is no regular file; fetch the model again")
        stat = path.stat()
        content = _content_hash(path, stat.st_size, stat.st_mtime_ns)
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()[:16]


@cache
def _content_hash(path: Path, _size: int, _changed_ns: int) -> str:
    """A file's hash, read once as long as it stays as it is."""
    return sha256_file(path)
