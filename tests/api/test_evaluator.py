"""The evaluator for sentence-transformers' trainers: the figures of a run, in their form."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval

import rerankbench
from rerankbench.errors import ConfigError, UsageError
from rerankbench.firststage.bm25 import Bm25

from .conftest import rows, runs_of

sentence_transformers = pytest.importorskip("sentence_transformers")


def _load(folder: Path) -> Any:
    return sentence_transformers.CrossEncoder(str(folder), device="cpu")


def test_figures_are_those_of_a_run(folder: Path, checkpoint: Path) -> None:
    board = rerankbench.run(
        folder, checkpoint, metrics=["nDCG@10", "MRR@10", "MAP"], dtype="float32", device="cpu"
    )
    own = {row["reranker"]: row for row in rows(board.leaderboard())}
    evaluator = rerankbench.evaluator(folder)
    found = evaluator(_load(checkpoint))
    expected = {f"small_{name}": own["tiny-bert"][name] for name in ("nDCG@10", "MRR@10", "MAP")}
    expected |= {f"small_base_{n}": own["bm25"][n] for n in ("nDCG@10", "MRR@10", "MAP")}
    assert found == expected
    assert evaluator.primary_metric == "small_nDCG@10"
    assert evaluator.greater_is_better
    assert all(type(value) is float for value in found.values())


def test_it_is_an_evaluator_of_theirs_whose_metrics_reach_the_model_card(
    folder: Path, checkpoint: Path
) -> None:
    from sentence_transformers.base.evaluation import BaseEvaluator, SequentialEvaluator

    model = _load(checkpoint)
    evaluator = rerankbench.evaluator(folder, metrics="MAP", name="dev", top_k=10)
    assert isinstance(evaluator, BaseEvaluator)
    together = SequentialEvaluator([evaluator, rerankbench.evaluator(folder, name="other")])
    found = together(model)
    assert {"dev_MAP", "dev_base_MAP", "other_nDCG@10"} <= set(found)
    shown = model.model_card_data.eval_results_dict[evaluator]
    assert shown == {name: found[name] for name in ("dev_MAP", "dev_base_MAP")}
    assert evaluator.get_config_dict()["top_k"] == 10


def test_a_model_that_learns_is_measured_anew_on_candidates_that_stay(
    folder: Path, checkpoint: Path, parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    evaluator = rerankbench.evaluator(parts, metrics="nDCG@10", top_k=20)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("retrieved again")

    monkeypatch.setattr(Bm25, "retrieve", refuse)
    model = _load(checkpoint)
    before = evaluator(model)
    assert evaluator(model) == before
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(-0.7)
    after = evaluator(model)
    assert after["small_nDCG@10"] != before["small_nDCG@10"]
    assert after["small_base_nDCG@10"] == before["small_base_nDCG@10"]
    run = runs_of(rerankbench.run(parts, {"m": model}, top_k=20))["m"]
    values = pytrec_eval.RelevanceEvaluator(parts["qrels"], {"ndcg_cut_10"}).evaluate(run)
    mean = sum(each["ndcg_cut_10"] for each in values.values()) / len(values)
    assert after["small_nDCG@10"] == pytest.approx(mean, abs=1e-12)


def test_every_call_adds_a_line_to_a_file(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    model = _load(checkpoint)
    evaluator = rerankbench.evaluator(folder, metrics=["nDCG@10", "MAP"], name="a/b")
    found = evaluator(model, str(tmp_path / "eval"), epoch=1, steps=50)
    evaluator(model, str(tmp_path / "eval"), epoch=2, steps=100)
    (path,) = (tmp_path / "eval").iterdir()
    assert path.name == "rerankbench_a-b_results.csv"
    with path.open(newline="") as handle:
        header, first, second = csv.reader(handle)
    assert header == ["epoch", "steps", "nDCG@10", "MAP"]
    assert first == ["1", "50", str(found["a/b_nDCG@10"]), str(found["a/b_MAP"])]
    assert second == ["2", "100", *first[2:]]
    rerankbench.evaluator(folder, write_csv=False)(model, str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_positives_can_be_added_as_theirs_does(folder: Path, checkpoint: Path) -> None:
    plain = rerankbench.evaluator(folder, metrics="Recall@40", top_k=2)
    added = rerankbench.evaluator(
        folder, metrics="Recall@40", top_k=2, always_include_positives=True
    )
    model = _load(checkpoint)
    assert plain(model)["small_Recall@40"] < 1.0 == added(model)["small_Recall@40"]


def test_arguments_that_cannot_be_are_one_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"rerankbench.evaluator: 'top_k'"):
        rerankbench.evaluator(folder, top_k=0)
    with pytest.raises(UsageError, match="several collections; name one of them"):
        rerankbench.evaluator([folder, "demo"])  # type: ignore[arg-type]


def test_without_sentence_transformers_it_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rerankbench.api import evaluating

    evaluating._evaluator_class.cache_clear()
    for name in ("sentence_transformers.base.evaluation", "sentence_transformers.evaluation"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="needs sentence-transformers; pip install"):
        rerankbench.evaluator(folder)


def test_a_real_model_on_a_real_collection_is_what_our_own_run_says(shared: Path) -> None:
    checkpoint = shared / "models" / "tiny-l2-h128-ce"
    collection = shared / "collections" / "cranfield"
    if not (checkpoint.is_dir() and collection.is_dir()):
        pytest.skip("no tiny-l2-h128-ce or no cranfield")
    options: dict[str, Any] = {"limit_queries": 20, "top_k": 20, "metrics": "nDCG@10"}
    result = rerankbench.run(collection, checkpoint, dtype="float32", engine="torch", **options)
    (ours,) = (each for each in rows(result.leaderboard()) if each["reranker"] != "bm25")
    found = rerankbench.evaluator(collection, **options)(_load(checkpoint))
    assert found["cranfield_nDCG@10"] == ours["nDCG@10"]
