"""Which figures of a table are means, and of which columns beside or rows above.

Of the possible sets, the one is chosen that agrees with the mean's own figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod, sqrt, tau
from statistics import fmean, pstdev

from rerankbench.audit import names
from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.views import View, ViewLine

_EXACT = 1e-9
_SURE, _LIKELY = 1 / 2000, 1 / 50
"""The greatest chance of agreement at which it shows, or suggests, that a mean is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A mean and its terms, as indices; `weights` if some count more than others.

    `certain` if the names say so, not only the figures; `likely` if neither does, and one of two
    lines agrees.
    """

    average: int
    terms: tuple[int, ...]
    weights: tuple[float, ...] = ()
    certain: bool = True
    likely: bool = False

    def cells(self, line: ViewLine, but: int | None = None) -> list[PrintedCell]:
        """The cells of its terms that have numbers."""
        return [line.cells[at] for at in self.terms if at != but and _has_number(line, at)]

    def is_complete(self, line: ViewLine) -> bool:
        """Whether neither the mean nor any of its terms is blank."""
        return all(_has_number(line, at) for at in (self.average, *self.terms))

    def agrees(self, line: ViewLine, but: int | None = None) -> bool:
        """Whether the printed mean differs only by rounding from that of its terms."""
        weights = [
            weight
            for at, weight in zip(self.terms, self.weights, strict=False)
            if at != but and _has_number(line, at)
        ]
        return is_mean(line.cells[self.average], self.cells(line, but), weights)

    def expected(self, line: ViewLine) -> str:
        """The mean of its terms, in the form of the printed one."""
        printed = line.cells[self.average]
        mean = mean_of(self.cells(line), self.weights)
        # A mean in percent over shares of 1.
        in_percent = printed.value > 1.5 and mean <= 1 and 100 * mean > 1.5
        return printed.shows(100 * mean if in_percent else mean)


def _has_number(line: ViewLine, at: int) -> bool:
    return line.cells[at].number is not None


def is_mean(
    average: PrintedCell, cells: Sequence[PrintedCell], weights: Sequence[float] = ()
) -> bool:
    """Whether they differ only by rounding, perhaps with the average in percent of shares."""
    if average.number is None or not cells:
        return False
    mean = mean_of(cells, weights)
    slack = max(fmean(cell.half_unit for cell in cells), 0.0)
    return any(
        abs(average.number - scale * mean) <= average.half_unit + scale * slack + _EXACT
        for scale in (1, 100)
    )


def mean_of(cells: Sequence[PrintedCell], weights: Sequence[float] = ()) -> float:
    return fmean([cell.value for cell in cells], weights or None)


def bases(view: View) -> Iterator[Basis]:
    """The terms of every mean; none for means that are over something else."""
    for average in view.of_role("average", "perhaps"):
        basis = _basis(view, average)
        if basis is not None and (basis.certain or _is_sure(view, basis)):
            yield basis
        elif basis is not None and _is_likely(view, basis):
            yield replace(basis, likely=True)


def _is_sure(view: View, basis: Basis) -> bool:
    """Whether figures alone prove the mean: more lines agree than by coincidence."""
    agreeing = _agreeing(view, basis)
    if view.places[basis.average].role == "perhaps" and agreeing < 3:
        sure = _is_of_all(view, basis) and _chance(view, basis) <= _SURE
    else:
        sure = agreeing >= 2
    return sure and _is_borne_out(view, basis)


def _is_likely(view: View, basis: Basis) -> bool:
    whole = sum(map(basis.is_complete, view.lines))
    return whole == 2 and _is_of_all(view, basis) and _chance(view, basis) <= _LIKELY


def _is_of_all(view: View, basis: Basis) -> bool:
    """Whether what is perhaps a mean is one of all that stand beside it, if of any.

    Of many sets that are tried one is met by chance.
    """
    perhaps = view.places[basis.average].role == "perhaps"
    every = next(_candidates(view, basis.average))
    return perhaps and not view.doubtful and basis.terms == every.terms


def _chance(view: View, basis: Basis) -> float:
    """How likely lines agree as they do if the figure is another mean, with weights of its own.

    Such a mean lies about as far from the plain one as a mean of that many drawn figures does.
    """
    chances = []
    for line in view.lines:
        if basis.is_complete(line) and basis.agrees(line):
            cells = basis.cells(line)
            deviation = pstdev(cell.value for cell in cells) / sqrt(len(cells))
            half = line.cells[basis.average].half_unit + fmean(cell.half_unit for cell in cells)
            chances.append(min(1.0, 2 * half / (sqrt(tau) * deviation)) if deviation else 1.0)
    return prod(chances)


def _agreeing(view: View, basis: Basis) -> int:
    return sum(basis.is_complete(line) and basis.agrees(line) for line in view.lines)


def _basis(view: View, average: int) -> Basis | None:
    """The first candidate that agrees with its figures, or else the most likely one."""
    count = names.count_in(view.places[average].name)
    likeliest = None
    for candidate in _candidates(view, average):
        # "Average of 16" beside 8 columns: the others are in another table.
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
    complete = [line for line in view.lines if basis.is_complete(line)]
    return 2 * sum(map(basis.agrees, complete)) > len(complete)


def _candidates(view: View, average: int) -> Iterator[Basis]:
    """The possible sets of terms, most likely first; the first is what the names say."""
    place = view.places[average]
    sure = place.role == "average" and not view.doubtful and not names.names_other_mean(place.name)
    terms = _terms(view, average)
    own = [at for at in terms if view.places[at].group == place.group]
    named = own if len(own) > 1 and any(place.group) else terms
    yield Basis(average=average, terms=tuple(named), certain=sure)
    others = [at for at in view.of_role("average") if at != average]
    for run in (*_runs(view, average, terms, others), *_nearest(view, average, terms)):
        yield Basis(average=average, terms=tuple(run), certain=False)
    for run in (terms, others, sorted([*terms, *others])):
        counts = [names.count_in(view.places[at].name) for at in run]
        known = [float(count) for count in counts if count]
        if len(known) == len(counts) > 1:
            # The counts add up to the mean's own count: its name says what it is over.
            is_stated = sure and names.count_in(place.name) == sum(known)
            yield Basis(average=average, terms=tuple(run), weights=tuple(known), certain=is_stated)


def _terms(view: View, average: int) -> list[int]:
    """All figures of the mean's kind, except those that its name excludes."""
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
    """Terms between two means, or on one side; also with numbers of other kinds or other means."""
    before = max((at for at in others if at < average), default=-1)
    after = min((at for at in others if at > average), default=len(view.places))
    numbers = view.of_role("number")
    terms_and_numbers = sorted([*terms, *numbers])
    yield terms
    yield [at for at in terms if before < at < average]
    yield [at for at in terms if average < at < after]
    yield [at for at in terms if at < average]
    yield [at for at in terms if at > average]
    yield others
    yield [at for at in others if at > average]
    yield terms_and_numbers
    yield [at for at in terms_and_numbers if at < average]
    yield numbers


def _nearest(view: View, average: int, terms: Sequence[int]) -> Iterator[Sequence[int]]:
    """`DL19 | DL20 | NQ | FiQA | BEIR avg`: the terms next to it, if several lines agree."""
    near = [at for at in terms if at < average]
    # If a line agrees with all terms, two lines may agree with fewer by coincidence, which would
    # hide a wrong average in one of them.
    all_terms = Basis(average=average, terms=tuple(terms), certain=False)
    fewest = 3 if len(terms) > 1 and _agreeing(view, all_terms) else 2
    for first in range(1, len(near) - 1):
        nearest = Basis(average=average, terms=tuple(near[first:]), certain=False)
        if _agreeing(view, nearest) >= fewest:
            yield near[first:]
