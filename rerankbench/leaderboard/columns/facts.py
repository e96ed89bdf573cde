"""Columns that say what a row is: its name, its size, what is known of the model."""

from __future__ import annotations

from typing import Literal

from rerankbench import figures, known_models
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.lines import Line
from rerankbench.leaderboard.table import Entry


class ModelColumn(Column):
    """The name of the reranker."""

    usual_header = "Reranker"

    kind: Literal["model"]


class ParametersColumn(Column):
    """How many weights the model has."""

    usual_header = "Parameters"

    kind: Literal["parameters"]


class FactColumn(Column):
    """A fact of the list of known models; blank for a model that is not in it."""

    kind: Literal["fact"]
    fact: Literal["licence", "released", "provider", "max_length", "price"]

    @property
    def head(self) -> str:
        """Without a header the name of the fact."""
        usual = self.fact.replace("_", " ").capitalize()
        return usual if self.header is None else self.header


class QueriesColumn(Column):
    """How many queries count in the mean."""

    usual_header = "Queries"

    kind: Literal["queries"]


def model(column: ModelColumn, line: Line, context: Context) -> Entry:
    """The row's label."""
    return Entry(value=line.label)


def parameters(column: ParametersColumn, line: Line, context: Context) -> Entry:
    """The weights of the newest record."""
    return Entry(value=line.newest.cell.reranker.parameters, form="magnitude")


def fact(column: FactColumn, line: Line, context: Context) -> Entry:
    """What the list of known models says."""
    known = known_models.find(line.newest.cell.reranker.name)
    if known is None:
        return Entry()
    if column.fact == "max_length":
        return Entry(value=known.max_length, form="fixed")
    if column.fact == "price":
        return Entry(value=known.price.text if known.price else None)
    return Entry(value=getattr(known, column.fact))


def queries(column: QueriesColumn, line: Line, context: Context) -> Entry:
    """The queries of all collections in the row."""
    count = sum(figures.query_count(record) for record in line.records.values())
    return Entry(value=count, form="fixed")
