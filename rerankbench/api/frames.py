"""The frames of a result; pandas is imported when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rerankbench.compare import side_by_side
from rerankbench.compare.pairs import pair_rerankers
from rerankbench.errors import InputError
from rerankbench.interchange import frame
from rerankbench.registry import naming
from rerankbench.results import derived, grouping
from rerankbench.results.figures import DOCS_PER_S, HEAD, PARAMETERS, QUERIES, flat
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

if TYPE_CHECKING:
    import pandas as pd

_CELL = tuple(figure for figure in HEAD if figure.name != "suite")
_AFTER = (DOCS_PER_S, PARAMETERS, QUERIES)


def leaderboard(records: Sequence[Record], metrics: Sequence[str]) -> pd.DataFrame:
    """One row per record, task by task, the best first by the first of the metrics."""
    import pandas as pd

    held = [naming.metric_as_held(metric) for metric in metrics]
    columns = {derived.name_for(records, name): name for name in held}

    def best_first(record: Record) -> float:
        return -(derived.mean_of(record, held[0]) or 0.0)

    rows = [
        {
            **flat(record, _CELL),
            **{column: derived.mean_of(record, name) for column, name in columns.items()},
            **flat(record, _AFTER),
        }
        for _, task in groupby(records, key=lambda record: record.task)
        for record in sorted(task, key=best_first)
    ]
    types = {figure.name: figure.dtype for figure in _AFTER if figure.dtype is not None}
    return pd.DataFrame(rows).astype({**types, **dict.fromkeys(columns, "float64")})


def per_query(archive: RecordSet) -> pd.DataFrame:
    """As `load_per_query` has it, with each query's text before its value."""
    found = frame.per_query_frame(archive.records)
    texts = [
        text for record in grouping.in_order(archive.records) for text in _texts(archive, record)
    ]
    found.insert(len(found.columns) - 1, "query", texts)
    return found


def _texts(archive: RecordSet, record: Record) -> Iterator[str | None]:
    """The text behind each value of a record, metric by metric."""
    task = archive.task(record)
    texts = {} if task is None else {topic.query_id: topic.text for topic in task.topics}
    for values in record.per_query.values():
        yield from map(texts.get, values)


def rankings(archive: RecordSet) -> pd.DataFrame:
    """One row per record, query and document, in the order of the ranking."""
    import pandas as pd

    rows = [row for record in grouping.in_order(archive.records) for row in _hits(archive, record)]
    names = [figure.name for figure in _CELL]
    columns = [*names, "query_id", "rank", "doc_id", "score", "first_stage_rank", "grade"]
    types = {"first_stage_rank": "Int64", "grade": "Int64", "score": "float64"}
    return pd.DataFrame(rows, columns=columns).astype(types)


def _hits(archive: RecordSet, record: Record) -> Iterator[tuple[Any, ...]]:
    found = archive.rankings(record)
    if found is None:
        store = archive.store(record)
        place = "the run file" if store is None else store.run_path(record.quality_key)
        problem = f"is not what '{record.cell.reranker.name}' was measured with"
        raise InputError(place, problem, remedy="run again with fresh=True")
    cell = tuple(flat(record, _CELL).values())
    task = archive.task(record)
    topics = {} if task is None else {topic.query_id: topic for topic in task.topics}
    for ranking in found:
        topic = topics.get(ranking.query_id)
        places = {doc_id: at for at, doc_id in enumerate(topic.candidates, 1)} if topic else {}
        grades = topic.grades if topic else {}
        for rank, (doc_id, score) in enumerate(ranking.hits, start=1):
            facts = (rank, doc_id, score, places.get(doc_id), grades.get(doc_id))
            yield (*cell, ranking.query_id, *facts)


def compare(archive: RecordSet, a: str, b: str, metric: str) -> pd.DataFrame:
    """One row per task that both answered; every difference is b − a."""
    import pandas as pd

    pairs = pair_rerankers(archive, a, b).pairs
    records = [side.record for pair in pairs for side in (pair.a, pair.b)]
    chosen = derived.choose_metric(records, metric, all_hold_it=True)
    return pd.DataFrame(
        [
            {
                **{f.name: f.get(each.pair.a.record) for f in _CELL if f.name != "reranker"},
                "metric": each.metric,
                "reranker_a": a,
                "reranker_b": b,
                "mean_a": each.mean_a,
                "mean_b": each.mean_b,
                "difference": each.difference,
                "interval_low": each.interval.low,
                "interval_high": each.interval.high,
                "p": each.p,
                "p_holm": each.p_holm,
                "effect_size": each.effect_size,
                "wins": each.wins,
                "losses": each.losses,
                "ties": each.ties,
                "queries": each.queries,
            }
            for each in side_by_side.compare(pairs, chosen, queries=0)
        ]
    ).astype({"effect_size": "float64"})
