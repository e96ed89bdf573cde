"""What the arguments of a run mean: names as on the command line, or the things themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from rerankbench import registry
from rerankbench.errors import UsageError
from rerankbench.files.trec import format_run
from rerankbench.files.whole import write_whole
from rerankbench.protocols import Collection, RerankerFactory
from rerankbench.run.given import Given
from rerankbench.types import Hit, Ranking

CollectionLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Collection"
"""A name as for `-d`, a folder, mappings in memory, or an object that is a `Collection`."""
ModelLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Callable[..., Any]"
"""A name as for `-m`, an entry of a config, a CrossEncoder, or a function."""
FirstStageLike: TypeAlias = "str | Mapping[str, Any]"
"""A name as for `--first-stage`, an entry of a config, or a run: query → {document: score}."""

_LONGEST_NAME = 200
_RUN_FORM = "give {'q1': {'d1': 1.5, …}, …}"


@dataclass(slots=True)
class Inputs:
    """The entries of a config, and the objects that some of them stand for."""

    datasets: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    collections: dict[str, Collection] = field(default_factory=dict)
    rerankers: dict[str, RerankerFactory] = field(default_factory=dict)

    @property
    def given(self) -> Given:
        """The objects, for the plan."""
        return Given(collections=self.collections, rerankers=self.rerankers)

    def add_collections(
        self, collections: CollectionLike | Sequence[CollectionLike], split: str | None
    ) -> None:
        """Take one collection, or each of several. Raises UsageError, InputError."""
        for each in collections if isinstance(collections, list | tuple) else [collections]:
            self._add_collection(each, split)

    def _add_collection(self, collection: Any, split: str | None) -> None:
        if isinstance(collection, str | os.PathLike):
            self.datasets.append({"id": _as_name(collection), "split": split})
            return
        if isinstance(collection, Mapping):
            collection = registry.load("objects", "collection")(collection)
        elif not isinstance(collection, Collection):
            raise UsageError(
                f"a {type(collection).__name__} is no collection; give a name, a folder, or "
                "{'queries': …, 'corpus': …, 'qrels': …}"
            )
        key = f"object:{collection.name}"
        if key in self.collections:
            raise UsageError(
                f"two collections are called '{collection.name}'; add another 'name' to one"
            )
        self.collections[key] = collection
        self.datasets.append({"id": key})

    def add_models(self, models: ModelLike | Sequence[ModelLike]) -> None:
        """Take one model, or several, or several by their names. Raises UsageError."""
        if isinstance(models, Mapping):
            for name, model in models.items():
                self._add_model(model, _checked_name(name))
            return
        # Not whatever can be gone through: a CrossEncoder is a sequence of modules.
        for model in models if isinstance(models, list | tuple) else [models]:
            self._add_model(model, None)

    def _add_model(self, model: Any, name: str | None) -> None:
        named = {} if name is None else {"name": name}
        if isinstance(model, str | os.PathLike):
            self.models.append({"model": _as_name(model), **named})
            return
        if isinstance(model, Mapping):
            self.models.append({**model, **named})
            return
        factory = registry.load("objects", "reranker")(model, name)
        row = factory.ref.name
        key = f"object:{row}"
        if key in self.rerankers:
            raise UsageError(
                f"two models are called '{row}'; name them: models={{'{row}-1': …, '{row}-2': …}}"
            )
        self.rerankers[key] = factory
        self.models.append({"model": key, "name": row})


def first_stage_entry(first_stage: Any, folder: Path) -> dict[str, Any]:
    """The entry of a config; a run in memory is written into `folder`. Raises UsageError."""
    if isinstance(first_stage, str):
        return {"name": first_stage}
    if not isinstance(first_stage, Mapping):
        kind = type(first_stage).__name__
        raise UsageError(f"a {kind} is no first stage; give a name such as 'bm25', or a run")
    if isinstance(first_stage.get("name"), str):
        return dict(first_stage)
    path = folder / "given-run.trec"
    write_whole(path, format_run(map(_ranking, first_stage.items()), "given"))
    return {"name": "run", "path": str(path)}


def _ranking(entry: tuple[Any, Any]) -> Ranking:
    query_id, scores = entry
    if not (isinstance(query_id, str) and isinstance(scores, Mapping)):
        raise UsageError(f"the run holds {query_id!r:.40}: {type(scores).__name__}; {_RUN_FORM}")
    hits = []
    for doc_id, score in scores.items():
        try:
            hits.append(Hit(doc_id, float(score)))
        except (TypeError, ValueError):
            problem = f"the run holds the score {score!r:.40} for query '{query_id}'"
            raise UsageError(f"{problem}; {_RUN_FORM}") from None
    return Ranking.sort(query_id, hits)


def _as_name(named: str | os.PathLike[str]) -> str:
    """A name as it is; a path from the root, so that it is never taken for a name."""
    return named if isinstance(named, str) else str(Path(named).absolute())


def _checked_name(name: Any) -> str:
    """A row's name: it stands in tables and in files."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise UsageError(f"a model's name is a line of text, not {name!r:.60}")
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"the name '{name:.40}…' is longer than {_LONGEST_NAME} letters")
    return name
