"""Runs and judgments as trec_eval, ir_measures and Pyserini read them."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.files.trec import format_run
from rerankbench.interchange import exported_parts
from rerankbench.interchange.names import file_part
from rerankbench.progress import Progress
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Qrels


def files(archive: RecordSet, progress: Progress, untied: bool) -> Iterator[tuple[str, str]]:
    """Name and text: `STEM.trec` for every run, `COLLECTION.SPLIT.qrels` for the judgments.

    `untied` puts scores by rank in place of the reranker's.
    """
    for run in exported_parts.runs(archive, progress, untied=untied):
        tag = file_part(run.record.cell.reranker.name)
        yield f"{run.stem}.trec", format_run(run.rankings, tag)
    for stem, qrels in exported_parts.judgments(archive, progress):
        yield f"{stem}.qrels", _format_qrels(qrels)


def _format_qrels(qrels: Qrels) -> str:
    """trec_eval's lines: query, an unused column, document, grade."""
    return "".join(
        f"{query_id} 0 {doc_id} {grade}\n"
        for query_id, grades in qrels.items()
        for doc_id, grade in grades.items()
    )
