"""What Python code hands over in place of names: objects, under the names that a config has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rerankbench.protocols import Collection, RerankerFactory
from rerankbench.registry import naming


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Objects by the names that stand for them; every other name means what it always does."""

    collections: Mapping[str, Collection] = field(default_factory=dict)
    rerankers: Mapping[str, RerankerFactory] = field(default_factory=dict)

    def open_collection(self, name: str, split: str | None) -> Collection:
        """As `naming.open_collection`; an object is the split that it is."""
        found = self.collections.get(name)
        return naming.open_collection(name, split) if found is None else found

    def find_factory(self, model: str, family: str | None) -> RerankerFactory:
        """As `naming.find_factory`."""
        found = self.rerankers.get(model)
        return naming.find_factory(model, family) if found is None else found


NOTHING = Given()
