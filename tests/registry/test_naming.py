"""What users' names for collections, first stages, rerankers and metrics mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rerankbench import registry
from rerankbench.errors import InputError, UsageError
from rerankbench.registry import naming


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was loaded from the registry, and the arguments it was called with."""
    calls: list[tuple[Any, ...]] = []

    def load(kind: str, name: str) -> Any:
        def plugin(*arguments: Any) -> str:
            calls.append((kind, name, *arguments))
            return f"opened {name}"

        return plugin

    monkeypatch.setattr(registry, "load", load)
    return calls


def _stage(*, name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return name, arguments


def test_paths_are_told_from_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scifact").mkdir()
    paths = ("./gone", "../gone", "/gone", "~/gone", ".", "scifact", "scifact/")
    assert [naming.is_path(name) for name in paths] == [True] * len(paths)
    assert not naming.is_path("beir/scifact")


def test_a_registered_collection_is_opened_under_its_own_name(
    loaded: list[tuple[Any, ...]],
) -> None:
    found: object = naming.open_collection("demo", "dev")
    assert found == "opened demo"
    assert loaded == [("collections", "demo", "demo", "dev")]


def test_a_folder_is_opened_as_beir(loaded: list[tuple[Any, ...]], tmp_path: Path) -> None:
    naming.open_collection(str(tmp_path))
    assert loaded == [("collections", "beir-folder", str(tmp_path), None)]


@pytest.mark.parametrize("name", ["beir/scifact/test", "beir-folder", "ir-datasets"])
def test_any_other_name_is_an_ir_datasets_id(name: str, loaded: list[tuple[Any, ...]]) -> None:
    naming.open_collection(name)
    assert loaded == [("collections", "ir-datasets", name, None)]


def test_a_folder_wins_over_an_id_of_the_same_name(
    loaded: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beir").mkdir()
    naming.open_collection("beir")
    assert loaded == [("collections", "beir-folder", "beir", None)]


def test_a_file_is_no_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(
        UsageError, match=r"corpus\.jsonl: is a file.*: rerankbench convert corpus"
    ):
        naming.open_collection("corpus.jsonl")
    (tmp_path / "notes.md").touch()
    with pytest.raises(
        UsageError, match=r"notes\.md: is a file, not a folder; name a folder with"
    ):
        naming.open_collection("notes.md")


def test_a_path_that_is_not_there_is_complained_of_as_a_path() -> None:
    with pytest.raises(InputError, match="no/where"):
        naming.open_collection("./no/where")


def test_a_first_stage_receives_its_arguments_and_the_cache(
    loaded: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    name, stage = naming.open_first_stage(*_stage(name="bm25", k1=1.5), "scifact", tmp_path)
    opened: object = stage
    assert (name, opened) == ("bm25", "opened bm25")
    assert loaded == [("firststages", "bm25", {"k1": 1.5}, tmp_path)]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": "run:a/b.trec"}, "a/b.trec"),
        ({"name": "run", "path": "c.trec"}, "c.trec"),
        ({"name": "run:C:/x.trec"}, "C:/x.trec"),
        ({"name": "run:runs/{dataset}.trec.gz"}, "runs/scifact.trec.gz"),
        ({"name": "run", "path": "{dataset}/{dataset}.trec"}, "scifact/scifact.trec"),
    ],
)
def test_the_path_of_a_run_file_names_the_dataset_where_asked(
    values: dict[str, str], path: str, loaded: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    name, _ = naming.open_first_stage(*_stage(**values), "scifact", tmp_path)
    assert name == "run"
    assert loaded == [("firststages", "run", {"path": path}, tmp_path)]


def test_opening_a_first_stage_leaves_its_config_as_it_was(
    loaded: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    entry = _stage(name="run:{dataset}.trec")
    for collection in ("one", "two"):
        naming.open_first_stage(*entry, collection, tmp_path)
    assert [call[2]["path"] for call in loaded] == ["one.trec", "two.trec"]


def test_an_unknown_first_stage_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no first stage 'bm26'; did you mean 'bm25'"):
        naming.open_first_stage(*_stage(name="bm26"), "scifact", tmp_path)


def test_a_registered_reranker_is_found_by_name_and_all_else_by_its_files() -> None:
    by_files = registry.load("rerankers", "detected")
    assert naming.find_factory("oracle") is registry.load("rerankers", "oracle")
    assert naming.find_factory("cross-encoder/ms-marco-MiniLM-L6-v2") is by_files
    named = naming.find_factory("some/model", "causal-lm")
    assert named is registry.load("rerankers", "causal-lm")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nDCG@10", "nDCG@10"),
        ("ndcg@5", "nDCG@5"),
        (" nDCG@10 ", "nDCG@10"),
        ("ndcg_cut_10", "nDCG@10"),
        ("ndcg_cut.3", "nDCG@3"),
        ("ndcg", "nDCG"),
        ("map", "MAP"),
        ("MAP@100", "MAP@100"),
        ("map_cut_5", "MAP@5"),
        ("recip_rank", "MRR"),
        ("mrr@10", "MRR@10"),
        ("recall_100", "Recall@100"),
        ("Recall@7", "Recall@7"),
        ("P@1", "P@1"),
        ("p_20", "P@20"),
        ("P.5", "P@5"),
        ("AP", "MAP"),
        ("AP@100", "MAP@100"),
        ("RR", "MRR"),
        ("RR@10", "MRR@10"),
        ("R@100", "Recall@100"),
        ("Precision@10", "P@10"),
        ("precision@10", "P@10"),
        ("MAP(rel=2)", "MAP(rel=2)"),
        ("AP(rel=2)@100", "MAP(rel=2)@100"),
        ("RR(rel=2)@10", "MRR(rel=2)@10"),
        ("MRR( rel = 3 )@10", "MRR(rel=3)@10"),
        ("R(rel=2)@100", "Recall(rel=2)@100"),
        ("P(rel=1)@5", "P@5"),
        ("nDCG(rel=1)@10", "nDCG@10"),
    ],
)
def test_metrics_are_understood_as_papers_and_other_tools_write_them(text: str, name: str) -> None:
    assert naming.parse_metric(text).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nDGC@10", r"no metric 'nDGC@10'; did you mean 'nDCG'\?"),
        ("bpref", "no metric 'bpref'; known: .*MAP, .*MRR, .*nDCG"),
        ("", "metric '' is not of the form nDCG@10"),
        ("10@nDCG", "is not of the form"),
        ("nDCG@", "is not of the form"),
        ("nDCG@-1", "is not of the form"),
        ("nDCG@1.5", "is not of the form"),
        ("nDCG@0", "metric 'nDCG@0': the cutoff must be at least 1"),
        ("nDCG@99999999999999999999", "the cutoff must be at most 1,000,000"),
        ("Recall", "metric 'Recall' needs a cutoff; write for example Recall@10"),
        ("P", "metric 'P' needs a cutoff"),
        ("R", "metric 'Recall' needs a cutoff"),
        ("ndcg_burges@10", "no metric 'ndcg_burges@10'"),
        ("r-precision", "no metric 'r-precision'"),
        ("nDCG(dcg='exp-log2')@10", "is not of the form"),
        ("MAP(rel=2.5)", "is not of the form"),
        ("MAP(rel=2, judged_only=True)", "is not of the form"),
        ("MAP(rel=0)", "is not of the form"),
        ("MAP(rel=2", "is not of the form"),
        ("nDCG(rel=2)@10", r"nDCG@10 counts the grades themselves: leave \(rel=2\) out"),
    ],
)
def test_other_metrics_are_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        naming.parse_metric(text)


def test_the_usual_level_goes_to_metrics_that_know_levels_and_name_none() -> None:
    asked = ("MAP", "RR@10", "R@5", "P@5", "nDCG@10", "MAP(rel=1)", "MAP(rel=3)")
    assert [naming.parse_metric(text, 2).name for text in asked] == [
        "MAP(rel=2)",
        "MRR(rel=2)@10",
        "Recall(rel=2)@5",
        "P(rel=2)@5",
        "nDCG@10",
        "MAP",
        "MAP(rel=3)",
    ]
