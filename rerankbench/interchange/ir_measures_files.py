"""Values per query and their means as `ir_measures --by_query --places -1` prints them.

A value is written only if it equals the measure of that name: ir_measures breaks ties in `RR@k`
by ascending document id (its MS MARCO provider), we and its other measures by descending id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean

from rerankbench.interchange.exported_parts import by_rank
from rerankbench.interchange.names import distinct_stems, ir_measures_name, run_stem
from rerankbench.progress import Progress
from rerankbench.registry import naming
from rerankbench.results import grouping
from rerankbench.results.record_set import RecordSet
from rerankbench.run import quality
from rerankbench.types import Ranking, Record, digest

_TOLERANCE = 1e-9


def files(archive: RecordSet, progress: Progress) -> Iterator[tuple[str, str]]:
    """Name and text: a line for each query and measure, then the means as query `all`.

    Warns of metrics without a name in ir_measures, and of values that its order of ties changes.
    """
    for metric in sorted({name for record in archive.records for name in record.per_query}):
        if ir_measures_name(metric) is None:
            progress.warn(f"ir_measures has no {metric}; left out")
    texts = {
        (run_stem(record), digest(text)): text
        for record in grouping.in_order(archive.records)
        if (text := _lines(_equal_values(archive, record, progress)))
    }
    stems = distinct_stems(texts)
    for key, text in texts.items():
        yield f"{stems[key]}.ir_measures.tsv", text


def _equal_values(
    archive: RecordSet, record: Record, progress: Progress
) -> Mapping[str, Mapping[str, float]]:
    """ir_measures' names → our values, without those that its order of ties would change."""
    named = {
        metric: name
        for metric in record.per_query
        if (name := ir_measures_name(metric)) is not None
    }
    other = [metric for metric in named if not _is_equal(archive, record, metric)]
    if other:
        names = ", ".join(named[metric] for metric in other)
        progress.warn(
            f"{run_stem(record)}: {names} left out: scores tie, and ir_measures breaks ties there "
            "the other way; on the run of --format trec --untied it computes ours"
        )
    return {
        name: record.per_query[metric] for metric, name in named.items() if metric not in other
    }


def _is_equal(archive: RecordSet, record: Record, metric: str) -> bool:
    """Whether the value stays the same if ties are ordered by ascending document id.

    Without the run or its judgments, any tie may change it.
    """
    if not metric.startswith("MRR@"):
        return True
    rankings, task = archive.rankings(record), archive.task(record)
    if rankings is None or task is None:
        return record.ties is None
    run = quality.as_run(map(_by_rising_id, rankings))
    theirs = naming.parse_metric(metric).per_query(task.qrels(), run)
    expected = record.per_query[metric]
    return all(
        abs(value - theirs.get(query, 0.0)) < _TOLERANCE for query, value in expected.items()
    )


def _by_rising_id(ranking: Ranking) -> Ranking:
    # msmarco_provider.py: sorted by (-score, doc_id), in double precision.
    hits = sorted(ranking.hits, key=lambda hit: (-hit.score, hit.doc_id))
    return by_rank(Ranking(query_id=ranking.query_id, hits=tuple(hits)))


def _lines(values: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        f"{query}\t{name}\t{value}\n"
        for name, by_query in values.items()
        for query, value in by_query.items()
    ]
    lines += [f"all\t{name}\t{fmean(by_query.values())}\n" for name, by_query in values.items()]
    return "".join(lines)
