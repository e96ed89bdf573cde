"""Figures that others have printed, with their sources, to stand beside measured ones.

`data/published/` has one file a source. A figure is kept as it was printed; a blank stays a blank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rerankbench.errors import InputError, nearest

DOCS_PER_S = "docs_per_s"
UNBOUNDED = (DOCS_PER_S, "elo", "latency_s", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms")
"""The metrics that are no share of 1; all others are stored between 0 and 1."""
_SETTINGS: Mapping[str, type] = {
    "model": str,
    "collection": str,
    "average_of": list,
    "metric": str,
    "first_stage": str,
    "depth": int,
    "adds_positives": bool,
    "hardware": str,
    "note": str,
    "doubt": str,
    "decimals": int,
    "scale": int,
}
_DATE = re.compile(r"\d{4}(-\d{2}){0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures were printed; `date` is YYYY, YYYY-MM or YYYY-MM-DD, None where not stated."""

    title: str
    authors: str
    url: str
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """One printed figure and its setting; None and an empty text are not stated, never a guess.

    `value` is a share of 1 even where percents were printed, and `decimals` counts its digits.
    `collection` is the short name of a known collection, or the source's own name for another; a
    printed average has none, but `average_of`. `first_stage` is `bm25` or as printed. `doubt` says
    why a figure is not to be believed as printed.
    """

    model: str
    metric: str
    value: float
    decimals: int
    source: Source
    table: str
    collection: str | None = None
    average_of: tuple[str, ...] = ()
    first_stage: str | None = None
    depth: int | None = None
    adds_positives: bool = False
    hardware: str = "not stated"
    note: str = ""
    doubt: str = ""


@cache
def published() -> tuple[PublishedFigure, ...]:
    """All figures, by file, table, row and column."""
    folder = files("rerankbench").joinpath("known", "published_figures")
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return tuple(
        figure for file in found for figure in parse(file.read_text(encoding="utf-8"), str(file))
    )


def find(
    spellings: AbstractSet[str],
    collection: str,
    metric: str,
    *,
    first_stage: str | None = None,
    depth: int | None = None,
) -> list[PublishedFigure]:
    """The figures of a model on a collection, in the order of the files.

    `spellings` are the model's names in lower case; `collection` is a short name. Without first
    stage or depth, figures of any are found.
    """
    return [
        each
        for each in published()
        if each.model.casefold() in spellings
        and each.collection == collection
        and each.metric == metric
        and first_stage in (None, each.first_stage)
        and depth in (None, each.depth)
    ]


def speeds() -> list[tuple[PublishedFigure, ...]]:
    """Docs / Sec, by table."""
    tables: dict[tuple[Source, str], list[PublishedFigure]] = {}
    for each in published():
        if each.metric == DOCS_PER_S:
            tables.setdefault((each.source, each.table), []).append(each)
    return [tuple(found) for found in tables.values()]


def parse(text: str, file: str) -> tuple[PublishedFigure, ...]:
    """The figures of one YAML file. Raises InputError that names table and row."""
    import yaml

    place = "the file"
    try:
        whole = yaml.safe_load(text)
        _keys(whole, known=("title", "authors", "url", "date", "tables"), optional=("date",))
        source = _source(whole)
        figures: list[PublishedFigure] = []
        for table in whole["tables"]:
            place = f"table {table.get('name')}" if isinstance(table, dict) else "a table"
            own = (*_SETTINGS, "name", "columns", "rows")
            _keys(table, known=own, optional=_SETTINGS)
            for number, row in enumerate(table["rows"], start=1):
                place = f"table {table['name']}, row {number}"
                figures += _row(row, table, source)
        return tuple(figures)
    except yaml.YAMLError:
        raise InputError(file, "not YAML", remedy="mend the YAML") from None
    except ValueError as error:
        raise InputError(file, f"{place}: {error}", remedy="mend it there") from None


def _keys(
    mapping: Any, *, known: Sequence[str], optional: Sequence[str] | Mapping[str, Any]
) -> None:
    if not isinstance(mapping, dict):
        raise ValueError("is no mapping of keys to values")
    for key in mapping:
        if key not in known:
            raise ValueError(f"unknown key '{key}'; {nearest(str(key), known)}")
    missing = [key for key in known if key not in mapping and key not in optional]
    if missing:
        raise ValueError(f"has no {' and no '.join(missing)}")
    for key in ("tables", "columns", "rows", "values"):
        if key in mapping and not (isinstance(mapping[key], list) and mapping[key]):
            raise ValueError(f"{key}: is no list")


def _source(whole: Mapping[str, Any]) -> Source:
    # YAML reads YYYY-MM-DD as a date and YYYY as a number.
    date = str(whole["date"]) if "date" in whole else None
    if date is not None and not _DATE.fullmatch(date):
        raise ValueError(f"date: '{date}' is no YYYY, YYYY-MM or YYYY-MM-DD")
    if not str(whole["url"]).startswith("https://"):
        raise ValueError(f"url: '{whole['url']}' does not begin with https://")
    return Source(title=whole["title"], authors=whole["authors"], url=whole["url"], date=date)


def _row(row: Any, table: Mapping[str, Any], source: Source) -> Iterator[PublishedFigure]:
    _keys(row, known=(*_SETTINGS, "values"), optional=_SETTINGS)
    columns, values = table["columns"], row["values"]
    if len(values) != len(columns):
        raise ValueError(f"has {len(values)} values for {len(columns)} columns")
    for column, value in zip(columns, values, strict=True):
        named = {"collection": column} if isinstance(column, str) else column
        _keys(named, known=tuple(_SETTINGS), optional=_SETTINGS)
        if value is not None:
            yield _figure({**table, **row, **named}, value, source)


def _figure(settings: Mapping[str, Any], value: Any, source: Source) -> PublishedFigure:
    given = {key: settings[key] for key in _SETTINGS if key in settings}
    for key, setting in given.items():
        if type(setting) is not _SETTINGS[key]:
            raise ValueError(f"{key}: {setting!r} is no {_SETTINGS[key].__name__}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no figure")
    for key in ("model", "metric"):
        if key not in given:
            raise ValueError(f"names no {key} for {value}")
    scale, decimals = given.pop("scale", 1), given.pop("decimals", 3)
    if scale not in (1, 100):
        raise ValueError(f"scale: {scale} is neither 1 nor 100")
    decimals += 2 if scale == 100 else 0
    share = round(value / scale, decimals)
    if given["metric"] not in UNBOUNDED and share > 1:
        raise ValueError(f"{value} is more than {scale}, which {given['metric']} cannot be")
    return PublishedFigure(
        **{**given, "average_of": tuple(given.get("average_of", ()))},
        value=share,
        decimals=decimals,
        source=source,
        table=settings["name"],
    )
