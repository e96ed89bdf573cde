"""Which figures of a table are means, and of which others: of columns beside, of rows above.

A table is seen as lines of cells, one line a row, or one a column where the mean is a row. Of the
sets of others that a mean may be over, the one is taken that its own figures bear out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, TypeAlias

from rerankbench.audit import columns as names
from rerankbench.audit.cells import Cell
from rerankbench.audit.tables import Table

Role: TypeAlias = Literal["average", "perhaps", "term", "number", "none"]
"""`perhaps`: a mean if its figures say so; `number`: a term if the mean's figures say so."""
_EXACT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cell's place in every line: what its name says of it, and the heading over it."""

    name: str
    role: Role
    group: tuple[str, ...] = ()
    lower: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of cells; `name` is that of its row, or of its column where lines are columns."""

    line: int
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A table by its rows, or by its columns; `unit` says what its places are.

    `doubtful` where a mean among the places may well be none: a method of that name.
    """

    unit: Literal["columns", "rows"]
    places: tuple[Place, ...]
    lines: tuple[Line, ...]
    doubtful: bool = False

    def of_role(self, *roles: Role) -> list[int]:
        """The places with these roles."""
        return [at for at, place in enumerate(self.places) if place.role in roles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A mean and what it is the mean of, as places; `weights` where some count more than others.

    `certain` where the names alone say so, not only the figures.
    """

    average: int
    terms: tuple[int, ...]
    weights: tuple[float, ...] = ()
    certain: bool = True

    def cells(self, line: Line, but: int | None = None) -> list[Cell]:
        """The cells of its terms that hold numbers."""
        return [line.cells[at] for at in self.terms if at != but and _has_number(line, at)]

    def is_complete(self, line: Line) -> bool:
        """Whether neither the mean nor any of its terms is blank."""
        return all(_has_number(line, at) for at in (self.average, *self.terms))

    def agrees(self, line: Line, but: int | None = None) -> bool:
        """Whether only rounding parts the printed mean from that of its terms."""
        weights = [
            weight
            for at, weight in zip(self.terms, self.weights, strict=False)
            if at != but and _has_number(line, at)
        ]
        return is_mean(line.cells[self.average], self.cells(line, but), weights)

    def expected(self, line: Line) -> str:
        """What its terms give, printed as the mean is."""
        printed = line.cells[self.average]
        mean = mean_of(self.cells(line), self.weights)
        # A mean in percent over shares of one.
        in_percent = (printed.number or 0.0) > 1.5 and mean <= 1 and 100 * mean > 1.5
        return printed.shows(100 * mean if in_percent else mean)


def _has_number(line: Line, at: int) -> bool:
    return line.cells[at].number is not None


def is_mean(average: Cell, cells: Sequence[Cell], weights: Sequence[float] = ()) -> bool:
    """Whether rounding alone can part them; an average in percent of shares is one too."""
    if average.number is None or not cells:
        return False
    mean = mean_of(cells, weights)
    slack = max(fmean(cell.half_unit for cell in cells), 0.0)
    return any(
        abs(average.number - scale * mean) <= average.half_unit + scale * slack + _EXACT
        for scale in (1, 100)
    )


def mean_of(cells: Sequence[Cell], weights: Sequence[float] = ()) -> float:
    """The mean of their numbers."""
    return fmean([cell.number or 0.0 for cell in cells], weights or None)


def by_rows(table: Table) -> View:
    """Lines are the table's rows, places its columns."""
    roles: dict[str, Role] = {"average": "average", "quality": "term", "number": "number"}
    places = []
    for at, column in enumerate(table.columns):
        role = roles.get(column.kind, "none")
        if role in ("term", "number") and names.may_name_average(column.headings[-1]):
            role = "perhaps"
        places.append(
            Place(name=column.name, role=role, group=column.group, lower=table.is_lower_better(at))
        )
    figures = [place for place in places if place.role != "none"]
    return View(
        unit="columns",
        places=tuple(places),
        lines=tuple(
            Line(line=row.line, name=row.full_name, cells=row.cells) for row in table.rows
        ),
        # Of collections in rows the columns are systems, one of which may be a mean of runs.
        doubtful=table.lists_collections
        or any(names.names_statistic(place.name) for place in figures),
    )


def by_columns(table: Table) -> View:
    """Lines are the table's columns of figures, places its rows."""
    places = tuple(
        Place(
            name=row.full_name,
            role="average" if row.is_average else "term" if row.is_one_of_many else "none",
            group=(row.block,),
        )
        for row in table.rows
    )
    lines = tuple(
        Line(
            line=table.line,
            name=column.name,
            cells=tuple(row.cells[at] for row in table.rows),
        )
        for at, column in enumerate(table.columns)
        if column.kind in ("quality", "average", "number")
    )
    doubtful = not table.lists_collections or any(
        names.names_statistic(row.name) for row in table.rows
    )
    return View(unit="rows", places=places, lines=lines, doubtful=doubtful)


def bases(view: View) -> Iterator[Basis]:
    """For every mean what it is the mean of; none for one that says it is over others."""
    for average in view.of_role("average", "perhaps"):
        found = _basis(view, average)
        if found is not None and (found.certain or _is_sure(view, found)):
            yield found


def _is_sure(view: View, basis: Basis) -> bool:
    """Whether the figures alone say that it is a mean of these: one that agrees may be chance."""
    agreeing = sum(basis.is_complete(line) and basis.agrees(line) for line in view.lines)
    fewest = 3 if view.places[basis.average].role == "perhaps" else 2
    return agreeing >= fewest and _is_borne_out(view, basis)


def _basis(view: View, average: int) -> Basis | None:
    name = view.places[average].name
    count = names.count_in(name)
    candidates = [
        candidate
        for candidate in _candidates(view, average)
        # "Average of 16" beside 8 columns: the others stand in another table.
        if len(candidate.terms) > 1 and count in (None, len(candidate.terms), _total(candidate))
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda each: (_is_borne_out(view, each), -candidates.index(each)))


def _total(basis: Basis) -> int:
    return int(sum(basis.weights))


def _is_borne_out(view: View, basis: Basis) -> bool:
    """Whether more than half of its lines agree."""
    whole = [line for line in view.lines if basis.is_complete(line)]
    return 2 * sum(map(basis.agrees, whole)) > len(whole)


def _candidates(view: View, average: int) -> Iterator[Basis]:
    """The sets that a mean may be over, likeliest first; the first is what the names say."""
    place, means = view.places[average], view.of_role("average")
    count = names.count_in(place.name)
    sure = place.role == "average" and not view.doubtful
    sure = sure and not names.names_other_mean(place.name)
    terms = [
        at
        for at in view.of_role("term")
        if not names.same_name(view.places[at].name) & names.same_name(names.left_out(place.name))
    ]
    alike = [at for at in terms if view.places[at].lower == place.lower]
    terms = alike if len(alike) > 1 else terms
    own = [at for at in terms if view.places[at].group == place.group]
    yield Basis(
        average=average,
        terms=tuple(own if len(own) > 1 and any(place.group) else terms),
        certain=sure,
    )
    others = [at for at in means if at != average]
    numbers = view.of_role("number")
    before = [at for at in means if at < average]
    after = [at for at in means if at > average]
    runs = (
        terms,
        [at for at in terms if max(before, default=-1) < at < average],
        [at for at in terms if average < at < min(after, default=len(view.places))],
        [at for at in terms if at < average],
        [at for at in terms if at > average],
        others,
        [at for at in others if at > average],
        sorted([*terms, *numbers]),
        [at for at in sorted([*terms, *numbers]) if at < average],
        numbers,
    )
    for run in runs:
        yield Basis(average=average, terms=tuple(run), certain=False)
    for run in (terms, others, sorted([*terms, *others])):
        counts = [names.count_in(view.places[at].name) for at in run]
        known = [float(each) for each in counts if each]
        if len(known) == len(counts) > 1:
            # The counts add up to the mean's own: its name says what it is over.
            told = sure and count == sum(known)
            yield Basis(average=average, terms=tuple(run), weights=tuple(known), certain=told)
