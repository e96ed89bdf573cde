"""Which label means that a document is relevant: by names, by choice, or refused."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.rerankers.files.labels import names_of, of, scored
from rerankbench.rerankers.pointwise import relevance
from rerankbench.types import Candidates
from tests.rerankers.loaded import load

from ... import tiny
from .. import language_models as lm
from ..conftest import CheckpointOf


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (["not_relevant", "relevant"], 1),
        (["relevant", "not_relevant"], 0),
        (["Relevant", "Not Relevant"], 0),
        (["RELEVANT", "irrelevant"], 0),
        (["non-relevant", "relevant"], 1),
        (["relevant", "Non-Relevant"], 0),
        (["entailment", "not_entailment"], 0),
        (["not_entailment", "entailment"], 1),
        (["contradiction", "entailment"], 1),
        (["yes", "no"], 0),
        (["No", "Yes"], 1),
        (["true", "false"], 0),
        (["positive", "negative"], 0),
        (["neg", "pos"], 1),
        ([" Relevant ", "other"], 0),
        (["useless", "perfect"], 1),
        (["perfect", "useless"], 0),
        (["not-a-duplicate", "duplicate"], 1),
        (["duplicate", "not_duplicate"], 0),
        (["0", "1"], 1),
        (["LABEL_0", "LABEL_1"], 1),
        (["label 0", "label 1"], 1),
        (["unrelated", "related"], 1),
        (["1", "not relevant"], 0),
        (["relevant_passage", "irrelevant_passage"], 0),
        (["isRelevant", "isNotRelevant"], 0),
        (["positive pair", "negative pair"], 0),
        (["non relevant document", "relevant document"], 1),
        (["Relevant (1)", "Not relevant (0)"], 0),
        (["rel", "nonrel"], 0),
    ],
)
def test_names_tell_which_of_two_labels_is_relevant(names: list[str], index: int) -> None:
    found = scored(names, None, model="m")
    assert (found.index, found.caution) == (index, None)
    assert found.score == ("logit1 - logit0" if index else "logit0 - logit1")


@pytest.mark.parametrize(
    ("names", "index", "words"),
    [
        (["A", "B"], 1, "do not say which is relevant: the second was scored"),
        (["relevant", "entailment"], 1, "do not say which is relevant"),
        (["no", "not_relevant"], 1, "do not say which is relevant"),
        (["LABEL_1", "LABEL_0"], 0, "numbered the other way round (LABEL_1, LABEL_0)"),
        (["pertinent", "non pertinent"], 0, "do not say which is relevant: the first was scored"),
        (["not pertinent", "pertinent"], 1, "do not say which is relevant: the second was scored"),
        (["1", "0"], 0, "numbered the other way round"),
    ],
)
def test_a_guess_comes_with_a_caution(names: list[str], index: int, words: str) -> None:
    found = scored(names, None, model="m")
    assert found.index == index
    assert found.caution is not None
    assert words in found.caution
    assert "name another as 'label' in the recipe" in found.caution


def test_three_labels_are_scored_where_one_alone_means_relevant() -> None:
    for names in (
        ["entailment", "neutral", "contradiction"],
        ["contradiction", "neutral", "entailment"],
        ["CONTRADICTION", "ENTAILMENT", "NEUTRAL"],
        ["ENTAILMENT (label)", "nei", "refutes"],
    ):
        found = scored(names, None, model="m")
        assert names[found.index].lower().startswith("entailment")
        assert found.caution is None


@pytest.mark.parametrize(
    "names",
    [
        ["LABEL_0", "LABEL_1", "LABEL_2"],
        ["0", "1", "2"],
        ["irrelevant", "partly relevant", "relevant"],
        ["relevant", "positive", "no"],
        ["neutral", "contradiction", "no"],
    ],
)
def test_three_labels_that_say_nothing_are_refused_with_the_remedy(names: list[str]) -> None:
    with pytest.raises(ModelError, match=r"nothing tells which one is relevant; name it in a con"):
        scored(names, None, model="m")


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("neutral", 1),
        ("Neutral", 1),
        (" NEUTRAL", 1),
        (0, 0),
        (2, 2),
        ("2", 2),
    ],
)
def test_a_recipe_names_a_label_or_its_index(asked: str | int, index: int) -> None:
    names = ["entailment", "neutral", "contradiction"]
    assert scored(names, asked, model="m").index == index


@pytest.mark.parametrize("asked", ["maybe", 3, -1, "7", ""])
def test_a_label_that_there_is_not_is_refused(asked: str | int) -> None:
    with pytest.raises(UsageError, match="its labels are 0: entailment, 1: neutral"):
        scored(["entailment", "neutral"], asked, model="m")


@pytest.mark.parametrize(("asked", "index"), [(True, 0), (False, 1)])
def test_yes_and_no_are_flags_in_yaml(asked: bool, index: int) -> None:
    assert scored(["yes", "no"], asked, model="m").index == index


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, ("LABEL_0", "LABEL_1")),
        ({"num_labels": 1}, ("LABEL_0",)),
        ({"num_labels": 1, "id2label": {"0": "no", "1": "yes"}}, ("LABEL_0",)),
        ({"num_labels": 2, "id2label": {"0": "x"}}, ("LABEL_0", "LABEL_1")),
        ({"id2label": {"1": "yes", "0": "no"}}, ("no", "yes")),
        ({"id2label": {"0": 0, "1": 1}}, ("0", "1")),
        ({"label2id": {"yes": 0, "no": 1}}, ("yes", "no")),
    ],
)
def test_names_are_in_the_order_of_the_logits(
    config: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert names_of(config) == names
    read: Any = transformers.BertConfig
    assert read.from_dict(config).num_labels == len(names)


@pytest.mark.parametrize("named", [{}, {"0": "a", "2": "b"}, {"a": "x"}, {"1": "a", "2": "b"}])
def test_labels_that_are_not_numbered_from_0_are_refused(named: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"^m: its id2label numbers its labels"):
        of({"id2label": named}, None, model="m")


def test_label2id_that_contradicts_id2label_gets_a_caution() -> None:
    config = {
        "id2label": {"0": "not_relevant", "1": "relevant"},
        "label2id": {"relevant": 0, "not_relevant": 1},
    }
    found = of(config, None, model="m")
    assert found.index == 1
    assert "contradict each other" in str(found.caution)
    assert of(config, "relevant", model="m").caution is None


def test_the_score_of_three_labels_is_the_log_odds() -> None:
    logits = np.array([[1.0, -2.0, 0.5], [100.0, -100.0, 99.0]], dtype=np.float32)
    found = relevance(logits, 2)
    for row, score in zip(logits.astype(float), found, strict=True):
        chance = math.exp(row[2] - 100) / sum(math.exp(x - 100) for x in row)
        assert score == pytest.approx(math.log(chance / (1 - chance)), abs=1e-3)
    assert found.dtype == np.float32


# --- models ------------------------------------------------------------------------------------


def _score(folder: Path, candidates: Sequence[Candidates], **options: Any) -> tuple[Any, Any]:
    spec = RerankerSpec(model=str(folder), **{"dtype": "float32"} | options)
    reranker = load(naming.find_factory(spec.model, spec.family), spec)
    found = {
        pair: score
        for batch in reranker.score(reranker.prepare(Job(candidates=candidates)))
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[i] for i in range(len(found))], reranker


def _named(source: Path, folder: Path, names: Sequence[str]) -> Path:
    shutil.copytree(source, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["id2label"] = {str(i): name for i, name in enumerate(names)}
    config["label2id"] = {name: i for i, name in enumerate(names)}
    path.write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(("kind", "engine"), [("bert", "auto"), ("modernbert", "torch")])
def test_turned_names_turn_the_ranking(
    checkpoint_of: CheckpointOf, tmp_path: Path, kind: str, engine: str
) -> None:
    candidates, source = tiny.mixed(), checkpoint_of(kind, 2)
    tokenizer, model = tiny.reference(source)
    usual = [
        tiny.reference_score(tokenizer, model, each.query.text, document.content)
        for each in candidates
        for document in each.documents
    ]
    turned = _named(source, tmp_path / "m", ["relevant", "not_relevant"])
    found, reranker = _score(turned, candidates, engine=engine)
    assert found == pytest.approx([-score for score in usual], abs=1e-4)
    assert reranker.ref.recipe["score"] == "logit0 - logit1"
    assert reranker.ref.recipe["label"] == "relevant"
    chosen, reranker = _score(turned, candidates, engine=engine, recipe={"label": "not_relevant"})
    assert chosen == pytest.approx(usual, abs=1e-4)
    assert reranker.ref.recipe["label"] == "not_relevant"


def test_three_labels_score_as_transformers_says(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    source = checkpoint_of("bert", 3)
    folder = _named(source, tmp_path / "m", ["contradiction", "entailment", "neutral"])
    candidates = tiny.mixed(queries=2)
    tokenizer, model = tiny.reference(folder)
    expected = []
    for each in candidates:
        for document in each.documents:
            encoded = tokenizer(
                [each.query.text],
                [document.content],
                truncation="only_second",
                max_length=tiny.MAX_LENGTH,
                return_tensors="pt",
            )
            with torch.no_grad():
                chance = model(**encoded).logits[0].double().softmax(0)[1]
            expected.append(float(torch.log(chance / (1 - chance))))
    found, reranker = _score(folder, candidates)
    assert found == pytest.approx(expected, abs=1e-4)
    assert reranker.ref.recipe["score"] == "logit1 - logsumexp(logit0, logit2)"


def test_a_decoders_labels_are_chosen_alike(tmp_path: Path) -> None:
    source = lm.decoder(
        tmp_path / "rankllama", "Llama", lm.plain_tokens(), "SequenceClassification", num_labels=2
    )
    candidates = tiny.mixed(queries=2)
    usual, reranker = _score(source, candidates)
    assert reranker.ref.recipe["score"] == "logit1 - logit0 at the last token"
    turned, reranker = _score(_named(source, tmp_path / "rankllama-2", ["yes", "no"]), candidates)
    assert turned == pytest.approx([-score for score in usual], abs=1e-5)
    assert reranker.ref.recipe["label"] == "yes"
    three = lm.decoder(
        tmp_path / "rankllama-3",
        "Llama",
        lm.plain_tokens(),
        "SequenceClassification",
        num_labels=3,
    )
    with pytest.raises(ModelError, match="nothing tells which one is relevant"):
        _score(three, candidates)


def test_a_caution_is_among_the_warnings(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    folder = _named(checkpoint_of("bert", 2), tmp_path / "m", ["A", "B"])
    _, reranker = _score(folder, tiny.mixed(queries=1))
    assert any("do not say which is relevant" in each for each in reranker.warnings())


def test_generic_names_leave_the_record_as_it_was(checkpoint_of: CheckpointOf) -> None:
    spec = RerankerSpec(model=str(checkpoint_of("bert", 2)))
    recipe = naming.find_factory(spec.model).identify(spec).ref.recipe
    assert sorted(recipe) == ["architecture", "score", "truncation"]
    assert recipe["score"] == "logit1 - logit0"
    chosen = RerankerSpec(model=spec.model, recipe={"label": 1})
    assert naming.find_factory(spec.model).identify(chosen).ref.recipe == recipe
