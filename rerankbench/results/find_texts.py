"""Looks up the texts behind a record's ids, if its collection can still be opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.errors import RerankbenchError, UsageError, cut
from rerankbench.protocols import Collection
from rerankbench.registry import naming
from rerankbench.types import CollectionHashes, CollectionRef, slug

_MOST_SHOWN = 150


class CollectionFinder:
    """Finds collections by their content; each is searched for once."""

    def __init__(self, places: Sequence[str] = ()) -> None:
        """`places` are folders and ids to try before the record's own source."""
        self._places = tuple(places)
        self._found: dict[CollectionHashes, Collection] = {}

    def collection(self, ref: CollectionRef) -> Collection:
        """The collection with exactly that content.

        Raises UsageError if no place has it. The first call reads the whole corpus.
        """
        if ref.hashes not in self._found:
            self._found[ref.hashes] = self._find(ref)
        return self._found[ref.hashes]

    def _find(self, ref: CollectionRef) -> Collection:
        problems = []
        for place in self._sorted_places(ref):
            try:
                collection = naming.open_collection(place, ref.split)
                if collection.hashes() == ref.hashes:
                    return collection
                problems.append(f"{place} has other texts or judgments than the record's")
            except RerankbenchError as error:
                problems.append(cut(" ".join(str(error).split()), _MOST_SHOWN))
        tried = "; ".join(problems)
        raise UsageError(
            f"the texts of {ref.name} were not found ({tried}): name its folder or id with "
            "--dataset"
        )

    def _sorted_places(self, ref: CollectionRef) -> Iterator[str]:
        """Places that sound like the collection come first, since trying one reads all of it."""
        alike = slug(ref.name)
        yield from sorted(self._places, key=lambda place: not slug(place).endswith(alike))
        yield ref.source
