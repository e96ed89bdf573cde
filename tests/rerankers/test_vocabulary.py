"""A tokeniser with hardly any vocabulary is refused, in every family."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import detection, vocabulary
from rerankbench.rerankers.sequence_classification import FACTORY
from tests.rerankers.loaded import load

from .. import tiny
from . import language_models as lm
from .conftest import CheckpointOf

_transformers: Any = transformers
REMEDY = r"; save it again with tokenizer\.save_pretrained\(folder\), or fetch the model again$"


def _empty(folder: Path, kind: Any, **names: str) -> Any:
    """What transformers makes of the argument that older releases took."""
    return kind(vocab_file=str(folder / "vocab.txt"), **names)


def _copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


@pytest.mark.parametrize(
    ("kind", "known"),
    [("BertTokenizer", 0), ("RobertaTokenizer", 0), ("T5Tokenizer", 1)],
)
def test_an_empty_tokeniser_of_transformers_is_refused(
    checkpoint_of: CheckpointOf, tmp_path: Path, kind: str, known: int
) -> None:
    folder = _copied(checkpoint_of(), tmp_path / "made-badly")
    for path in folder.glob("*token*"):
        path.unlink()
    tokenizer = _empty(folder, getattr(_transformers, kind))
    tokenizer.model_max_length = tiny.MAX_LENGTH
    tokenizer.save_pretrained(folder)
    with pytest.raises(ModelError, match=REMEDY) as caught:
        load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    line = str(caught.value)
    assert line.startswith(f"made-badly: its tokeniser ({kind}) knows {known} tokens besides ")
    assert len(line) <= 300


def test_a_folder_whose_vocabulary_was_left_out_is_refused(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    folder = _copied(checkpoint_of(), tmp_path / "cut")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"^cut: ") as caught:
        load(FACTORY, RerankerSpec(model=str(folder), engine="torch", dtype="float32"))
    assert len(str(caught.value)) <= 300


def test_a_decoder_is_held_to_it_too(tmp_path: Path) -> None:
    folder = lm.decoder(tmp_path / "Qwen3-Reranker-0.6B", "Qwen3", lm.chat_tokens())
    path = folder / "tokenizer.json"
    saved = json.loads(path.read_text())
    special = {each["content"] for each in saved["added_tokens"]}
    saved["model"]["vocab"] = {
        token: i for token, i in saved["model"]["vocab"].items() if token in special
    }
    saved["model"]["merges"] = []
    path.write_text(json.dumps(saved))
    with pytest.raises(ModelError, match=REMEDY):
        load(detection.FACTORY, RerankerSpec(model=str(folder), dtype="float32"))


def _word_level(*words: str, lower: bool) -> Any:
    vocabulary_of = {word: i for i, word in enumerate(("[UNK]", "[PAD]", *words))}
    plain = Tokenizer(models.WordLevel(vocabulary_of, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    if lower:
        plain.normalizer = normalizers.Lowercase()
    return _transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="[UNK]", pad_token="[PAD]"
    )


def test_a_tokeniser_that_forgets_its_own_words_is_refused() -> None:
    # Lower-cased before it is looked up in a vocabulary of capitals.
    words = [word.capitalize() for word in tiny.WORDS]
    vocabulary.check(_word_level(*words, lower=False), {"vocab_size": 60}, "good")
    with pytest.raises(
        ModelError, match=r"^bad: its tokeniser \(\w+\) takes 100% of the words of"
    ):
        vocabulary.check(_word_level(*words, lower=True), {"vocab_size": 60}, "bad")


@pytest.mark.parametrize(
    ("size", "right"), [(48, True), (900, True), (30522, False), (None, True), ("many", True)]
)
def test_a_vocabulary_is_compared_with_the_models(size: Any, right: bool) -> None:
    tokenizer = _word_level(*tiny.WORDS[:46], lower=True)
    for config in ({"vocab_size": size}, {"text_config": {"vocab_size": size}}):
        if right:
            vocabulary.check(tokenizer, config, "mine")
            continue
        with pytest.raises(ModelError, match=r"knows 46 tokens besides special ones, of 30,522 "):
            vocabulary.check(tokenizer, config, "mine")


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_tokenisers_of_every_kind_pass(kind: str) -> None:
    tokenizer = tiny.KINDS[kind].tokenizer()
    vocabulary.check(tokenizer, {"vocab_size": len(tokenizer)}, kind)
