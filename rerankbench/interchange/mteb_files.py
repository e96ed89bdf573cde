"""Means in the form of MTEB's results: `MODEL/REVISION/TASK.json` and `model_meta.json`.

The keys are those of mteb 2's `TaskResult` and `ModelMeta` (mteb/results/task_result.py,
mteb/models/model_meta.py). `mteb_version` is null: no figure here was made by MTEB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from rerankbench.interchange.names import distinct_stems, file_part, mteb_name, task_stem
from rerankbench.progress import Progress
from rerankbench.results import derived, grouping
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record, digest

_MAIN = "nDCG@10"
# Rerankers of pairs are cross-encoders to MTEB; the type of services and other tools is unknown.
_MODEL_TYPES: dict[str, list[str]] = {
    "bi-encoder": ["dense"],
    "late-interaction": ["late-interaction"],
    "http": [],
    "imported": [],
}
# ISO 639-3 and ISO 15924 for unknown, as records do not know their languages; for an empty
# list MTEB computes the mean of nothing.
_UNDETERMINED = "und-Zyyy"


def files(archive: RecordSet, progress: Progress) -> Iterator[tuple[str, str]]:
    """Name and text; baselines are left out, and of several records the newest counts.

    A model's file holds all splits of a task.
    """
    records = [record for record in archive.records if _is_exported(record, progress)]
    stems = distinct_stems((task_stem(record), _task(record)) for record in records)
    newest: dict[tuple[str, str], dict[str, Record]] = {}
    for record in sorted(records, key=grouping.age):
        reranker = record.cell.reranker
        # Folder names as in MTEB's ResultCache.
        model = file_part(_model_name(record).replace("/", "__"))
        folder = f"{model}/{file_part(reranker.revision)}"
        task = stems[task_stem(record), _task(record)]
        squares = newest.setdefault((folder, task), {})
        split = record.cell.collection.split
        if split in squares:
            progress.warn(f"{folder}/{task}: several records of {split}, the newest counts")
        squares[split] = record
    for (folder, task), by_split in sorted(newest.items()):
        yield f"{folder}/{task}.json", _dump(_task_result(task, list(by_split.values())))
    metas = {folder: list(by_split.values())[-1] for (folder, _), by_split in newest.items()}
    for folder, record in sorted(metas.items()):
        yield f"{folder}/model_meta.json", _dump(_model_meta(record))


def _is_exported(record: Record, progress: Progress) -> bool:
    if derived.is_baseline(record):
        return False
    if record.mean(_MAIN) is None:
        progress.warn(f"{task_stem(record)}: the record has no {_MAIN}; left out")
        return False
    return True


def _task(record: Record) -> str:
    """Identifies the task's file: everything except the split, which is a key inside it."""
    collection, stage = record.cell.collection, record.cell.first_stage
    return digest([collection.hashes.corpus, stage.name, dict(stage.parameters)])


def _model_name(record: Record) -> str:
    """`organisation/name`, as MTEB requires; `local` if there is no organisation."""
    name = record.cell.reranker.name
    return name if "/" in name else f"local/{name}"


def _task_result(task: str, records: Sequence[Record]) -> dict[str, object]:
    dates = [date for record in records if (date := _timestamp(record.started_at)) is not None]
    return {
        "dataset_revision": records[0].cell.collection.hashes.corpus,
        "task_name": task,
        "mteb_version": None,
        "scores": {record.cell.collection.split: [_scores(record)] for record in records},
        "evaluation_time": None,
        "kg_co2_emissions": None,
        "date": max(dates, default=None),
    }


def _scores(record: Record) -> dict[str, object]:
    cell = record.cell
    deepest = None if cell.adds_positives else cell.depth
    named = {name: mteb_name(name, deepest) for name in record.per_query}
    return {
        **{other: record.mean(name) for name, other in named.items() if other is not None},
        "main_score": record.mean(_MAIN),
        "hf_subset": "default",
        "languages": [_UNDETERMINED],
        "first_stage": cell.first_stage.name,
        "top_k": cell.depth,
        "queries": derived.query_count(record),
    }


def _timestamp(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _model_meta(record: Record) -> dict[str, object]:
    """The keys that MTEB requires; null where records do not know."""
    reranker = record.cell.reranker
    unknown = (
        "loader",
        "release_date",
        "languages",
        "memory_usage_mb",
        "embed_dim",
        "license",
        "open_weights",
        "public_training_code",
        "public_training_data",
        "similarity_fn_name",
        "use_instructions",
        "training_datasets",
    )
    return {
        "name": _model_name(record),
        "revision": reranker.revision,
        "n_parameters": reranker.parameters,
        "max_tokens": reranker.max_length,
        "framework": [],
        "model_type": _MODEL_TYPES.get(reranker.family, ["cross-encoder"]),
        **dict.fromkeys(unknown),
    }


def _dump(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
