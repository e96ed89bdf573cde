"""What a run would do, without loading a model: cells, pairs, tokens, hours and dollars.

Collections are read, which keeps their content hashes in the cache; nothing else is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

from rerankbench.errors import InputError
from rerankbench.files.trec import read_run
from rerankbench.known import models as known_models
from rerankbench.run import candidates as candidate_lists
from rerankbench.run.cells import journal_header, journal_path
from rerankbench.run.finished_scores import siblings
from rerankbench.run.journal import Journal
from rerankbench.run.past_speed import PastSpeeds
from rerankbench.run.pipeline import lacks_speed
from rerankbench.run.plan import Group, PlannedCell, open_group
from rerankbench.run.sample_texts import TextSample, sample
from rerankbench.run.work import Work
from rerankbench.types import Price, Ranking

State: TypeAlias = Literal[
    "finished", "to evaluate", "to measure", "to fuse", "half-done", "to do"
]
"""A `finished` cell's record is there. One `to evaluate` lacks metrics, computed from its run file
alone; one `to measure` lacks the speed; one `to fuse` is made of the scores of its plain row; of a
`half-done` one some pairs have scores."""
DOCUMENTS_PER_SEARCH = 100
"""How many documents services count as one search, if they bill by the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellForecast:
    """The work that is left of one cell; None where unknown.

    `seconds` covers scoring and measuring the speed.
    """

    reranker: str
    state: State
    pairs: int
    pairs_left: int
    tokens_left: int | None
    seconds: float | None
    cost: float | None
    price: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupForecast:
    """The cells of one collection, first stage and depth.

    `pairs_are_known` if the first stage's rankings are in the cache; else `pairs` is the largest
    possible number.
    """

    collection: str
    split: str
    first_stage: str
    depth: int
    queries: int
    pairs: int
    pairs_are_known: bool
    cells: tuple[CellForecast, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run would do; `measuring_s` is about how long measuring a cell's speed takes."""

    suite: str
    results: str
    groups: tuple[GroupForecast, ...]
    measuring_s: float

    @property
    def cells(self) -> list[CellForecast]:
        return [cell for group in self.groups for cell in group.cells]


def forecast(work: Work) -> Forecast:
    """Look at every cell of the plan. Raises InputError for a collection that cannot be read."""
    config = work.plan.config
    speeds = PastSpeeds(config.results)
    groups = (open_group(work.plan, group) for group in work.plan.groups)
    return Forecast(
        suite=work.store.suite,
        results=str(config.results),
        groups=tuple(_group(work, group, speeds) for group in groups),
        measuring_s=config.speed.budget_s if config.speed.enabled else 0.0,
    )


def _group(work: Work, group: Group, speeds: PastSpeeds) -> GroupForecast:
    rankings = _kept_candidates(work, group)
    documents = group.collection.document_count()
    if rankings is not None:
        pairs = sum(len(ranking.hits) for ranking in rankings)
    else:
        depth = group.depth if documents is None else min(group.depth, documents)
        pairs = len(group.queries) * depth
    text_sample = sample(group.collection, group.queries, rankings)
    look = _Look(
        work=work,
        group=group,
        rankings=rankings,
        pairs=pairs,
        documents=_distinct(rankings) if rankings is not None else documents or pairs,
        text_sample=text_sample,
        speeds=speeds,
    )
    return GroupForecast(
        collection=group.collection_ref.name,
        split=group.collection_ref.split,
        first_stage=group.first_stage_ref.name,
        depth=group.depth,
        queries=len(group.queries),
        pairs=pairs,
        pairs_are_known=rankings is not None,
        cells=look.cells(),
    )


def _kept_candidates(work: Work, group: Group) -> list[Ranking] | None:
    """The candidates that an earlier run left in the cache, or None."""
    depth = group.depth + 1 if group.own_ids else group.depth
    name = group.first_stage_ref.name
    stage = group.first_stage
    path = candidate_lists.cached_path(
        group.collection, group.queries, stage, name, depth, work.cache
    )
    if not path.exists():
        return None
    try:
        # A run file has no lines for queries without hits.
        hits = {ranking.query_id: ranking for ranking in read_run(path)}
    except InputError:
        return None
    empty = (Ranking(query_id=query.query_id, hits=()) for query in group.queries)
    rankings = [
        candidate_lists.cut(
            hits.get(ranking.query_id, ranking),
            group.depth,
            drop_own_id=ranking.query_id in group.own_ids,
        )
        for ranking in empty
    ]
    if group.adds_positives:
        rankings, _ = candidate_lists.add_positives(rankings, group.qrels)
    return rankings


def _distinct(rankings: Sequence[Ranking]) -> int:
    return len({hit.doc_id for ranking in rankings for hit in ranking.hits})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What forecasts of a group's cells are based on."""

    work: Work
    group: Group
    rankings: Sequence[Ranking] | None
    pairs: int
    documents: int
    text_sample: TextSample
    speeds: PastSpeeds

    def cells(self) -> tuple[CellForecast, ...]:
        """A forecast of each cell, in the group's order; shared scores are counted once."""
        # By object: rows that differ in their name alone have the same keys.
        found: dict[int, CellForecast] = {}
        for together in siblings(self.group.cells):
            scored, measured = self._kept(together[0])
            for cell in together:
                forecast = self._cell(cell, scored=scored, measured=measured)
                found[id(cell)] = forecast
                scored = scored or forecast.state in ("half-done", "to do")
                measured = measured or forecast.state not in ("finished", "to evaluate")
        return tuple(found[id(cell)] for cell in self.group.cells)

    def _kept(self, cell: PlannedCell) -> tuple[bool, bool]:
        """Whether a finished plain row holds the scores of a cell, and the speed with them."""
        store = self.work.store
        record = store.find(cell.plain_quality_key, cell.speed_key)
        if (
            self.work.fresh
            or record is None
            or not store.run_path(cell.plain_quality_key).exists()
        ):
            return False, False
        return True, record.measurements.throughput is not None

    def _cell(self, cell: PlannedCell, *, scored: bool, measured: bool) -> CellForecast:
        state, journalled = self._state(cell)
        if scored and cell.model.fusion is not None and state in ("to do", "half-done"):
            state = "to fuse"
        left = self.pairs - journalled if state in ("to do", "half-done") else 0
        reads = cell.model.factory.scores_documents
        tokens = self._tokens(cell, left) if reads else 0
        seconds = self._seconds(cell, state, left, tokens, measured=measured) if reads else 0.0
        price = self._price(cell)
        return CellForecast(
            reranker=cell.cell.reranker.name,
            state=state,
            pairs=self.pairs,
            pairs_left=left,
            tokens_left=tokens,
            seconds=seconds,
            cost=None if price is None else self._cost(price, left, tokens, seconds),
            price=price,
        )

    def _state(self, cell: PlannedCell) -> tuple[State, int]:
        """The state of the cell, and how many of its pairs have scores in a journal."""
        if self.work.fresh:
            return "to do", 0
        store, config = self.work.store, self.work.plan.config
        record = store.find(cell.quality_key, cell.speed_key)
        if record is not None:
            level = record.cell.collection.relevance_level
            metrics = {metric.name for metric in self.group.metrics}
            is_incomplete = level != self.group.collection_ref.relevance_level
            is_incomplete = is_incomplete or not metrics <= record.per_query.keys()
            if not is_incomplete or store.run_path(cell.quality_key).exists():
                if lacks_speed(config, cell, record):
                    return "to measure", 0
                return ("to evaluate" if is_incomplete else "finished"), 0
        scored = self._journalled(cell)
        return ("half-done" if scored else "to do"), scored

    def _journalled(self, cell: PlannedCell) -> int:
        """How many pairs a run would resume; 0 without cached candidates."""
        if self.rankings is None or not journal_path(cell).exists():
            return 0
        listed = [
            [ranking.query_id, *(hit.doc_id for hit in ranking.hits)] for ranking in self.rankings
        ]
        header = journal_header(cell, listed, self.work.plan.environment)
        return len(Journal(journal_path(cell), header).scores)

    def _tokens(self, cell: PlannedCell, left: int) -> int | None:
        """Tokens left to read, as counted in an earlier run or from a text sample."""
        counted = self.speeds.tokens_per_pair(cell.cell)
        if counted is not None:
            return round(left * counted)
        share = left / self.pairs if self.pairs else 0.0
        return self.text_sample.tokens(
            cell.cell.reranker,
            queries=round(share * len(self.group.queries)),
            pairs=left,
            documents=round(share * min(self.documents, self.pairs)),
        )

    def _seconds(
        self, cell: PlannedCell, state: State, left: int, tokens: int | None, *, measured: bool
    ) -> float | None:
        speed = self.work.plan.config.speed
        measuring = speed.enabled and state not in ("finished", "to evaluate")
        if measured and cell.model.fusion is not None:
            measuring = False
        scoring = self.speeds.seconds(cell.cell, cell.speed_key, left, tokens) if left else 0.0
        return None if scoring is None else scoring + (speed.budget_s if measuring else 0.0)

    def _price(self, cell: PlannedCell) -> Price | None:
        """The config's, or the known list price of a service."""
        remote = cell.cell.engine.device == "remote"
        model = known_models.find(cell.model.spec.model) if remote else None
        return cell.cell.reranker.price or (None if model is None else model.price)

    def _cost(
        self, price: Price, left: int, tokens: int | None, seconds: float | None
    ) -> float | None:
        share = left / self.pairs if self.pairs else 0.0
        searches = len(self.group.queries) * ceil(self.group.depth / DOCUMENTS_PER_SEARCH)
        units = {
            "token": tokens,
            "search": ceil(share * searches),
            "hour": None if seconds is None else seconds / 3600,
        }[price.unit]
        return None if units is None else price.amount * units / price.per
