"""How fast models were on this machine, according to records in a results folder."""

from __future__ import annotations

from pathlib import Path

from rerankbench.errors import InputError, NewerFileError
from rerankbench.results.store import read_record
from rerankbench.types import Cell, Record, RerankerRef, Throughput


class PastSpeeds:
    """Records with a measured speed, newest first; unreadable ones are skipped."""

    def __init__(self, results: Path) -> None:
        records: list[Record] = []
        for path in results.glob("*/records/*.json"):
            try:
                records.append(read_record(path))
            except (InputError, NewerFileError):
                continue
        timed = (record for record in records if record.measurements.throughput is not None)
        self._timed = sorted(timed, key=lambda record: record.started_at, reverse=True)

    def tokens_per_pair(self, cell: Cell) -> float | None:
        """Tokens that the model read per pair of the same collection, on any machine."""
        for record in self._timed:
            throughput = record.measurements.throughput
            if throughput is not None and throughput.tokens and _is_same_work(record.cell, cell):
                return throughput.tokens / throughput.pairs
        return None

    def seconds(self, cell: Cell, speed_key: str, pairs: int, tokens: int | None) -> float | None:
        """How long that many pairs take; None without a record of the same machine and settings.

        The speed on the same collection counts; else that on another, per token.
        """
        same = [
            (record.cell, record.measurements.throughput)
            for record in self._timed
            if record.speed_key == speed_key and _is_same_model(record.cell, cell)
        ]
        for other, throughput in same:
            if throughput is not None and _is_same_work(other, cell):
                return pairs / throughput.docs_per_s
        for _, throughput in same:
            if throughput is not None:
                return _at_that_speed(throughput, pairs, tokens)
        return None


def _at_that_speed(throughput: Throughput, pairs: int, tokens: int | None) -> float:
    if not (tokens and throughput.tokens):
        return pairs / throughput.docs_per_s
    return tokens * throughput.pairs / throughput.tokens / throughput.docs_per_s


def _is_same_work(a: Cell, b: Cell) -> bool:
    return (
        _is_same_model(a, b)
        and a.collection.hashes.corpus == b.collection.hashes.corpus
        and a.first_stage == b.first_stage
    )


def _is_same_model(a: Cell, b: Cell) -> bool:
    return _settings(a.reranker) == _settings(b.reranker)


def _settings(ref: RerankerRef) -> tuple[object, ...]:
    # A fused row has the speed of its plain row.
    recipe = {key: value for key, value in ref.recipe.items() if key != "fusion"}
    return ref.family, ref.revision, ref.dtype, ref.max_length, recipe
