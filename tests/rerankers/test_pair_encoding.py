"""Pairs put together from texts tokenised once are the pairs that the tokeniser itself makes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job
from rerankbench.rerankers import pair_encoding
from rerankbench.rerankers.pair_encoding import EncodedPairs, encode, template_of
from rerankbench.types import Candidates, Document, Query

from .. import tiny

# The stubs know neither all classes nor all arguments.
_transformers: Any = transformers
_tokenizers: Any = tokenizers
_BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_WITH_TYPES = ["input_ids", "token_type_ids", "attention_mask"]
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_AROUND_BERT = "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
_AROUND_XLM = "<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0"


def _lines() -> list[str]:
    numbers = random.Random(11)
    odd = [
        "A naïve café, twice: 3.5 % – ok?",
        "月 升起 了 🙂 x🙂",
        "it's 12345 – they've 'left'\n",
    ]
    return [tiny.sentence(numbers, 12) for _ in range(200)] + odd * 5


def _word_pieces() -> Any:
    backend = _tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=220, special_tokens=_BERT, show_progress=False)
    backend.train_from_iterator(_lines(), trainer)
    return backend


def _byte_pairs(special: list[str], before: Any, *, bytes_for_all: bool = True) -> Any:
    backend = _tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = before
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if bytes_for_all else [],
        show_progress=False,
    )
    backend.train_from_iterator(_lines(), trainer)
    return backend


def _unigrams(special: list[str], unknown: str, scheme: str = "always") -> Any:
    backend = _tokenizers.Tokenizer(models.Unigram())
    spaces = normalizers.Replace(_tokenizers.Regex(" {2,}"), " ")
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), spaces])
    metaspace: Any = pre_tokenizers.Metaspace
    backend.pre_tokenizer = metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=220, special_tokens=special, unk_token=unknown, show_progress=False
    )
    backend.train_from_iterator(_lines(), trainer)
    return backend


def _with(backend: Any, pair: str) -> Any:
    """The backend with such a template: `[CLS]:0 $A:0 [SEP]:0 $B:1`."""
    names = {each.split(":")[0] for each in pair.split() if not each.startswith("$")}
    special = [(name, backend.token_to_id(name)) for name in sorted(names)]
    backend.post_processor = processors.TemplateProcessing(
        single="$A", pair=pair, special_tokens=special
    )
    return backend


def _wrap(backend: Any, **options: Any) -> Any:
    return _transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **options)


def _bert(pair: str = _AROUND_BERT, **options: Any) -> Any:
    return _wrap(_with(_word_pieces(), pair), model_input_names=_WITH_TYPES, **options)


def _bert_processing() -> Any:
    backend = _word_pieces()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return _wrap(backend, model_input_names=_WITH_TYPES)


def _roberta(*, add_prefix_space: bool) -> Any:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    backend = _byte_pairs(_ROBERTA, byte_level)
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=add_prefix_space
    )
    return _wrap(backend)


def _qwen() -> Any:
    split = pre_tokenizers.Split(_tokenizers.Regex(_QWEN), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend = _byte_pairs(["<|end|>"], pre_tokenizers.Sequence([split, byte_level]))
    backend.normalizer = normalizers.NFC()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return _wrap(backend, eos_token="<|end|>", pad_token="<|end|>")


def _gemma() -> Any:
    """No pre-tokeniser: whole texts are merged, spaces among their letters."""
    split = pre_tokenizers.Split("▁", "merged_with_next")
    backend = _byte_pairs(["<s>", "<unk>"], split, bytes_for_all=False)
    backend.model.unk_token = "<unk>"
    backend.normalizer = normalizers.Replace(" ", "▁")
    return _wrap(backend, bos_token="<s>", add_bos_token=True, model_input_names=_WITH_TYPES)


def _strip_spaces() -> Any:
    """Special tokens that swallow the spaces beside them, as RoBERTa's mask does."""
    backend = _with(_word_pieces(), _AROUND_BERT)
    backend.add_special_tokens([_tokenizers.AddedToken("<gap>", lstrip=True, rstrip=True)])
    return _wrap(backend, model_input_names=_WITH_TYPES)


_FAMILIES: Mapping[str, Callable[[], Any]] = {
    **{f"{kind} of transformers": recipe.tokenizer for kind, recipe in tiny.KINDS.items()},
    "electra of transformers": lambda: tiny._word_pieces(_transformers.ElectraTokenizer),
    "bert": _bert,
    "bert, its own processor": _bert_processing,
    "bert, literal special tokens": lambda: _bert(split_special_tokens=True),
    "bert, greedy special tokens": _strip_spaces,
    "types of many kinds": lambda: _bert("[CLS]:3 [MASK]:5 $A:0 [SEP]:2 $B:1 [SEP]:4 [PAD]:6"),
    "roberta": lambda: _roberta(add_prefix_space=False),
    "roberta, prefix space": lambda: _roberta(add_prefix_space=True),
    "xlm-roberta": lambda: _wrap(_with(_unigrams(_ROBERTA, "<unk>"), _AROUND_XLM)),
    "xlm-roberta, first only": lambda: _wrap(
        _with(_unigrams(_ROBERTA, "<unk>", "first"), _AROUND_XLM)
    ),
    "deberta-v2": lambda: _wrap(
        _with(_unigrams(_BERT, "[UNK]"), _AROUND_BERT), model_input_names=_WITH_TYPES
    ),
    "t5": lambda: _wrap(_with(_unigrams(_ROBERTA, "<unk>"), "$A:0 </s>:0 $B:0 </s>:0")),
    "modernbert": lambda: _wrap(
        _with(_byte_pairs(_BERT, pre_tokenizers.ByteLevel(add_prefix_space=False)), _AROUND_BERT)
    ),
    "llama": lambda: _wrap(
        _byte_pairs(_ROBERTA, pre_tokenizers.ByteLevel(add_prefix_space=False)),
        bos_token="<s>",
        eos_token="</s>",
        add_bos_token=True,
        add_eos_token=True,
    ),
    "qwen": _qwen,
    "gemma": _gemma,
}
_family = cache(lambda name: _FAMILIES[name]())
_every_family = pytest.mark.parametrize("family", _FAMILIES)

_FRAGMENTS = st.one_of(
    st.sampled_from([*tiny.WORDS, *"ab \n\t.'’%", "  ", "\r\n", "\u3000", "\u200d", "\u00a0"]),
    st.sampled_from(["[SEP]", "[CLS]", "[MASK]", "[UNK]", "</s>", "<s>", "<gap>", "<|end|>"]),
    st.sampled_from(
        ["🙂", "👩‍🚀", "é", "e\u0301", "\ufdfa", "Ⅷ", "ﬁ", "月升", "İ", "ß", "they've"]
    ),
    st.sampled_from(
        ["x" * 130, "lanternlantern" * 9, "1234567", "3.5", "▁", "Ġ", "\x00", "\ufffd"]
    ),
    st.text(max_size=4),
)


def _texts(fragments: int) -> st.SearchStrategy[str]:
    words = st.lists(_FRAGMENTS, max_size=fragments)
    return st.builds(lambda between, found: between.join(found), st.sampled_from(["", " "]), words)


def _clipped(tokenizer: Any, query: str, max_length: int) -> str:
    """The longest beginning of a query that ends with one of its first 3/4 × length tokens."""
    special = tokenizer.num_special_tokens_to_add(pair=True)
    most = min(int(max_length * 0.75), max_length - special - 1)
    offsets = tokenizer(
        [query],
        add_special_tokens=False,
        truncation=False,
        return_offsets_mapping=True,
        verbose=False,
    )["offset_mapping"][0]
    if len(offsets) <= most:
        return query
    ends = [offsets[i - 1][1] for i in range(1, most + 1) if offsets[i][0] >= offsets[i - 1][1]]
    return query[: ends[-1]] if ends else ""


def _own(tokenizer: Any, query: str, text: str, max_length: int) -> Any:
    # In lists: of two strings, transformers takes an empty second one for none at all.
    return tokenizer(
        [query], [text], truncation="only_second", max_length=max_length, verbose=False
    )


def _check(own: Any, job: Job, encoded: EncodedPairs, max_length: int) -> None:
    """Ids, types, lengths and truncated flags of all pairs are those of the tokeniser itself."""
    rows = encoded.rows(range(len(encoded.lengths)))
    assert rows.lengths.tolist() == encoded.lengths.tolist()
    assert (rows.types is not None) == ("token_type_ids" in own.model_input_names)
    pair = 0
    for each in job.candidates:
        query = _clipped(own, each.query.text, max_length)
        assert (each.query.query_id in encoded.cut_queries) == (query != each.query.text)
        for document in each.documents:
            expected = _own(own, query, document.content, max_length)
            place = slice(rows.offsets[pair], rows.offsets[pair + 1])
            assert rows.ids[place].tolist() == expected["input_ids"][0]
            if rows.types is not None:
                assert rows.types[place].tolist() == expected["token_type_ids"][0]
            assert encoded.truncated[pair] == bool(expected.encodings[0].overflowing)
            pair += 1
    assert pair == len(encoded.lengths) == len(encoded.truncated)


@_every_family
def test_pairs_are_those_of_the_tokeniser(family: str) -> None:
    tokenizer = _family(family)
    shortest = tokenizer.num_special_tokens_to_add(pair=True) + 2

    @settings(max_examples=25)
    @given(
        st.lists(st.tuples(_texts(12), st.lists(_texts(40), max_size=4)), max_size=3),
        st.one_of(st.integers(shortest, 24), st.integers(shortest, 300)),
        st.sampled_from(["left", "right"]),
    )
    def check(lists: list[tuple[str, list[str]]], max_length: int, side: str) -> None:
        tokenizer.truncation_side = side
        job = Job(candidates=tiny.candidates(lists))
        _check(tokenizer, job, encode(tokenizer, job, max_length), max_length)

    check()


@_every_family
def test_rows_come_in_the_order_asked_for(family: str) -> None:
    job = Job(candidates=tiny.mixed())
    encoded = encode(_family(family), job, 40)
    whole = encoded.rows(range(len(encoded.lengths)))
    asked = [8, 3, 3, 26, 0]
    rows = encoded.rows(asked)
    assert rows.ids.dtype == np.int32
    assert rows.offsets.dtype == np.int64
    for i, pair in enumerate(asked):
        found = slice(rows.offsets[i], rows.offsets[i + 1])
        place = slice(whole.offsets[pair], whole.offsets[pair + 1])
        assert rows.ids[found].tolist() == whole.ids[place].tolist()
        if rows.types is not None and whole.types is not None:
            assert rows.types.dtype == np.int32
            assert rows.types[found].tolist() == whole.types[place].tolist()
    assert encoded.rows([]).offsets.tolist() == [0]


def test_a_job_without_pairs_has_no_rows() -> None:
    unanswered: list[tuple[str, list[str]]] = [("tide", [])]
    for lists in (unanswered, unanswered[1:]):
        encoded = encode(_family("bert"), Job(candidates=tiny.candidates(lists)), 40)
        assert len(encoded.lengths) == len(encoded.truncated) == 0
        assert encoded.rows([]).ids.tolist() == []


def test_pairs_that_are_done_are_there_too() -> None:
    candidates, done = tiny.mixed(), frozenset({1, 7, 20})
    encoded = encode(_family("bert"), Job(candidates=candidates, done=done), 40)
    assert encoded.done == done
    _check(_family("bert"), Job(candidates=candidates), encoded, 40)


@_every_family
def test_of_a_long_document_the_side_that_is_kept_is_the_tokenisers(family: str) -> None:
    tokenizer = _FAMILIES[family]()
    job = Job(candidates=tiny.mixed())
    found = {}
    for side in ("left", "right"):
        tokenizer.truncation_side = side
        encoded = encode(tokenizer, job, 40)
        assert encoded.truncated.any()
        _check(tokenizer, job, encoded, 40)
        found[side] = encoded.rows(range(27)).ids.tolist()
    assert found["left"] != found["right"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_a_tokenizer_file_says_of_cutting_and_padding_does_not_count(side: str) -> None:
    backend = _with(_word_pieces(), _AROUND_BERT)
    plain = _wrap(backend, model_input_names=_WITH_TYPES, truncation_side=side)
    backend.enable_truncation(7, direction=side)
    backend.enable_padding(length=64)
    stored = _wrap(_tokenizers.Tokenizer.from_str(backend.to_str()), model_input_names=_WITH_TYPES)
    job = Job(candidates=tiny.mixed())
    template = template_of(plain)
    for found in (None, template):
        stored.backend_tokenizer.enable_truncation(7)
        stored.backend_tokenizer.enable_padding(length=64)
        _check(plain, job, encode(stored, job, 40, found), 40)
    # Nor what an earlier call left behind.
    stored(["?"], ["tide " * 9], truncation="only_second", padding="max_length", max_length=8)
    _check(plain, job, encode(stored, job, 40, template), 40)


@_every_family
def test_a_query_beyond_three_quarters_is_cut_and_named(family: str) -> None:
    tokenizer, numbers = _family(family), random.Random(5)
    long, document = tiny.sentence(numbers, 90), tiny.sentence(numbers, 40)
    lists = [(long, [document, ""]), ("tide", [document]), (long, ["moon"])]
    job = Job(candidates=tiny.candidates(lists))
    encoded = encode(tokenizer, job, 48)
    assert encoded.cut_queries == {"q0", "q2"}
    assert encoded.lengths[0] == 48
    spans = encoded.spans[[0, 1, 3]]
    assert set(spans[:, 1] - spans[:, 0]) == {36}
    _check(tokenizer, job, encoded, 48)


def test_a_query_that_grows_when_it_is_cut_still_fits() -> None:
    # Digits in threes from the right: 1|234|567 becomes 123|456, of which no three are a token.
    thirds = pre_tokenizers.Split(_tokenizers.Regex(r"\d{1,3}(?=(\d{3})*\b)"), "isolated")
    vocabulary = [*_BERT, "1", "4", "234", "56", "moon", "##2", "##3", "##5", "##6", "##7"]
    pieces = {piece: i for i, piece in enumerate(vocabulary)}
    backend = _tokenizers.Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    backend.pre_tokenizer = thirds
    tokenizer = _wrap(_with(backend, _AROUND_BERT), model_input_names=_WITH_TYPES)
    encoded = encode(tokenizer, Job(candidates=tiny.candidates([("1234567", ["moon"])])), 7)
    assert encoded.cut_queries == {"q0"}
    expected = tokenizer.convert_tokens_to_ids(["[CLS]", "1", "##2", "##3", "[SEP]", "moon"])
    assert encoded.rows([0]).ids.tolist() == [*expected, pieces["[SEP]"]]


class _Counting:
    """A tokeniser that remembers which texts it was given, call by call."""

    def __init__(self, tokenizer: Any) -> None:
        self.calls: list[list[str]] = []
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    @property
    def backend_tokenizer(self) -> Any:
        return _CountingBackend(self._tokenizer.backend_tokenizer, self.calls)


class _CountingBackend:
    def __init__(self, backend: Any, calls: list[list[str]]) -> None:
        self._backend, self._calls = backend, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if not name.startswith("encode"):
            return found

        def encode(texts: list[str], **options: Any) -> Any:
            self._calls.append(list(texts))
            return found(texts, **options)

        return encode


def _recurring() -> Job:
    """Documents that recur across queries, in other objects; and a query that is asked twice."""
    texts = [tiny.sentence(random.Random(i), 3 + i) for i in range(5)]
    lists = [("tide", texts), ("moon", texts[::-1]), ("tide", texts[1:] * 2)]
    return Job(
        candidates=[
            Candidates(
                query=Query(query_id=f"q{i}", text=query),
                documents=tuple(
                    Document(doc_id=f"{i}-{j}", title=text.split()[0], text=text)
                    for j, text in enumerate(texts)
                ),
            )
            for i, (query, texts) in enumerate(lists)
        ]
    )


def test_every_distinct_text_is_tokenised_once() -> None:
    job, plain = _recurring(), _family("bert")
    counting = _Counting(plain)
    encoded = encode(counting, job, 64, template_of(plain))
    contents = {each.content for one in job.candidates for each in one.documents}
    assert len(encoded.lengths) == 18
    seen = Counter(text for call in counting.calls for text in call)
    assert seen == Counter({"tide", "moon", *contents})
    _check(plain, job, encoded, 64)


def test_no_more_texts_go_in_at_once_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    job, plain = _recurring(), _family("bert")
    template = template_of(plain)
    monkeypatch.setattr(pair_encoding, "CHUNK", 2)
    counting = _Counting(plain)
    encoded = encode(counting, job, 64, template)
    assert [len(call) for call in counting.calls if call] == [2, 2, 2, 1]
    _check(plain, job, encoded, 64)


def test_of_a_text_no_more_tokens_are_held_than_fit() -> None:
    long = "tide " * 5000
    encoded = encode(_family("bert"), Job(candidates=tiny.candidates([(long, [long])])), 64)
    assert len(encoded.query_ids) <= 64
    assert len(encoded.document_ids) <= 64


def test_a_text_beyond_the_models_length_is_no_news(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*message: object) -> None:
        pytest.fail(f"transformers warns: {message}")

    monkeypatch.setattr(_transformers.tokenization_utils_base.logger, "warning", fail)
    long = tiny.sentence(random.Random(1), 200)
    job = Job(candidates=tiny.candidates([(long, [long, "tide"])]))
    encode(_bert(model_max_length=8), job, 32)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("family", ["bert", "roberta", "qwen"])
def test_a_length_without_room_for_both_texts_is_refused(family: str) -> None:
    tokenizer, job = _family(family), Job(candidates=tiny.mixed())
    special = tokenizer.num_special_tokens_to_add(pair=True)
    with pytest.raises(UsageError, match=f"max length {special + 1}: .* at least {special + 2}"):
        encode(tokenizer, job, special + 1)
    assert set(encode(tokenizer, job, special + 2).lengths) == {special + 1, special + 2}


class _LowerCasing(_transformers.PreTrainedTokenizerFast):  # type: ignore[misc]
    def __call__(self, text: list[str], pair: list[str], **options: Any) -> Any:
        return super().__call__([each.lower() for each in text], pair, **options)


class _CutsTheLonger(_transformers.PreTrainedTokenizerFast):  # type: ignore[misc]
    def __call__(self, *texts: Any, **options: Any) -> Any:
        if options["truncation"]:
            options["truncation"] = "longest_first"
        return super().__call__(*texts, **options)


class _ForgetsAnEmptyDocument(_transformers.PreTrainedTokenizerFast):  # type: ignore[misc]
    def __call__(self, text: list[str], pair: list[str], **options: Any) -> Any:
        found = super().__call__(text, pair, **options)
        for row, document in zip(found["input_ids"], pair, strict=True):
            del row[-1 if document == "" else len(row) :]
        return found


def _cased() -> Any:
    backend = _byte_pairs(_BERT, pre_tokenizers.ByteLevel(add_prefix_space=False))
    return _with(backend, _AROUND_BERT)


def _letterless() -> Any:
    return _wrap(_with(_tokenizers.Tokenizer(models.BPE()), "$A:0 $B:1"))


_UNFIT: Mapping[str, Callable[[], Any]] = {
    "document first": lambda: _bert("[CLS]:0 $B:0 [SEP]:0 $A:1 [SEP]:1"),
    "query twice": lambda: _bert("[CLS]:0 $A:0 [SEP]:0 $A:0 [SEP]:0 $B:1"),
    "document twice": lambda: _bert("[CLS]:0 $A:0 [SEP]:0 $B:1 $B:1"),
    "query lower-cased": lambda: _LowerCasing(tokenizer_object=_cased()),
    "query cut": lambda: _CutsTheLonger(tokenizer_object=_cased()),
    "empty document": lambda: _ForgetsAnEmptyDocument(tokenizer_object=_cased()),
    "no tokens": _letterless,
}


@pytest.mark.parametrize("unfit", _UNFIT)
def test_a_tokeniser_that_does_more_than_a_template_can_say_is_refused(unfit: str) -> None:
    tokenizer = _UNFIT[unfit]()
    tokenizer.name_or_path = "some/model"
    with pytest.raises(ModelError, match=r"^some/model: its tokeniser .*; name a model with"):
        encode(tokenizer, Job(candidates=tiny.mixed()), 64)


@pytest.mark.parametrize(
    "model", ["minilm-l6-ce", "minilm-l2-ce", "tiny-l2-h128-ce", "roberta-tiny-l2-h128-ce"]
)
@pytest.mark.parametrize("max_length", [64, 512])
def test_real_texts_are_encoded_as_real_tokenisers_do(
    shared: Path, model: str, max_length: int
) -> None:
    folder = shared / "models" / model
    if not folder.is_dir():
        pytest.skip(f"no model at {folder}")
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    with (shared / "collections/scifact/corpus.jsonl").open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in islice(lines, 60)]
    with (shared / "collections/scifact/queries.jsonl").open(encoding="utf-8") as lines:
        queries = [json.loads(line)["text"] for line in islice(lines, 4)]
    found = tuple(
        Document(doc_id=each["_id"], title=each["title"], text=each["text"]) for each in documents
    )
    asked = [Query(query_id=str(i), text=query) for i, query in enumerate(queries)]
    job = Job(candidates=[Candidates(query=query, documents=found) for query in asked])
    encoded = encode(tokenizer, job, max_length)
    assert 0 < encoded.truncated.sum() <= len(encoded.lengths)
    _check(tokenizer, job, encoded, max_length)
