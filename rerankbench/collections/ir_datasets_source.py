"""All access to the package ir_datasets: silenced, with its failures as one-line errors."""

from __future__ import annotations

import difflib
import io
import logging
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rerankbench.errors import LONGEST, InputError, UsageError, cut, some
from rerankbench.known import collections

_Item = TypeVar("_Item")
_TEXT_FIELDS = ("text", "body", "abstract")

_FAILURES = (
    OSError,  # no network, HTTP errors, wrong checksums, files that must be fetched by hand
    EOFError,  # compressed streams that end too soon
    ImportError,  # a data set that needs an optional package
    RuntimeError,  # all mirrors failed; a disk too full
    ValueError,  # text that is not UTF-8, JSON or numbers
    KeyError,  # a field or an archive's member that is missing
    AssertionError,  # ir_datasets checks files' headers so
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
)
"""Exceptions of ir_datasets 0.6 when data cannot be fetched or read."""


def load(dataset_id: str) -> Any:
    """The dataset of that id; nothing is fetched.

    Raises UsageError naming the nearest known ids for an unknown one.
    """
    package = import_package()
    try:
        return package.load(dataset_id)
    except KeyError:
        raise UsageError(f"no ir_datasets id '{dataset_id}'; {_nearest(dataset_id)}") from None


def import_package() -> Any:
    """Import ir_datasets (slow, hence here) and keep it from writing to stderr.

    Raises InputError if its home folder cannot be created.
    """
    try:
        import ir_datasets
    except OSError as error:
        raise InputError(
            error.filename or "IR_DATASETS_HOME",
            f"ir_datasets cannot use its folder ({error.strerror})",
            remedy="set IR_DATASETS_HOME to a folder that can be written",
        ) from error
    _silence(ir_datasets)
    return ir_datasets


def _silence(package: Any) -> None:
    # Its log goes to the program's log; its own handler would write to stderr.
    logger = package.log.easy().logger()
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
    # Its progress bars are drawn into nothing. Switched off they would not count, and an
    # interrupted download goes on from their count (util/download.py).
    libraries = package.lazy_libs
    if not isinstance(libraries.tqdm, _SilentTqdm):
        libraries.tqdm = _SilentTqdm(libraries.tqdm)


class _Nowhere(io.TextIOBase):
    """A text file that discards everything; unlike /dev/null it needs no closing."""

    def write(self, text: str, /) -> int:
        return len(text)


class _SilentTqdm:
    """Replaces `lazy_libs.tqdm`, which returns the module tqdm, and that module."""

    def __init__(self, module: Callable[[], Any]) -> None:
        self._module = module

    def __call__(self) -> _SilentTqdm:
        return self

    def tqdm(self, *args: Any, **kwargs: Any) -> Any:
        return self._module().tqdm(*args, **{**kwargs, "file": _Nowhere()})


@contextmanager
def as_input_error(dataset_id: str, what: str) -> Iterator[None]:
    """Turn errors of ir_datasets into one line: what of which id, why, what to do."""
    try:
        yield
    except _FAILURES as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            dataset_id,
            f"the {what} cannot be fetched or read ({cut(reason, LONGEST)})",
            remedy=_remedy(dataset_id, error),
        ) from error


def iterate(dataset_id: str, what: str, start: Callable[[], Iterable[_Item]]) -> Iterator[_Item]:
    """Yield the items of `start`; its failures, not the caller's, become InputErrors."""
    with as_input_error(dataset_id, what):
        yield from start()


def _remedy(dataset_id: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        return "install the package that it names"
    entry = collections.by_id(dataset_id)
    if entry is not None and entry.licence_needed:
        return entry.note
    return (
        "check the network and the data set's licence, point IR_DATASETS_HOME at a folder that "
        "has it, or name a BEIR folder instead"
    )


def _nearest(dataset_id: str) -> str:
    ids = list(import_package().registry)
    below = [known for known in ids if known.startswith(f"{dataset_id}/")]
    close = difflib.get_close_matches(dataset_id, ids, n=3, cutoff=0.6)
    suggestions = below or close
    if not suggestions:
        return (
            "`rerankbench datasets` lists the well-known ones, https://ir-datasets.com all; "
            "a folder of that name does not exist either"
        )
    return f"nearest: {some(suggestions)}"


def complete(dataset: Any) -> bool:
    """Whether a dataset has documents, queries and judgments."""
    return bool(dataset.has_docs() and dataset.has_queries() and dataset.has_qrels())


def complete_below(dataset_id: str) -> list[str]:
    """The ids below an id that have documents, queries and judgments."""
    package = import_package()
    below = [known for known in package.registry if known.startswith(f"{dataset_id}/")]
    return [known for known in below if complete(package.load(known))]


def check_text(dataset_id: str, what: str, item_class: Any) -> None:
    """Raise UsageError if documents or queries of that class have no text for `mapped`."""
    if not any(hasattr(item_class, name) for name in ("default_text", *_TEXT_FIELDS)):
        names = ", ".join(item_class._fields)
        raise UsageError(
            f"the {what} of '{dataset_id}' have no text, only {names}; make a BEIR folder from it"
        )


def mapped(item: Any) -> tuple[str, str]:
    """Title and text of a document or query of any class.

    Where `default_text()`, which is what ir_datasets itself indexes, is just the title and one of
    the fields text, body or abstract, these two; else no title and all of `default_text()`. MS
    MARCO passages have a text and no title.
    """
    title = _string(item, "title")
    body = next((value for name in _TEXT_FIELDS if (value := _string(item, name))), "")
    default = item.default_text() if hasattr(item, "default_text") else None
    if default is None or default == f"{title} {body}" or (not title and default == body):
        return title, body
    return "", default


def _string(item: Any, name: str) -> str:
    value = getattr(item, name, None)
    return value if isinstance(value, str) else ""
