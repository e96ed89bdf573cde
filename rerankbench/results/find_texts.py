"""The texts behind a record's ids: looked up in its collection, where that can still be opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.errors import RerankbenchError, UsageError, cut
from rerankbench.protocols import Collection
from rerankbench.registry import naming
from rerankbench.types import CollectionHashes, CollectionRef, slug

_MOST_SHOWN = 150


class CollectionFinder:
    """Collections by what they hold, each found once."""

    def __init__(self, places: Sequence[str] = ()) -> None:
        """`places` are folders and ids to look at before the name that a record gives."""
        self._places = tuple(places)
        self._found: dict[CollectionHashes, Collection] = {}

    def collection(self, ref: CollectionRef) -> Collection:
        """The collection with exactly that content.

        Raises UsageError where none of the places has it. The first time all of a corpus is read.
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
                problems.append(f"{place} holds other texts or judgments than were used")
            except RerankbenchError as error:
                problems.append(cut(" ".join(str(error).split()), _MOST_SHOWN))
        tried = "; ".join(problems)
        raise UsageError(
            f"the texts of {ref.name} were not found ({tried}): name its folder or id with "
            "--dataset"
        )

    def _sorted_places(self, ref: CollectionRef) -> Iterator[str]:
        """Those that sound like the collection first; to try one is to read all of it."""
        alike = slug(ref.name)
        yield from sorted(self._places, key=lambda place: not slug(place).endswith(alike))
        yield ref.source
