"""`rerankbench.run`: what the command line measures, with objects where names may stand."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
import torch

import rerankbench
from rerankbench.errors import (
    CellsFailedError,
    ConfigError,
    InputError,
    ModelError,
    RerankbenchError,
    UsageError,
)
from rerankbench.run import scoring

from .. import tiny
from .conftest import command, rows, runs_of


def overlap(query: str, documents: list[str]) -> list[float]:
    """Words in common, and the text's length to part ties."""
    words = set(query.split())
    return [len(words & set(text.split())) + 1 / (1 + len(text)) for text in documents]


class Shortest:
    """A reranker that is an object with `__call__`."""

    def __call__(self, query: str, documents: list[str]) -> Any:
        return np.array([-len(text) for text in documents], dtype=np.int64)


def test_a_run_is_what_the_command_line_runs(folder: Path, checkpoint: Path) -> None:
    options = ("--no-speed", "--device", "cpu", "--dtype", "float32", "--metric", "MAP", "-k", 20)
    command("run", "-d", folder, "-m", checkpoint, "-m", "random", *options)
    theirs = tiny.records(Path("results"))
    result = rerankbench.run(
        folder,
        [checkpoint, "random"],
        top_k=20,
        metrics="MAP",
        device="cpu",
        dtype="float32",
        output="own",
    )
    ours = tiny.records(Path("own"))
    assert sorted(ours) == sorted(theirs) == ["bm25", "random", "tiny-bert"]
    for name, record in ours.items():
        for key in ("quality_key", "speed_key", "per_query", "run_sha256", "cell", "warnings"):
            assert record[key] == theirs[name][key], (name, key)
        path = Path("results") / "default" / "runs" / f"{record['quality_key']}.trec.gz"
        shown = runs_of(result)[name]
        assert {(q, d): s for q, docs in shown.items() for d, s in docs.items()} == (
            tiny.run_scores(path)
        )


def test_frames_hold_what_pytrec_eval_says_of_the_rankings(
    folder: Path, parts: dict[str, Any]
) -> None:
    result = rerankbench.run(folder, [overlap], metrics=["nDCG@10", "P@5"], top_k=15)
    board, long = result.leaderboard(), result.per_query()
    texts = parts["queries"]
    assert (long["query"] == long["query_id"].map(texts)).all()
    measures = {"nDCG@10": "ndcg_cut_10", "P@5": "P_5"}
    evaluator = pytrec_eval.RelevanceEvaluator(parts["qrels"], set(measures.values()))
    for name, run in runs_of(result).items():
        values = evaluator.evaluate(run)
        (row,) = rows(board[board["reranker"] == name])
        assert (row["queries"], row["depth"], row["collection"]) == (6, 15, "small")
        for metric, measure in measures.items():
            own = long[(long["reranker"] == name) & (long["metric"] == metric)]
            assert dict(zip(own["query_id"], own["value"], strict=True)) == {
                query: value[measure] for query, value in values.items()
            }
            assert row[metric] == pytest.approx(np.mean([v[measure] for v in values.values()]))
    assert list(board["nDCG@10"]) == sorted(board["nDCG@10"], reverse=True)


def test_rankings_say_where_a_document_stood_before_and_how_it_is_judged(
    folder: Path, parts: dict[str, Any]
) -> None:
    frame = rerankbench.run(folder, overlap, top_k=8).rankings()
    own, first = (frame[frame["reranker"] == name] for name in ("overlap", "bm25"))
    places = first.set_index(["query_id", "doc_id"])["rank"]
    for _, hits in own.groupby("query_id"):
        assert list(hits["rank"]) == list(range(1, len(hits) + 1))
        assert list(hits["score"]) == sorted(hits["score"], reverse=True)
    for row in rows(own):
        query_id, doc_id = row["query_id"], row["doc_id"]
        text = " ".join(parts["corpus"][doc_id].values())
        assert row["score"] == overlap(parts["queries"][query_id], [text])[0]
        assert row["first_stage_rank"] == places[query_id, doc_id]
        grade = parts["qrels"][query_id].get(doc_id)
        assert pd.isna(row["grade"]) if grade is None else row["grade"] == grade


def test_a_collection_in_memory_is_the_same_work_as_its_folder(
    folder: Path, parts: dict[str, Any]
) -> None:
    rerankbench.run(folder, "random", output="folder")
    result = rerankbench.run(parts, "random", output="memory")
    of_folder, of_memory = tiny.records(Path("folder")), tiny.records(Path("memory"))
    for name, record in of_memory.items():
        assert record["quality_key"] == of_folder[name]["quality_key"]
        assert record["per_query"] == of_folder[name]["per_query"]
    assert set(result.leaderboard()["collection"]) == {"small"}
    unnamed = rerankbench.run({k: v for k, v in parts.items() if k != "name"}, "random")
    assert set(unnamed.leaderboard()["collection"]) == {"in-memory"}


def test_several_collections_stand_in_one_result(folder: Path, parts: dict[str, Any]) -> None:
    half = {**parts, "name": "half", "qrels": dict(list(parts["qrels"].items())[:3])}
    board = rerankbench.run([folder, half], [overlap]).leaderboard()
    assert list(zip(board["collection"], board["queries"], strict=True)) == [
        *[("small", 6)] * 2,
        *[("half", 3)] * 2,
    ]


@pytest.mark.parametrize(
    "form",
    [
        lambda scores: scores,
        tuple,
        iter,
        np.array,
        lambda scores: np.array(scores, dtype=np.float32),
        lambda scores: torch.tensor(scores, requires_grad=True),
        lambda scores: torch.tensor(scores, dtype=torch.bfloat16),
        lambda scores: [np.float64(score) for score in scores],
        lambda scores: [torch.tensor(score) for score in scores],
    ],
)
def test_scores_come_in_whatever_holds_numbers(folder: Path, form: Callable[[Any], Any]) -> None:
    def rank(query: str, documents: list[str]) -> list[float]:
        # Whole numbers that no type rounds.
        return [float(-place if len(text) % 2 else place) for place, text in enumerate(documents)]

    plain = runs_of(rerankbench.run(folder, {"r": rank}, top_k=12))
    formed = rerankbench.run(folder, {"r": lambda q, d: form(rank(q, d))}, top_k=12)
    assert runs_of(formed) == plain


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (lambda d: [1.0] * (len(d) - 1), "gave 11 scores for 12 documents"),
        (lambda d: [float("nan")] * len(d), "gave nan for document 0"),
        (lambda d: [1.0, float("-inf"), *[1.0] * (len(d) - 2)], "gave -inf for document 1"),
        (lambda d: ["0.5"] * len(d), "gave '0.5' (a str) for document 0"),
        (lambda d: [None] * len(d), "gave None (a NoneType) for document 0"),
        (lambda d: None, "gave a NoneType"),
        (lambda d: 0.5, "gave a float"),
        (lambda d: np.float64(0.5), "gave a float64"),
        (lambda d: "0.5" * len(d), "gave a str"),
        (lambda d: dict.fromkeys(d, 1.0), "gave a dict"),
        (lambda d: set(range(len(d))), "gave a set"),
        (lambda d: np.ones((len(d), 2)), "(a list) for document 0"),
        (lambda d: [10**400] * len(d), "(a int) for document 0"),
    ],
)
def test_what_are_no_scores_is_one_line(
    folder: Path, result: Callable[[list[str]], Any], told: str
) -> None:
    with pytest.raises(ModelError) as caught:
        rerankbench.run(folder, {"mine": lambda query, documents: result(documents)}, top_k=12)
    assert str(caught.value).startswith("mine: query 'q0': the function gave ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_function_raises_is_the_cause_of_one_line(folder: Path) -> None:
    def mine(query: str, documents: list[str]) -> list[float]:
        raise KeyError("no\nsuch word")

    with pytest.raises(
        ModelError, match=r"^mine: query 'q0': the function raised KeyError"
    ) as caught:
        rerankbench.run(folder, mine)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_model_that_fails_costs_the_others_nothing(folder: Path, checkpoint: Path) -> None:
    models = {"a": lambda q, d: None, "tiny": checkpoint, "b": lambda q, d: None}
    with pytest.raises(CellsFailedError, match="2 failed; all others are recorded"):
        rerankbench.run(folder, models, output="kept", device="cpu")
    assert sorted(tiny.records(Path("kept"))) == ["bm25", "tiny"]


def test_a_function_tells_what_it_is_and_claims_nothing(folder: Path) -> None:
    rerankbench.run(folder, [overlap, Shortest(), lambda q, d: [0] * len(d)], output="kept")
    found = tiny.records(Path("kept"))
    assert sorted(found) == ["Shortest", "bm25", "lambda", "overlap"]
    names = {"overlap": "overlap", "Shortest": "Shortest", "lambda": ".<lambda>"}
    for name, qualified in names.items():
        ref = found[name]["cell"]["reranker"]
        assert ref["family"] == "callable"
        assert ref["recipe"]["module"] == __name__
        assert ref["recipe"]["qualname"].endswith(qualified)
        assert ref["recipe"]["reproducible"].startswith("not known")
        assert (ref["parameters"], ref["dtype"], ref["role"]) == (None, None, "model")


def test_nothing_of_a_function_is_taken_from_another_or_from_before(folder: Path) -> None:
    calls = []

    def counted(query: str, documents: list[str]) -> list[int]:
        calls.append(query)
        return list(range(len(documents)))

    backwards = {"counted": lambda q, d: list(range(len(d)))[::-1]}
    first = rerankbench.run(folder, [counted], output="kept")
    other = rerankbench.run(folder, backwards, output="kept")
    again = rerankbench.run(folder, [counted], output="kept")
    assert len(calls) == 2 * 6
    assert runs_of(first) == runs_of(again) != runs_of(other)
    keys = {path.stem for path in Path("kept").rglob("runs/*")}
    assert len(keys) == 4  # Three functions and BM25.


def test_named_models_are_taken_from_the_output_folder(
    folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Any:
        result = rerankbench.run(folder, checkpoint, output="kept", device="cpu")
        return result.per_query().drop(columns="value"), runs_of(result)

    before = run()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(scoring, "score", refuse)
    after = run()
    assert before[0].equals(after[0])
    assert before[1] == after[1]
    with pytest.raises(RerankbenchError, match="scored again"):
        rerankbench.run(folder, checkpoint, output="kept", device="cpu", fresh=True)


def test_one_model_twice_under_two_names(folder: Path, checkpoint: Path) -> None:
    models = {
        "whole": checkpoint,
        "short": {"model": str(checkpoint), "max_length": 16},
        "words": overlap,
        "again": overlap,
    }
    result = rerankbench.run(folder, models, device="cpu", dtype="float32")
    runs = runs_of(result)
    assert set(runs) == {"bm25", *models}
    assert runs["whole"] != runs["short"]
    assert runs["words"] == runs["again"]


def test_speed_is_measured_when_asked_for(folder: Path) -> None:
    quiet = rerankbench.run(folder, overlap).leaderboard()
    timed = rerankbench.run(folder, overlap, speed=True).leaderboard()
    assert quiet["docs_per_s"].isna().all()
    speeds = {row["reranker"]: row["docs_per_s"] for row in rows(timed)}
    assert speeds["overlap"] > 0
    assert np.isnan(speeds["bm25"])


def test_a_run_in_memory_is_a_first_stage(folder: Path, parts: dict[str, Any]) -> None:
    run = {query: {f"d{i}": float(-i) for i in range(7)} for query in parts["queries"]}
    result = rerankbench.run(folder, overlap, first_stage=run, top_k=5)
    frame = result.rankings()
    assert set(frame["doc_id"]) == {f"d{i}" for i in range(5)}
    own = frame[frame["reranker"] == "overlap"]
    assert [f"d{rank - 1}" for rank in own["first_stage_rank"]] == list(own["doc_id"])
    assert set(result.leaderboard()["first_stage"]) == {"run"}


def test_a_first_stage_has_parameters_as_in_a_config(folder: Path) -> None:
    rerankbench.run(folder, "random", first_stage={"name": "bm25", "k1": 1.7}, output="kept")
    for record in tiny.records(Path("kept")).values():
        assert record["cell"]["first_stage"]["parameters"]["k1"] == 1.7


def test_nothing_is_printed_unless_asked(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rerankbench.run(folder, overlap)
    assert capfd.readouterr() == ("", "")
    rerankbench.run(folder, overlap, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "overlap: nDCG@10" in err


def test_progress_goes_to_an_object_of_ones_own(folder: Path) -> None:
    class Counter:
        def __init__(self) -> None:
            self.done: dict[str, int] = {}

        @contextmanager
        def task(self, description: str, total: int | None, unit: str) -> Iterator[Any]:
            yield lambda done: self.done.update(
                {description: self.done.get(description, 0) + done}
            )

        def note(self, text: str) -> None: ...

        def warn(self, text: str) -> None: ...

    counter = Counter()
    rerankbench.run(folder, overlap, top_k=10, progress=counter)
    assert counter.done["overlap"] == 60


def test_the_temporary_folder_lives_as_long_as_the_result(folder: Path) -> None:
    result = rerankbench.run(folder, overlap)
    place = result.folder
    assert len(rerankbench.load_results(place)) == 2
    del result
    gc.collect()
    assert not place.exists()
    kept = rerankbench.run(folder, overlap, output="kept").folder
    gc.collect()
    assert len(rerankbench.load_results(kept)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"collection": 5}, UsageError, "a int is no collection; give a name, a folder"),
        ({"collection": Path("nowhere")}, ConfigError, "nowhere: no such folder"),
        ({"collection": {"queries": {}}}, InputError, "the collection: has no 'corpus'"),
        ({"models": 5}, UsageError, "a int is no reranker; give a name"),
        ({"models": []}, ConfigError, "rerankbench.run: 'models'"),
        ({"models": [overlap, overlap]}, UsageError, "two models are called 'overlap'; name them"),
        ({"models": {"": overlap}}, UsageError, "a model's name is a line of text, not ''"),
        ({"models": {1: overlap}}, UsageError, "a model's name is a line of text, not 1"),
        ({"models": {"a\nb": overlap}}, UsageError, "a model's name is a line of text"),
        ({"models": {"a" * 201: overlap}}, UsageError, "is longer than 200 letters"),
        ({"models": {"bm25": overlap}}, UsageError, "two models are called 'bm25'"),
        ({"models": torch.nn.Linear(1, 1)}, UsageError, "a Linear takes no texts; give a name"),
        ({"top_k": 0}, ConfigError, "rerankbench.run: 'top_k'"),
        ({"metrics": "nDGC@10"}, ConfigError, "no metric 'nDGC@10'; did you mean 'nDCG'?"),
        ({"first_stage": "bm26"}, ConfigError, "no first stage 'bm26'"),
        ({"first_stage": 3}, UsageError, "a int is no first stage"),
        ({"first_stage": {"q0": ["d1"]}}, UsageError, "the run holds 'q0': list; give"),
        ({"first_stage": {"q0": {"d1": "x"}}}, UsageError, "the run holds the score 'x'"),
    ],
)
def test_arguments_that_cannot_be_are_one_line(
    folder: Path, arguments: dict[str, Any], error: type[RerankbenchError], told: str
) -> None:
    with pytest.raises(error, match=re.escape(told)) as caught:
        rerankbench.run(**{"collection": folder, "models": [overlap], **arguments})
    assert "\n" not in str(caught.value)
