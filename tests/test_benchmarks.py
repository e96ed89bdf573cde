"""The scoring benchmark's arithmetic: FLOPs against torch's own counter, paired ratios, tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.faults import Slowed
from benchmarks.scoring import limits, pairs, quality, report
from benchmarks.scoring.flops import Shape
from benchmarks.scoring.outcome import Outcome, Pass, Row
from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.types import Candidates, Document, Query


def _row(name: str, *seconds: float, dtype: str = "float32") -> Row:
    passes = [
        Pass(wall_s=each, cpu_s=each, foreign_load=0.0, peak_bytes=2**20) for each in seconds
    ]
    return Row(name=name, dtype=dtype, passes=passes, ndcg=0.5, tau=1.0)


def _outcome(*rows: Row) -> Outcome:
    return Outcome(
        model="tiny",
        queries=1,
        of_queries=300,
        pairs=100,
        tokens=1000,
        flops_per_pair=1e9,
        threads=2,
        reference="transformers",
        rows=list(rows),
        limits=[{"float32": 50e9}, {"float32": 100e9}],
    )


@pytest.mark.parametrize(("tokens", "labels"), [(1, 1), (7, 1), (30, 2)])
def test_flops_are_those_that_torch_counts(tokens: int, labels: int, tmp_path: Path) -> None:
    sizes: dict[str, Any] = {
        "vocab_size": 20,
        "hidden_size": 12,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 20,
        "num_labels": labels,
        "attn_implementation": "eager",
    }
    config = BertConfig(**sizes)
    config.save_pretrained(tmp_path)
    model = BertForSequenceClassification(config).train(False)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.ones(1, tokens, dtype=torch.long))
    assert Shape.read(tmp_path).of_pair(tokens) == counter.get_total_flops()


def test_mean_flops_are_over_pairs_not_over_lengths() -> None:
    shape = Shape(layers=1, hidden=4, intermediate=8, labels=1)
    assert shape.mean_of([3, 3, 9]) == (2 * shape.of_pair(3) + shape.of_pair(9)) / 3


def test_a_ratio_pairs_passes_of_the_same_round() -> None:
    # The machine halved its speed in the second round; the ratio does not notice.
    ours, theirs = _row("ours", 1.0, 2.0, 1.0), _row("st", 3.0, 6.0, 2.0)
    ratio = _outcome(ours, theirs).ratio(ours, theirs)
    assert (ratio.median, ratio.low, ratio.high) == (3.0, 2.0, 3.0)


def test_the_limit_is_the_best_round_and_weighs_matrices_by_work() -> None:
    assert limits.best_of([{"int8": 3.0}, {"int8": 5.0}]) == {"int8": 5.0}
    # One unit of work at rate 1 and three at rate 3 take two seconds.
    assert limits.weighted({(1, 1): 1.0, (1, 3): 3.0}) == 2.0
    row = _row("st", 4.0)
    assert _outcome(row).share(row, {"float32": 100e9}) == pytest.approx(0.25)
    assert _outcome(row).share(row, {"int8": 1.0}) is None


def test_scores_are_compared_query_by_query() -> None:
    workload = pairs.Workload(
        candidates=tuple(
            Candidates(
                query=Query(query_id=name, text=name),
                documents=tuple(Document(doc_id=each, title="", text=each) for each in "abc"),
            )
            for name in ("1", "2")
        ),
        qrels={"1": {"a": 1}, "2": {"b": 1}},
        of_queries=2,
    )
    scores = [3.0, 2.0, 1.0, 1.0, 9.0, 0.0]
    assert quality.ndcg(workload, scores) == 1.0
    assert quality.tau(workload, scores, scores) == pytest.approx(1.0)
    assert quality.tau(workload, scores, [-3.0, -2.0, -1.0, 1.0, 9.0, 0.0]) == pytest.approx(0.0)


def test_pairs_survive_the_way_to_a_child(tmp_path: Path) -> None:
    document = Document(doc_id="d", title="Tïtle", text="a\ntext")
    given = [Candidates(query=Query(query_id="q", text="?"), documents=(document,))]
    pairs.write(tmp_path / "pairs.json", given)
    assert pairs.read(tmp_path / "pairs.json") == given


def test_tables_name_every_contender_fastest_first() -> None:
    failed = Row(name="flashrank", failed="install '.[bench]'")
    outcome = _outcome(
        _row("transformers", 10.0, 20.0), failed, _row("ours:native", 5.0, 5.0, dtype="bfloat16")
    )
    text = report.markdown(outcome)
    fast = "| ours:native | bfloat16 | 20.0 | 20.0–20.0 | 0.5000 | 1.0000 | 1 |  | 0.0 | +0.0000 |"
    slow = "| transformers | float32 | 7.5 | 5.0–10.0 | 0.5000 | 1.0000 | 1 | 8% | 0.0 | +0.0000 |"
    assert text.index(fast) < text.index(slow) < text.index("| flashrank | not run: install")
    assert "| transformers | 3.00 (2.00 to 4.00) |" in text


def test_the_terminal_table_keeps_to_80_columns() -> None:
    rows = [_row(name, 1.0, 2.0) for name in ("transformers-bf16", "ours:onnx:int8")]
    many = [_row(f"ours:native:bfloat1{number}", 0.012, 0.013) for number in range(6)]
    text = report.plain(_outcome(*rows, *many))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("times as fast as") == 4


class _Lengths:
    """An engine whose logits are the lengths of the pairs; it keeps what it was given."""

    attention_kernel = None
    pads = False
    in_flight = 0

    def __init__(self) -> None:
        self.given: list[TokenRows] = []

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        self.given.append(rows)
        return lambda: rows.lengths[:, None].astype(np.float32)

    def peak_device_bytes(self) -> int | None:
        return None


def test_a_slowed_engine_does_its_share_twice_and_answers_the_same() -> None:
    engine = _Lengths()
    slowed = Slowed(engine, again=0.3)
    ids = np.arange(10, dtype=np.int32)
    rows = TokenRows(ids=ids, types=ids, offsets=np.array([0, 5, 8, 10]))
    for _ in range(10):
        assert slowed.submit(rows, 5)()[:, 0].tolist() == [5, 3, 2]
    repeated = [each for each in engine.given if each is not rows]
    # What does not fit is owed to a later batch: less than the pair that did not.
    assert 0.3 * 100 - 5 < sum(int(each.lengths.sum()) for each in repeated) <= 0.3 * 100
    for each in repeated:
        assert each.ids.tolist() == ids[: each.offsets[-1]].tolist()
        assert each.types is not None
        assert len(each.types) == len(each.ids)
