"""Code of a checkpoint runs only where it is trusted by name, and then decides the scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from tests.rerankers.loaded import load

from .. import tiny
from . import language_models as lm
from . import own_code


@pytest.fixture(autouse=True)
def modules_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where transformers copies the code of a checkpoint to."""
    place = str(tmp_path / "modules")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", place)
    monkeypatch.syspath_prepend(place)


def _scores(spec: RerankerSpec) -> list[float]:
    reranker = load(naming.find_factory(spec.model, spec.family), spec)
    prepared = reranker.prepare(Job(candidates=tiny.mixed()))
    found = {
        pair: score
        for batch in reranker.score(prepared)
        for pair, score in zip(batch.pairs, batch.scores, strict=True)
    }
    return [found[pair] for pair in sorted(found)]


def test_a_classifier_with_code_is_scored_by_it(tmp_path: Path) -> None:
    folder = own_code.classifier(tmp_path / "model")
    plain = own_code.plain_copy(folder, tmp_path / "plain")
    trusted = RerankerSpec(model=str(folder), trust_remote_code=True, dtype="float32")
    expected = _scores(RerankerSpec(model=str(plain), dtype="float32"))
    assert _scores(trusted) == pytest.approx([2 * x + 1 for x in expected], abs=1e-4)


def test_code_that_is_not_trusted_does_not_run(tmp_path: Path) -> None:
    folder = own_code.classifier(tmp_path / "model")
    code = folder / "own.py"
    code.write_text(code.read_text() + "\nraise SystemExit('the code ran')\n")
    with pytest.raises(ModelError, match=r"needs its own code .* 'trust_remote_code: true'"):
        _scores(RerankerSpec(model=str(folder)))


@pytest.mark.parametrize("layer", [None, 1, 2])
def test_a_layer_of_its_own_is_read(tmp_path: Path, layer: int | None) -> None:
    folder = own_code.layered(tmp_path / "bge-reranker-v2-minicpm-layerwise")
    recipe = {} if layer is None else {"layer": layer}
    spec = RerankerSpec(model=str(folder), trust_remote_code=True, dtype="float32", recipe=recipe)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    causal: Any = AutoModelForCausalLM
    model = causal.from_pretrained(folder, trust_remote_code=True).eval()
    question = (
        "Given a query A and a passage B, determine whether the passage contains an answer to the "
        "query by providing a prediction of either 'Yes' or 'No'."
    )
    newline, prompt = lm.ids(tokenizer, "\n"), lm.ids(tokenizer, question)
    expected = []
    for each in tiny.mixed():
        asked = [tokenizer.bos_token_id, *lm.ids(tokenizer, f"A: {each.query.text}")]
        for document in each.documents:
            told = lm.ids(tokenizer, f"B: {document.content}")[:512]
            told = (newline + told)[: 512 + len(newline) + len(prompt) - len(asked)]
            ids = torch.tensor([asked + told + newline + prompt])
            with torch.no_grad():
                (logits,) = model(input_ids=ids, cutoff_layers=[layer or 3]).logits
            expected.append(float(logits[0, -1]))
    assert _scores(spec) == pytest.approx(expected, abs=1e-4, rel=1e-5)
