"""The order of rows: as the layout lists models and first stages, unlisted ones below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rerankbench.leaderboard.columns.facts import FirstStageColumn
from rerankbench.leaderboard.layout import Layout, LayoutName, ListedModel
from rerankbench.results import derived, row_names
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPosition:
    """A model or a first stage: the group that it stands in, and its place among all."""

    name: str
    label: str
    group: str
    order: tuple[int, int, str]
    link: str | None = None
    own: bool = False


class Places:
    """What a layout lists, ready to be asked for every record."""

    def __init__(self, layout: Layout) -> None:
        """Take families and first stages of the layout."""
        self._layout = layout
        self._has_stages = layout.has(FirstStageColumn)
        self._models = {
            name: _place(model, family.title, number, at)
            for number, family in enumerate(layout.families)
            for at, model in enumerate(family.models)
            for name in (model.name, *model.also)
        }
        self._stages = [
            ((stage.name, *stage.also), _place(stage, group.title, number, at))
            for number, group in enumerate(layout.first_stages)
            for at, stage in enumerate(group.names)
        ]

    def model(self, record: Record) -> RowPosition | None:
        """The place of its reranker; None where the layout leaves it out."""
        name = record.cell.reranker.name
        listed = self._models.get(name) or self._models.get(row_names.without_settings(name))
        return listed or self._unlisted(name, len(self._layout.families))

    def stage(self, record: Record) -> RowPosition | None:
        """The place of its first stage; None where the layout leaves it out."""
        for names, place in self._stages:
            if derived.is_first_stage_called(record, names):
                return place
        return self._unlisted(derived.first_stage(record), len(self._layout.first_stages))

    def row(self, record: Record) -> tuple[RowPosition, RowPosition | None] | None:
        """Model and, where rows are first stages × models, first stage; None if left out."""
        model, stage = self.model(record), self.stage(record) if self._has_stages else None
        if model is None or (stage is None and self._has_stages):
            return None
        return model, stage

    def left_out(self, records: Sequence[Record]) -> Iterator[str]:
        """Names of what the layout leaves out: models, and first stages that would have rows."""
        for record in records:
            if self.model(record) is None:
                yield record.cell.reranker.name
            elif self._has_stages and self.stage(record) is None:
                yield derived.first_stage(record)

    def _unlisted(self, name: str, groups: int) -> RowPosition | None:
        if not groups:
            return RowPosition(name=name, label=name, group="", order=(0, 0, name))
        if self._layout.other is None:
            return None
        return RowPosition(
            name=name, label=name, group=self._layout.other, order=(groups, 0, name)
        )


def _place(listed: LayoutName, title: str, group: int, at: int) -> RowPosition:
    return RowPosition(
        name=listed.name,
        label=listed.label or listed.name,
        group=title,
        order=(group, at, listed.name),
        link=listed.link if isinstance(listed, ListedModel) else None,
        own=isinstance(listed, ListedModel) and listed.own,
    )
