"""Every layout, and every kind of column, over one large set of records: the text must stay.

`python -m tests.leaderboard.test_every_layout` writes the expected file anew; read its diff.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.columns.kinds import COLUMN_KINDS
from rerankbench.leaderboard.judge import with_judge
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout, names
from rerankbench.leaderboard.renderers import json, renderer
from rerankbench.leaderboard.significant import with_significance
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.types import Record
from tests.compare.judged_suites import write_all_pairs
from tests.compare.suites import write_cell
from tests.report.suite import models_of, write_suite

from .records import make_record

EXPECTED = Path(__file__).parent / "golden" / "every-layout.txt"
# Rates of a layout's own columns, for what no built-in layout shows.
_OPTIONS: dict[str, dict[str, object]] = {
    "metric": {"interval": True, "tiers": True, "best": "table"},
    "delta": {"interval": True},
    "docs_per_s": {"range": True},
    "latency": {"percentile": 90, "interval": True},
    "ties": {"span": True},
    "parameters": {"baseline": "n/a"},
    "fact": {"fact": "price"},
    "model": {"links": True},
    "rating": {"margin": 0.01},
}

_KINDS = (
    "model",
    "metric",
    "delta",
    "average",
    "rank",
    "significance",
    "effect",
    "docs_per_s",
    "latency",
    "seconds_per_query",
    "usd_per_1000_queries",
    "parameters",
    "fact",
    "queries",
    "ceiling",
    "headroom",
    "worse",
    "judged",
    "ties",
    "truncated",
    "rating",
    "rating_ranks",
    "win_rate",
    "record",
)


def _archive(folder: Path) -> RecordSet:
    """Models on three collections with runs and tasks; besides, records of many odd kinds."""
    whole = write_suite(folder, models_of(3), ["scifact", "nfcorpus", "fiqa"], queries=14)
    first = next(each for each in whole.records if each.cell.reranker.name == "owner/model-0")
    newer = replace(first, started_at="2026-02-01T00:00:00+00:00", warnings=("newer", "odd"))
    values = {"nDCG@10": [at / 14 for at in range(14)]}
    odd: list[Record] = [
        replace(newer, speed_key="other", environment=replace(newer.environment, machine_id="b")),
        make_record("oracle", values, family="baseline", recipe={"order": "oracle"}, depth=20),
        make_record("encoder", values, depth=20, reads="documents-once"),
        make_record("theirs", values, family="imported", depth=20),
        make_record("owner/model-0", first_stage="splade", docs_per_s=80.0),
        make_record("owner/model-0", {"MAP": [0.5, 0.25]}, collection="arguana", depth=50),
        make_record("owner/model-1", {"nDCG@10": [0.5, 1.0]}, sampled_queries=2, depth=20),
        make_record("owner/model-1", {"nDCG@10": [0.9, 1.0]}, adds_positives=True, depth=20),
    ]
    for at, record in enumerate(odd):
        write_cell(folder, replace(record, quality_key=f"{record.quality_key}-{at}"))
    for collection in ("scifact", "nfcorpus"):
        judged = [
            record
            for record in whole.records
            if record.cell.collection.name == collection and record.run_sha256 != "none"
        ]
        write_all_pairs(folder, judged)
    return open_archive([folder])


def _every_kind(*, per_collection: bool) -> Layout:
    """A column of every kind that was there when this was written; newer ones bring their tests.

    Those that part rows or need others are left to the layouts.
    """
    measured = {} if per_collection else {"collection": "scifact"}
    columns = []
    for kind in _KINDS:
        form = COLUMN_KINDS[kind]
        own: dict[str, object] = dict(measured) if "collection" in form.model_fields else {}
        columns.append({"kind": kind, **own, **_OPTIONS.get(kind, {})})
    return Layout.model_validate(
        {
            "name": "kinds",
            "per_collection": per_collection,
            "tables": [{"columns": columns}],
        }
    )


def _forms() -> Iterator[tuple[str, Layout]]:
    for name in names():
        # The records are of depth 20.
        yield name, load_layout(name).model_copy(update={"depth": None})
    for name in ("plain", "wide", "hf-blog"):
        yield f"{name} --significance", with_significance(load_layout(name))
    yield "ratings --judge", with_judge(load_layout("ratings"), "judge-1")
    yield "every kind", _every_kind(per_collection=False)
    yield "every kind, per collection", _every_kind(per_collection=True)


def render() -> str:
    """What all layouts show, and the records as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _archive(Path(folder))
        parts = []
        for name, layout in _forms():
            formats = ("markdown", "csv") if name.startswith("every kind") else ("markdown",)
            tables = build(archive, layout)
            parts += [f"##### {name}\n{renderer(each)(tables)}" for each in formats]
        parts.append(f"##### json\n{json.render(archive.records)}")
        return "\n".join(parts)


def test_every_layout_shows_what_it_showed() -> None:
    assert render() == EXPECTED.read_text(encoding="utf-8")


if __name__ == "__main__":
    EXPECTED.write_text(render(), encoding="utf-8")
