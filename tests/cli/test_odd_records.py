"""Numbers in records that cannot be are refused everywhere; those that can be are printed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rerankbench.results.store import Store, dump_record
from rerankbench.types import Latency, Price, Record, Throughput, Ties

from ..leaderboard.records import make_record
from .conftest import Command

# Not inside words such as "nano" or "information", but beside digits, signs and quotes.
_NOT_FINITE = re.compile(r"(?<![A-Za-z])(nan|-?inf|-?infinity)(?![A-Za-z])", re.IGNORECASE)

COMMANDS: Sequence[Sequence[str]] = [
    *(("leaderboard", "results", "--format", f) for f in ("markdown", "csv", "latex", "html")),
    ("leaderboard", "results", "--format", "json"),
    *(("leaderboard", "results", "--layout", layout) for layout in ("wide", "ratings", "honesty")),
    ("leaderboard", "results", "--significance"),
    ("card", "model-a", "results"),
    ("card", "model-a", "results", "--format", "html"),
    ("compare", "model-a", "model-b", "results"),
    ("compare", "model-a", "model-b", "results", "--format", "json"),
    ("export", "results", "--format", "ir-measures", "-o", "exported"),
    ("export", "results", "--format", "mteb", "-o", "exported"),
    ("report", "results", "-o", "page.html"),
    ("gate", "results", "results"),
    ("baseline", "save", "main", "results"),
]
FIELDS: Sequence[Sequence[str | int]] = [
    ("per_query", "nDCG@10", "q1"),
    ("measurements", "throughput", "passes_s", 1),
    ("measurements", "throughput", "pairs"),
    ("measurements", "latency", "requests_s", 0),
    ("measurements", "peak_host_bytes"),
    ("cell", "reranker", "price", "amount"),
    ("cell", "reranker", "parameters"),
    ("ties", "worst"),
]


def _record(name: str, values: Sequence[float], **more: Any) -> Record:
    made = make_record(name, {"nDCG@10": values, "MAP": values}, docs_per_s=100, parameters=10**8)
    reranker = replace(
        made.cell.reranker, price=Price(amount=0.1, unit="hour", per=1, date="2026-01-01")
    )
    measured = replace(
        made.measurements,
        throughput=Throughput(
            queries=2,
            pairs=200,
            tokens=2000,
            padded_tokens=2100,
            truncated_pairs=0,
            warmup_passes_s=(2.0,),
            passes_s=(1.0, 1.5, 1.25),
        ),
        latency=Latency(requests_s=(0.1, 0.2, 0.3), pairs_per_request=(100,) * 3),
        peak_host_bytes=10**9,
    )
    return replace(
        made,
        schema=3,
        quality_key=name,
        speed_key="cpu",
        cell=replace(made.cell, reranker=reranker),
        measurements=measured,
        ties=Ties(rate=0.5, worst=0.4, best=0.6),
        **more,
    )


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models on one task; the path of the record that tests change."""
    monkeypatch.chdir(tmp_path)
    store = Store(results=Path("results"), suite="default")
    store.write_record(_record("model-b", [0.5, 0.25, 0.75]))
    return store.write_record(_record("model-a", [0.5, 0.5, 1.0]))


def _change(path: Path, place: Sequence[str | int], value: float) -> None:
    raw = json.loads(path.read_bytes())
    inner = raw
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(raw, indent=1))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_prints_what_is_not_finite(
    arguments: Sequence[str], command: Command, odd: Path
) -> None:
    for number, place in enumerate(FIELDS):
        whole = odd.read_bytes()
        _change(odd, place, (float("nan"), float("inf"), float("-inf"))[number % 3])
        done = command(*arguments)
        assert done.code == 2, (place, done)
        field = ".".join(map(str, place))
        assert f"{odd}: is not a record ({field}" in " ".join(done.err.split()), done.err
        assert "restore it from git" in " ".join(done.err.split())
        assert not done.out and "Traceback" not in done.err
        assert [path.name for path in Path().iterdir() if path.name != "rerankbench-home"] == [
            "results"
        ]
        assert not Path("results", "baselines").exists()
        odd.write_bytes(whole)


@pytest.mark.parametrize("value", ["zero", "largest"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_least_and_the_most_that_may_be_give_finite_figures(
    arguments: Sequence[str], value: str, command: Command, odd: Path
) -> None:
    largest = value == "largest"
    values = [1e9, 1e9, -1e9] if largest else [0.0, 0.0, 0.0]
    record = _record("model-a", values)
    throughput = record.measurements.throughput
    assert throughput is not None
    count, seconds = (2**63 - 1, 1e9) if largest else (0, 1e-9)
    price = Price(amount=1e15 if largest else 0.0, unit="hour", per=1e-9, date="2026-01-01")
    record = replace(
        record,
        cell=replace(
            record.cell,
            reranker=replace(record.cell.reranker, parameters=count, price=price),
        ),
        measurements=replace(
            record.measurements,
            throughput=replace(
                throughput,
                pairs=max(1, count),
                tokens=count,
                passes_s=(1e-9, 1e9 if largest else 1e-9),
            ),
            latency=Latency(requests_s=(seconds,) * 3, pairs_per_request=(count,) * 3),
            peak_host_bytes=count,
        ),
        ties=Ties(rate=float(largest), worst=min(values), best=max(values)),
    )
    odd.write_bytes(dump_record(record))
    done = command(*arguments)
    assert done.code in (0, 3), done.err
    written = [path.read_text() for path in Path().glob("page.html")]
    written += [path.read_text() for path in Path().rglob("exported/**/*.json")]
    for text in (done.out, done.err, *written):
        assert not _NOT_FINITE.search(text), _NOT_FINITE.search(text)


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("card", "model-a", "results", "--tie-margin"),
        ("depth", "results", "--latency-ms"),
        ("gate", "results", "results", "--speed-budget"),
        ("judge", "results", "--url", "http://x", "--judge-model", "m", "--price-in"),
        ("judge", "results", "--url", "http://x", "--judge-model", "m", "--price-out"),
        ("judge", "results", "--url", "http://x", "--judge-model", "m", "--timeout-s"),
        ("run", "--speed-budget"),
    ],
    ids=lambda arguments: " ".join((arguments[0], arguments[-1])),
)
def test_no_option_takes_what_is_not_finite(
    arguments: Sequence[str], value: str, command: Command, odd: Path
) -> None:
    done = command(*arguments, value)
    assert done.code == 2
    assert f"Invalid value for '{arguments[-1]}'" in done.err
