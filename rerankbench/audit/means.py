"""Which figures of a table are means, and of which others: of columns beside, of rows above.

Of the sets of others that a mean may be over, the one is taken that its own figures bear out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench.audit import names
from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.views import View, ViewLine

_EXACT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A mean and what it is the mean of, as places; `weights` where some count more than others.

    `certain` where the names alone say so, not only the figures.
    """

    average: int
    terms: tuple[int, ...]
    weights: tuple[float, ...] = ()
    certain: bool = True

    def cells(self, line: ViewLine, but: int | None = None) -> list[PrintedCell]:
        """The cells of its terms that hold numbers."""
        return [line.cells[at] for at in self.terms if at != but and _has_number(line, at)]

    def is_complete(self, line: ViewLine) -> bool:
        """Whether neither the mean nor any of its terms is blank."""
        return all(_has_number(line, at) for at in (self.average, *self.terms))

    def agrees(self, line: ViewLine, but: int | None = None) -> bool:
        """Whether only rounding parts the printed mean from that of its terms."""
        weights = [
            weight
            for at, weight in zip(self.terms, self.weights, strict=False)
            if at != but and _has_number(line, at)
        ]
        return is_mean(line.cells[self.average], self.cells(line, but), weights)

    def expected(self, line: ViewLine) -> str:
        """What its terms give, printed as the mean is."""
        printed = line.cells[self.average]
        mean = mean_of(self.cells(line), self.weights)
        # A mean in percent over shares of one.
        in_percent = printed.value > 1.5 and mean <= 1 and 100 * mean > 1.5
        return printed.shows(100 * mean if in_percent else mean)


def _has_number(line: ViewLine, at: int) -> bool:
    return line.cells[at].number is not None


def is_mean(
    average: PrintedCell, cells: Sequence[PrintedCell], weights: Sequence[float] = ()
) -> bool:
    """Whether rounding alone can part them; an average in percent of shares is one too."""
    if average.number is None or not cells:
        return False
    mean = mean_of(cells, weights)
    slack = max(fmean(cell.half_unit for cell in cells), 0.0)
    return any(
        abs(average.number - scale * mean) <= average.half_unit + scale * slack + _EXACT
        for scale in (1, 100)
    )


def mean_of(cells: Sequence[PrintedCell], weights: Sequence[float] = ()) -> float:
    """The mean of their numbers."""
    return fmean([cell.value for cell in cells], weights or None)


def bases(view: View) -> Iterator[Basis]:
    """For every mean what it is the mean of; none for one that says it is over others."""
    for average in view.of_role("average", "perhaps"):
        basis = _basis(view, average)
        if basis is not None and (basis.certain or _is_sure(view, basis)):
            yield basis


def _is_sure(view: View, basis: Basis) -> bool:
    """Whether the figures alone say that it is a mean of these: one that agrees may be chance."""
    agreeing = _agreeing(view, basis)
    fewest = 3 if view.places[basis.average].role == "perhaps" else 2
    return agreeing >= fewest and _is_borne_out(view, basis)


def _agreeing(view: View, basis: Basis) -> int:
    return sum(basis.is_complete(line) and basis.agrees(line) for line in view.lines)


def _basis(view: View, average: int) -> Basis | None:
    """The first of the sets that its figures bear out, or else the likeliest."""
    count = names.count_in(view.places[average].name)
    likeliest = None
    for candidate in _candidates(view, average):
        # "Average of 16" beside 8 columns: the others stand in another table.
        if len(candidate.terms) < 2 or count not in (
            None,
            len(candidate.terms),
            _total(candidate),
        ):
            continue
        if _is_borne_out(view, candidate):
            return candidate
        likeliest = likeliest or candidate
    return likeliest


def _total(basis: Basis) -> int:
    return int(sum(basis.weights))


def _is_borne_out(view: View, basis: Basis) -> bool:
    """Whether more than half of its lines agree."""
    whole = [line for line in view.lines if basis.is_complete(line)]
    return 2 * sum(map(basis.agrees, whole)) > len(whole)


def _candidates(view: View, average: int) -> Iterator[Basis]:
    """The sets that a mean may be over, likeliest first; the first is what the names say."""
    place = view.places[average]
    sure = place.role == "average" and not view.doubtful and not names.names_other_mean(place.name)
    terms = _terms(view, average)
    own = [at for at in terms if view.places[at].group == place.group]
    said = own if len(own) > 1 and any(place.group) else terms
    yield Basis(average=average, terms=tuple(said), certain=sure)
    others = [at for at in view.of_role("average") if at != average]
    for run in (*_runs(view, average, terms, others), *_nearest(view, average, terms)):
        yield Basis(average=average, terms=tuple(run), certain=False)
    for run in (terms, others, sorted([*terms, *others])):
        counts = [names.count_in(view.places[at].name) for at in run]
        known = [float(count) for count in counts if count]
        if len(known) == len(counts) > 1:
            # The counts add up to the mean's own: its name says what it is over.
            told = sure and names.count_in(place.name) == sum(known)
            yield Basis(average=average, terms=tuple(run), weights=tuple(known), certain=told)


def _terms(view: View, average: int) -> list[int]:
    """All figures of the mean's kind, but those of which its name says that they are left out."""
    place = view.places[average]
    left_out = names.same_name(names.left_out(place.name))
    terms = [
        at for at in view.of_role("term") if not names.same_name(view.places[at].name) & left_out
    ]
    alike = [at for at in terms if view.places[at].lower == place.lower]
    return alike if len(alike) > 1 else terms


def _runs(
    view: View, average: int, terms: Sequence[int], others: Sequence[int]
) -> Iterator[Sequence[int]]:
    """Terms between two means, on one side of it, with numbers of other kinds, and other means."""
    before = max((at for at in others if at < average), default=-1)
    after = min((at for at in others if at > average), default=len(view.places))
    numbers = view.of_role("number")
    every = sorted([*terms, *numbers])
    yield terms
    yield [at for at in terms if before < at < average]
    yield [at for at in terms if average < at < after]
    yield [at for at in terms if at < average]
    yield [at for at in terms if at > average]
    yield others
    yield [at for at in others if at > average]
    yield every
    yield [at for at in every if at < average]
    yield numbers


def _nearest(view: View, average: int, terms: Sequence[int]) -> Iterator[Sequence[int]]:
    """`DL19 | DL20 | NQ | FiQA | BEIR avg`: those next to it, where several lines say so."""
    near = [at for at in terms if at < average]
    # Where a line agrees with all terms, two lines that agree with fewer may do so by chance,
    # which would hide a wrong average in one of them.
    every = Basis(average=average, terms=tuple(terms), certain=False)
    fewest = 3 if len(terms) > 1 and _agreeing(view, every) else 2
    for first in range(1, len(near) - 1):
        nearest = Basis(average=average, terms=tuple(near[first:]), certain=False)
        if _agreeing(view, nearest) >= fewest:
            yield near[first:]
