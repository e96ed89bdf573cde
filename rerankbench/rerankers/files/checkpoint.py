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

from rerankbench import yaml_file
from rerankbench.errors import ModelError, UsageError
from rerankbench.files import sha256_file
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.engines.positions import COUNTED_AFTER_PADDING
from rerankbench.rerankers.files import modules_file
from rerankbench.rerankers.files.config_defaults import setting
from rerankbench.rerankers.files.json_file import read_object
from rerankbench.rerankers.files.weight_file import weight_count
from rerankbench.special_files import refuse_special_in

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
        names = self.config.get("architectures") or ["(none named)"]
        return str(names[0])

    @property
    def label_count(self) -> int:
        """How many output labels the classifier has; transformers' default is 2."""
        labels = self.config.get("id2label")
        return len(labels) if labels else int(self.config.get("num_labels", 2))

    def parameter_count(self) -> int:
        """Numbers in the weight files; index buffers, which are not learned, do not count."""
        return sum(
            weight_count(path)
            for folder in (self.modules or (self.folder,))
            for path in sorted(folder.glob("*.safetensors"))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What the model is called: by its user, its folder, its config and its card."""
        base = _card_facts(self.folder).get("base_model")
        known = (self.name, self.folder.name, self.config.get("_name_or_path"))
        bases = base if isinstance(base, list) else [base]
        return tuple(str(each) for each in (*known, *bases) if each)

    @property
    def sentence_transformers(self) -> Mapping[str, Any]:
        """What sentence-transformers saved about prompts and kind; empty where it did not."""
        return read_object(self.folder / modules_file.SETTINGS)

    @property
    def logit_score(self) -> Mapping[str, Any] | None:
        """The answer tokens of a decoder that sentence-transformers saved as a cross-encoder."""
        saved = modules_file.read(self.folder)
        heads = () if saved is None else saved.heads
        found = next((head.config for head in heads if head.kind == "LogitScore"), None)
        if found is not None and not isinstance(found.get("true_token_id"), int):
            raise ModelError(f"{self.name}: its LogitScore names no true_token_id")
        return found

    def max_length(self, *, otherwise: int = 512) -> int:
        """Tokens of a pair that the model can read, special tokens included.

        The smaller of the tokeniser's limit and the position embeddings, or `otherwise` where the
        files set none. RoBERTa's kin count positions from padding index + 1, so that many
        embeddings are never used.
        """
        positions = setting(self.config, "max_position_embeddings")
        limits = [int(self.tokenizer_config.get("model_max_length") or 10**9)]
        if isinstance(positions, int) and positions > 0:
            shifted = self.config.get("model_type") in COUNTED_AFTER_PADDING
            offset = int(setting(self.config, "pad_token_id") or 0) + 1 if shifted else 0
            limits.append(positions - offset)
        limit = min(limits)
        return limit if limit < 10**6 else otherwise

    def length_within(self, asked: int | None, *, default: int | None = None) -> int:
        """The length that was asked for, or the default, as far as the model can read so much.

        Raises UsageError for a length beyond.
        """
        limit = self.max_length(otherwise=default or 512)
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
        config=read_object(modules[0] / "config.json", needed=True),
        tokenizer_config=read_object(modules[0] / "tokenizer_config.json"),
        modules=modules,
    )
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


def _check_weights(checkpoint: Checkpoint) -> None:
    if any(checkpoint.transformer.glob("*.safetensors")):
        return
    pickled = any(checkpoint.transformer.glob("*.bin"))
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
        stat = path.stat()
        content = _content_hash(path, stat.st_size, stat.st_mtime_ns)
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()[:16]


@cache
def _content_hash(path: Path, _size: int, _changed_ns: int) -> str:
    """A file's hash, read once as long as it stays as it is."""
    return sha256_file(path)
