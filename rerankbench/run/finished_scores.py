"""What one pass over the candidates gave, for all cells that differ in their fusion alone.

A fused row needs no pass of its own: its scores and its speed are those of its plain row, whose
run file holds them once it is finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rerankbench.errors import InputError
from rerankbench.run import quality
from rerankbench.run.plan import PlannedCell
from rerankbench.run.work import Work
from rerankbench.types import CandidateLists, Environment, Measurements, Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedScores:
    """A reranker's own rankings, one a query in the order of the candidates, and their record.

    `environment` is where they came from, `warnings` what there is to say of them besides ties.
    """

    rankings: tuple[Ranking, ...]
    pairs: int
    truncated_pairs: int
    environment: Environment
    measurements: Measurements
    warnings: tuple[str, ...]
    checks: Mapping[str, str]


def siblings(cells: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    """Cells that share their scores, together: the plain one first, then in the given order."""
    together: dict[str, list[PlannedCell]] = {}
    for cell in cells:
        together.setdefault(cell.scores_key, []).append(cell)
    # Sorting keeps the order of those that are alike.
    return [
        sorted(each, key=lambda cell: cell.model.fusion is not None) for each in together.values()
    ]


def of_plain_row(work: Work, cell: PlannedCell, lists: CandidateLists) -> FinishedScores | None:
    """The scores of a fused cell where its plain row is finished and its run file is its own."""
    if work.fresh or cell.model.fusion is None:
        return None
    record = work.store.find(cell.plain_quality_key, cell.speed_key)
    if record is None:
        return None
    try:
        found = work.store.rankings(record)
    except InputError as error:
        work.progress.warn(f"{str(error).partition(';')[0]}; its pairs are scored again")
        return None
    rankings = None if found is None else _in_order(found, lists)
    if rankings is None:
        return None
    return FinishedScores(
        rankings=rankings,
        pairs=record.scored_pairs,
        truncated_pairs=record.truncated_pairs,
        environment=record.environment,
        measurements=record.measurements,
        warnings=tuple(each for each in record.warnings if not quality.is_about_ties(each)),
        checks=record.checks,
    )


def _in_order(found: Sequence[Ranking], lists: CandidateLists) -> tuple[Ranking, ...] | None:
    """One ranking for each list of candidates; None where they are of other candidates."""
    # Queries without hits stand in no run file.
    hits = {ranking.query_id: ranking.hits for ranking in found}
    rankings = []
    for each in lists.candidates:
        ranking = Ranking(query_id=each.query.query_id, hits=hits.pop(each.query.query_id, ()))
        if ranking.scores().keys() != {document.doc_id for document in each.documents}:
            return None
        rankings.append(ranking)
    return None if hits else tuple(rankings)
