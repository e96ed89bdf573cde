"""What is known of BEIR's 18 collections and MS MARCO, from `collections.yaml`.

Facts only: sizes, ids, licences and the conventions that make their numbers comparable. Nothing
here reads a collection. `relevance-levels.yaml` has the level of those and of TREC's Deep
Learning tracks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, with_config

from rerankbench.errors import UsageError
from rerankbench.files.explain import validated
from rerankbench.files.yaml_file import read_yaml


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCollection:
    """One collection of the field's tables.

    `ids` are the ir_datasets ids to run (none where ir_datasets has it not); `members` the short
    names of its parts, in the order of `ids`, where its value is the mean over several
    collections. `samples` are ids of smaller collections drawn from it, with its rules.
    """

    name: str
    slug: str
    ids: tuple[str, ...]
    split: str = "test"
    queries: int
    documents: int
    licence_needed: bool = False
    note: str = ""
    members: tuple[str, ...] = ()
    drops_identical_ids: bool = False
    samples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def shown_id(self) -> str:
        """What to type after `-d`: the id, the common part of its members' ids, or nothing."""
        if self.members:
            return self.ids[0].rpartition("/")[0]
        return self.ids[0] if self.ids else ""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLevel:
    """Collections whose lowest relevant grade is not 1; see `relevance-levels.yaml`."""

    level: int
    names: tuple[str, ...]
    split: str | None = None
    source: str


@cache
def known() -> tuple[KnownCollection, ...]:
    """All known collections, in the order of BEIR's tables."""
    path = Path(__file__).with_name("collections.yaml")
    return validated(tuple[KnownCollection, ...], read_yaml(path), path)


@cache
def known_levels() -> tuple[KnownLevel, ...]:
    """All collections whose lowest relevant grade is not 1."""
    path = Path(__file__).with_name("relevance-levels.yaml")
    return validated(tuple[KnownLevel, ...], read_yaml(path), path)


def relevance_level(name: str, split: str) -> int:
    """The lowest grade that counts as relevant in the split of a collection of that name."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
    for known_level in known_levels():
        whole = slug in known_level.names and known_level.split in (None, split)
        starts = tuple(
            f"{known_name}-" for known_name in known_level.names if known_level.split is None
        )
        if whole or slug.startswith(starts):
            return known_level.level
    return 1


def by_id(dataset_id: str) -> KnownCollection | None:
    """The collection that an ir_datasets id is, or is a part of; None for unknown ids."""
    return next((entry for entry in known() if dataset_id in entry.ids), None)


def drops_identical_ids(dataset_id: str, name: str) -> bool:
    """Whether an ir_datasets id, or what tables call it, has BEIR's rule for identical ids."""
    entry = by_slug(name) or next((e for e in known() if dataset_id in e.samples), None)
    return entry is not None and entry.drops_identical_ids


def by_slug(slug: str) -> KnownCollection | None:
    """The collection of that short name, in whatever case; None for unknown ones."""
    wanted = slug.casefold()
    return next((entry for entry in known() if entry.slug == wanted), None)


def expand(dataset_id: str) -> tuple[str, ...]:
    """The ir_datasets ids that a name stands for; what is no known name stands for itself.

    `beir/cqadupstack` gives its 12 forums, `FiQA` or `fiqa` gives `beir/fiqa/test`. Raises
    UsageError for a collection that ir_datasets has not.
    """
    entry = _by_any_name(dataset_id)
    if entry is None:
        return (dataset_id,)
    if not entry.ids:
        raise UsageError(f"no ir_datasets id for '{dataset_id}': {entry.note}")
    return entry.ids


def _by_any_name(name: str) -> KnownCollection | None:
    wanted = name.casefold()
    for entry in known():
        if wanted in {
            spelling.casefold() for spelling in (entry.slug, entry.name, *entry.aliases)
        }:
            return entry
    return None
