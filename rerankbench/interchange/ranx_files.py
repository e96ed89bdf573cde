"""Runs and judgments as `ranx.Run.from_file` and `ranx.Qrels.from_file` read them: JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rerankbench.interchange import exported_parts
from rerankbench.progress import Progress
from rerankbench.results.record_set import RecordSet
from rerankbench.run import quality


def files(archive: RecordSet, progress: Progress, untied: bool) -> Iterator[tuple[str, str]]:
    """Name and text: {query: {document: score}} and {query: {document: grade}}.

    `untied` puts scores by rank in place of the reranker's.
    """
    for run in exported_parts.runs(archive, progress, untied=untied):
        yield f"{run.stem}.json", json.dumps(quality.as_run(run.rankings)) + "\n"
    for stem, qrels in exported_parts.judgments(archive, progress):
        yield f"{stem}.qrels.json", json.dumps(qrels) + "\n"
