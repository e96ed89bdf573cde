"""Finding a checkpoint: a folder or a model of the hub, and the revision that names it."""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from rerankbench.errors import ModelError
from rerankbench.files.special_files import refuse_special_in
from rerankbench.files.whole import sha256_file
from rerankbench.known import models as known_models
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.files import modules_file, soundness
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.json_file import read_object
from rerankbench.rerankers.files.schemas import ConfigFile, TokenizerConfigFile

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


def checkpoint_of(spec: RerankerSpec) -> Checkpoint:
    """The checkpoint that a spec names. Raises ModelError with the remedy."""
    return find(
        spec.model, name=spec.name, revision=spec.revision, with_code=spec.trust_remote_code
    )


def find(model: str, *, name: str | None, revision: str | None, with_code: bool) -> Checkpoint:
    """The checkpoint that a folder or a hub id names. Raises ModelError with the remedy."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise ModelError(f"{model}: a local folder has no revisions; drop 'revision'")
        fetched = ""
    elif folder.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise ModelError(f"{model}: no such model folder; check the path")
    else:
        folder = _fetch(model, revision, with_code=with_code)
        fetched = folder.name
    refuse_special_in(folder)
    modules = modules_file.folders(folder)
    checkpoint = Checkpoint(
        folder=folder,
        name=name or (folder.resolve().name if not fetched else model),
        revision=fetched or _hash_of_files(folder, modules),
        config=read_object(modules[0] / "config.json", ConfigFile, needed=True),
        tokenizer_config=read_object(modules[0] / "tokenizer_config.json", TokenizerConfigFile),
        modules=modules,
    )
    soundness.check(checkpoint, with_code=with_code)
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
            f"{_meant(model)}name a local folder, or fetch it first with `hf download`"
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(
            f"{model}: no such model on the hub; {_meant(model)}check the id"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{model}: cannot be fetched ({reason}); try again") from error


def _meant(model: str) -> str:
    """A known model whose hub id is nearly that one."""
    names = {each.name.casefold(): each.name for each in known_models.known()}
    close = get_close_matches(model.casefold(), names, n=1, cutoff=0.9)
    return f"did you mean '{names[close[0]]}'? Else " if close and names[close[0]] != model else ""


def _hash_of_files(folder: Path, modules: tuple[Path, ...]) -> str:
    """16 hex digits over names and contents of the files that decide the scores."""
    folders = {folder, *modules}
    paths = sorted(
        {path for root in folders for pattern in _DECIDING for path in root.glob(pattern)}
    )
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
