"""Columns that say what a row is: its name, its size, what is known of the model."""

from __future__ import annotations

from typing import Literal

from rerankbench.known import models
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived, row_names
from rerankbench.results.figures import PARAMETERS, QUERIES


class ModelColumn(Column):
    """The name of the reranker."""

    usual_header = "Reranker"

    kind: Literal["model"]
    links: bool = False

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The row's label, linked as the layout says, or to a known model's page on the hub."""
        link = row.link or _hub_page(row_names.without_settings(row.newest.cell.reranker.name))
        return Entry(value=row.label, link=link if self.links else None)


class FamilyColumn(Column):
    """The title of the row's family, once for its block; no group rows are needed beside it."""

    usual_header = "Family"
    spans = True

    kind: Literal["family"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        return Entry(value=row.block)


class FirstStageColumn(Column):
    """The row's first stage, once for its block: rows are first stages × rerankers then."""

    usual_header = "First stage"
    spans = True

    kind: Literal["first_stage"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        return Entry(value=row.block)


class ParametersColumn(Column):
    """How many weights the model has; `baseline` is printed for rows that are no model."""

    usual_header = PARAMETERS.head

    kind: Literal["parameters"]
    baseline: str | None = None

    def explained(self, context: Context) -> str:
        return "weights of the model"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        if self.baseline is not None and derived.is_baseline(row.newest):
            return Entry(value=self.baseline)
        return Entry(value=PARAMETERS.number(row.newest), form=PARAMETERS.form)


class FactColumn(Column):
    """A fact of the list of known models; blank for a model that is not in it."""

    kind: Literal["fact"]
    fact: Literal["licence", "released", "provider", "max_length", "price"]

    @property
    def head(self) -> str:
        """The given header, or else the name of the fact."""
        usual = self.fact.replace("_", " ").capitalize()
        return usual if self.header is None else self.header

    def fill(self, row: RowRecords, context: Context) -> Entry:
        known = models.find(row_names.without_settings(row.newest.cell.reranker.name))
        if known is None:
            return Entry()
        if self.fact == "max_length":
            return Entry(value=known.max_length, form="fixed")
        if self.fact == "price":
            return Entry(value=known.price.text if known.price else None)
        return Entry(value=getattr(known, self.fact))


class QueriesColumn(Column):
    """How many queries the mean is over."""

    usual_header = QUERIES.head

    kind: Literal["queries"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        count = sum(derived.query_count(record) for record in row.records.values())
        return Entry(value=count, form="fixed")


def _hub_page(name: str) -> str | None:
    known = models.find(name)
    # An unknown name may be a folder; one without a slash is an API's name, not a page on the hub.
    if known is None or "/" not in known.name:
        return None
    return f"https://huggingface.co/{known.name}"
