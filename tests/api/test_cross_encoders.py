"""Loaded cross-encoders of sentence-transformers: the scores of their own `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import rerankbench
from rerankbench.errors import UsageError
from rerankbench.rerankers.objects import cross_encoders

from .. import tiny
from .conftest import rows

sentence_transformers = pytest.importorskip("sentence_transformers")


def _load(folder: Path, **options: Any) -> Any:
    return sentence_transformers.CrossEncoder(str(folder), device="cpu", **options)


def test_a_loaded_model_ranks_as_its_folder_does(folder: Path, checkpoint: Path) -> None:
    models = {"object": _load(checkpoint), "folder": checkpoint}
    result = rerankbench.run(folder, models, dtype="float32", device="cpu")
    frame = result.rankings().set_index(["query_id", "doc_id"])
    own, folders = (frame[frame["reranker"] == name].sort_index() for name in models)
    assert list(own["rank"]) == list(folders["rank"])
    assert own["score"].to_numpy() == pytest.approx(folders["score"].to_numpy(), abs=1e-4)


def test_scores_are_logits_whatever_the_models_activation(
    folder: Path, checkpoint: Path, parts: dict[str, Any]
) -> None:
    import torch

    model = _load(checkpoint, activation_fn=torch.nn.Sigmoid())
    frame = rerankbench.run(folder, model, top_k=3).rankings()
    own = frame[frame["reranker"] == "tiny-bert"]
    assert len(own) == 18
    tokenizer, plain = tiny.reference(checkpoint)
    for row in rows(own):
        text = " ".join(parts["corpus"][row["doc_id"]].values())
        query = parts["queries"][row["query_id"]]
        assert row["score"] == pytest.approx(
            tiny.reference_score(tokenizer, plain, query, text), abs=1e-4
        )


def test_of_two_labels_the_difference_is_scored(
    folder: Path, parts: dict[str, Any], tmp_path: Path
) -> None:
    two = tiny.build(tmp_path / "two", labels=2)
    frame = rerankbench.run(folder, _load(two), top_k=3, output="kept").rankings()
    tokenizer, plain = tiny.reference(two)
    for row in rows(frame[frame["reranker"] == "two"]):
        text = " ".join(parts["corpus"][row["doc_id"]].values())
        query = parts["queries"][row["query_id"]]
        assert row["score"] == pytest.approx(
            tiny.reference_score(tokenizer, plain, query, text), abs=1e-4
        )
    assert tiny.records(Path("kept"))["two"]["cell"]["reranker"]["recipe"]["score"] == (
        "logit1 - logit0"
    )


def test_the_record_tells_what_was_scored_and_changes_with_the_weights(
    folder: Path, checkpoint: Path
) -> None:
    import torch

    model = _load(checkpoint)
    rerankbench.run(folder, {"before": model}, output="kept")
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    rerankbench.run(folder, {"after": model, "same": model}, output="kept")
    refs = {name: each["cell"]["reranker"] for name, each in tiny.records(Path("kept")).items()}
    before, after, same = (refs[name] for name in ("before", "after", "same"))
    assert before["family"] == "loaded-cross-encoder"
    assert before["parameters"] == sum(each.numel() for each in model.parameters())
    assert (before["dtype"], before["max_length"]) == ("float32", tiny.MAX_LENGTH)
    assert before["recipe"]["scored_by"].startswith("predict, sentence-transformers ")
    assert before["revision"] != after["revision"] == same["revision"]
    assert len(list(Path("kept").rglob("runs/*"))) == 4  # No object stands in for another.


def test_windows_change_no_score(
    folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _load(checkpoint)
    whole = rerankbench.run(folder, model).rankings()
    monkeypatch.setattr(cross_encoders, "CHUNK_PAIRS", 1)
    parts = rerankbench.run(folder, model).rankings()
    assert whole["score"].to_numpy() == pytest.approx(parts["score"].to_numpy(), abs=1e-5)


def test_bfloat16_weights_are_hashed_and_scored(folder: Path, checkpoint: Path) -> None:
    model = _load(checkpoint, model_kwargs={"dtype": "bfloat16"})
    rerankbench.run(folder, model, output="kept")
    assert tiny.records(Path("kept"))["tiny-bert"]["cell"]["reranker"]["dtype"] == "bfloat16"


def test_what_takes_no_pairs_of_texts_is_refused(folder: Path, checkpoint: Path) -> None:
    _, plain = tiny.reference(checkpoint)
    with pytest.raises(UsageError, match="a BertForSequenceClassification takes no texts; give"):
        rerankbench.run(folder, plain)
