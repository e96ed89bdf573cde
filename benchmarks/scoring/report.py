"""Tables of an outcome: Markdown for the results folder, plain columns for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.common import Spread, table
from benchmarks.scoring.limits import best_of
from benchmarks.scoring.outcome import Outcome, Row
from rerankbench.files.whole import write_whole
from rerankbench.run.environment import inspect

SCHEMA = 1
_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "sentence-transformers",
    "onnx",
    "onnxruntime",
    "openvino",
    "nncf",
    "FlashRank",
    "numpy",
)
_MIB, _GIGA = 2**20, 1e9
# Other processes that keep more than this share of a core busy disturb the clock.
_FOREIGN_LOAD_LIMIT = 0.15
_OURS_ABREAST = 2


def write(folder: Path, outcome: Outcome, arguments: Mapping[str, Any]) -> Path:
    """Write `scoring-MODEL.json` and `.md`; returns the path of the second."""
    raw = {
        "benchmark": "scoring",
        "schema": SCHEMA,
        "arguments": arguments,
        "environment": asdict(inspect()),
        "packages": _versions(),
        **asdict(outcome),
    }
    path = folder / f"scoring-{outcome.model}.md"
    write_whole(path.with_suffix(".json"), (json.dumps(raw, indent=1) + "\n").encode())
    write_whole(path, markdown(outcome).encode())
    return path


def markdown(outcome: Outcome) -> str:
    """The whole report."""
    parts = [f"# Scoring {outcome.model}", _speeds(outcome)]
    if outcome.ours and outcome.theirs:
        heads = ["Times as fast as", *(row.name for row in outcome.ours)]
        rows = [
            [row.name, *(outcome.ratio(ours, row).show() for ours in outcome.ours)]
            for row in outcome.theirs
        ]
        parts.append(table(heads, rows))
    parts.append("\n".join(f"- {line}" for line in (*_notes(outcome), *_settings(outcome))))
    return "\n\n".join(parts) + "\n"


def plain(outcome: Outcome) -> str:
    """Speeds, then ratios, in at most 80 columns (two of ours abreast)."""
    limits = best_of(outcome.limits)
    heads = ["", "docs/s", "range", "nDCG@10", "tau", "MiB", "limit"]
    rows = [
        [row.name, f"{speed.median:.1f}", _range(speed), *_rest(outcome, row, limits)]
        for row in outcome.ran
        for speed in [outcome.speed(row)]
    ]
    parts = [_columns(heads, rows)]
    for start in range(0, len(outcome.ours), _OURS_ABREAST):
        ours = outcome.ours[start : start + _OURS_ABREAST]
        rows = [
            [row.name, *(outcome.ratio(one, row).show() for one in ours)] for row in outcome.theirs
        ]
        parts.append(_columns(["times as fast as", *(row.name for row in ours)], rows))
    parts += [f"{row.name}: not run: {row.failed}" for row in outcome.rows if row.failed]
    return "\n\n".join(parts)


def _speeds(outcome: Outcome) -> str:
    limits = best_of(outcome.limits)
    heads = ["Contender", "Format", "Docs/s", "Range", "nDCG@10", "τ", "Peak MiB", "Of limit"]
    heads += ["Load s", "Δ nDCG@10"]
    rows = []
    for row in outcome.ran:
        speed, base = outcome.speed(row), outcome.float32_ndcg
        change = "" if base is None or row.ndcg is None else f"{row.ndcg - base:+.4f}"
        figures = [f"{speed.median:.1f}", _range(speed), *_rest(outcome, row, limits)]
        rows.append([row.name, row.dtype, *figures, f"{row.load_s:.1f}", change])
    for row in outcome.rows:
        if row.failed is not None:
            rows.append([row.name, f"not run: {row.failed}", *[""] * (len(heads) - 2)])
    return table(heads, rows)


def _rest(outcome: Outcome, row: Row, limits: Mapping[str, float]) -> list[str]:
    """nDCG@10, tau, peak memory and share of the limit; blank where there is none."""
    share = outcome.share(row, limits)
    return [
        "" if row.ndcg is None else f"{row.ndcg:.4f}",
        "" if row.tau is None else f"{row.tau:.4f}",
        "" if row.peak_bytes is None else f"{row.peak_bytes / _MIB:.0f}",
        "" if share is None else f"{share:.0%}",
    ]


def _notes(outcome: Outcome) -> list[str]:
    here, limits = inspect(), best_of(outcome.limits)
    rates = ", ".join(f"{dtype} {rate / _GIGA:.0f}" for dtype, rate in limits.items())
    compared = f"the scores of {outcome.reference}" if outcome.reference else "nothing: none ran"
    notes = [
        f"{outcome.queries} of SciFact's {outcome.of_queries} test queries, {outcome.pairs} "
        f"pairs, {outcome.tokens / outcome.pairs:.0f} tokens a pair; raw texts in, scores out.",
        f"Medians of {len(outcome.limits)} rounds and their range; in a round every contender has "
        "one pass, and ratios are of passes of the same round.",
        f"nDCG@10 is over these queries; Δ and τ compare to {compared} (float32).",
        f"Of limit: {outcome.flops_per_pair / _GIGA:.2f} GFLOP a pair × docs/s, of what torch's "
        f"matrix multiplication reaches on the model's shapes (GFLOP/s: {rates}).",
        f"{here.cpu}, {outcome.threads} threads of {here.cores} cores; {here.system}; "
        f"Python {here.python}; rerankbench {here.git_sha or ''}.",
        ", ".join(f"{name} {found}" for name, found in _versions().items()) + ".",
    ]
    disturbed = [row.name for row in outcome.ran if _was_disturbed(row)]
    if disturbed:
        notes.append(f"Caution: other processes were busy during {', '.join(disturbed)}.")
    return notes


def _settings(outcome: Outcome) -> list[str]:
    return [f"`{row.name}`: {row.settings}{_tuned(row)}." for row in outcome.ran]


def _tuned(row: Row) -> str:
    if row.batch_size is None:
        return ""
    return f"; batches of {row.batch_size}, the fastest of {', '.join(row.tuning_s)}"


def _was_disturbed(row: Row) -> bool:
    return any((each.foreign_load or 0) > _FOREIGN_LOAD_LIMIT for each in row.passes)


def _range(speed: Spread) -> str:
    return f"{speed.low:.1f}–{speed.high:.1f}"


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
