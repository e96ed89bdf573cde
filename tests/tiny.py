"""Tiny random cross-encoders of real architectures, and tiny collections to run them on."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from rerankbench.types import Candidates, Document, Query

MAX_LENGTH = 64
_TEXT = """
tide moon harbour lantern gull anchor basalt ember quarry willow meadow thistle copper kettle
saddle orchard barley cinder falcon glacier hollow ivory juniper kelp limestone marrow nettle
otter pebble quiver raven sable timber umber velvet walnut yarrow zephyr slowly rising falling
between beneath without against under over near every other seven
"""
WORDS = _TEXT.split()
# The stubs of transformers know neither all classes nor all arguments.
_transformers: Any = transformers
_transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)  # The models are too small for more to pay.


def sentence(random_numbers: random.Random, length: int) -> str:
    return " ".join(random_numbers.choice(WORDS) for _ in range(length))


def _lines() -> list[str]:
    numbers = random.Random(7)
    return [sentence(numbers, 12) for _ in range(400)] + ["A naïve café, twice: 3.5 % – ok?"] * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one architecture is built; special tokens of a pair are `first q middle d last`."""

    model: str
    config: Callable[[int, int], Any]
    tokenizer: Callable[[], Any]
    first: Sequence[str]
    middle: Sequence[str]
    last: Sequence[str]

    @property
    def special(self) -> int:
        return len(self.first) + len(self.middle) + len(self.last)


_SIZES: Mapping[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.3,
}
_BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def _word_pieces(kind: Any = _transformers.BertTokenizer) -> Any:
    # Written down, not trained: the trainer breaks ties by chance.
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    starts = sorted({word[:3] for word in WORDS} | set(WORDS[::2]))
    pieces = [*letters, *(f"##{letter}" for letter in letters), *starts, "##ing", "##er", "##le"]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys([*_BERT_SPECIAL, *pieces]))}
    return kind(vocab=vocabulary, model_max_length=MAX_LENGTH)


def _word_pieces_without_types() -> Any:
    return _word_pieces(_transformers.DistilBertTokenizer)


def _byte_pairs(special: list[str]) -> Any:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(_lines(), trainer)
    return trained


def _roberta_tokens() -> Any:
    trained = json.loads(_byte_pairs(_ROBERTA_SPECIAL).to_str())["model"]
    return _transformers.RobertaTokenizer(
        vocab=trained["vocab"],
        merges=[tuple(pair) for pair in trained["merges"]],
        model_max_length=MAX_LENGTH,
    )


def _modernbert_tokens() -> Any:
    trained = _byte_pairs(_BERT_SPECIAL)
    trained.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(name, trained.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return _transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name.strip('[]').lower()}_token": name for name in _BERT_SPECIAL},
    )


def _unigrams(special: list[str]) -> list[tuple[str, float]]:
    # Written down, not trained: the trainer adds up floats in an order of chance.
    letters = {chr(code) for code in range(33, 127)} | {"▁"}
    starts = {f"▁{word[:3]}" for word in WORDS} | {f"▁{word}" for word in WORDS[::2]}
    pieces = [(piece, -9.0) for piece in sorted(letters)] + [(s, -7.0) for s in sorted(starts)]
    return [*((name, 0.0) for name in special), *pieces, ("ing", -7.5), ("er", -7.5)]


def _xlm_roberta_tokens() -> Any:
    vocabulary = _unigrams(["<s>", "<pad>", "</s>", "<unk>"])
    return _transformers.XLMRobertaTokenizer(
        vocab=[*vocabulary, ("<mask>", 0.0)], model_max_length=MAX_LENGTH
    )


def _deberta_tokens() -> Any:
    vocabulary = _unigrams(_BERT_SPECIAL)
    return _transformers.DebertaV2Tokenizer(vocab=vocabulary, model_max_length=MAX_LENGTH)


def _bert(vocabulary: int, labels: int) -> Any:
    return _transformers.BertConfig(
        vocab_size=vocabulary, max_position_embeddings=MAX_LENGTH, num_labels=labels, **_SIZES
    )


def _electra(vocabulary: int, labels: int) -> Any:
    return _transformers.ElectraConfig(
        vocab_size=vocabulary,
        embedding_size=16,
        max_position_embeddings=MAX_LENGTH,
        num_labels=labels,
        **_SIZES,
    )


def _roberta(vocabulary: int, labels: int) -> Any:
    return _transformers.RobertaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_LENGTH + 2,
        type_vocab_size=1,
        num_labels=labels,
        **_SIZES,
    )


def _xlm_roberta(vocabulary: int, labels: int) -> Any:
    return _transformers.XLMRobertaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_LENGTH + 2,
        type_vocab_size=1,
        num_labels=labels,
        **_SIZES,
    )


def _deberta(vocabulary: int, labels: int) -> Any:
    return _transformers.DebertaV2Config(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_LENGTH,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        num_labels=labels,
        **_SIZES,
    )


def _modernbert(vocabulary: int, labels: int) -> Any:
    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3}
    return _transformers.ModernBertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_LENGTH,
        num_labels=labels,
        global_attn_every_n_layers=2,
        local_attention=16,
        initializer_cutoff_factor=2.0,
        classifier_pooling="mean",
        bos_token_id=2,
        eos_token_id=3,
        **ids,
        **_SIZES,
    )


def _distilbert(vocabulary: int, labels: int) -> Any:
    return _transformers.DistilBertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_LENGTH,
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=48,
        initializer_range=0.3,
        num_labels=labels,
    )


def _kind(model: str, config: Any, tokenizer: Any, *around: Sequence[str]) -> Kind:
    first, middle, last = around or (["[CLS]"], ["[SEP]"], ["[SEP]"])
    return Kind(
        model=f"{model}ForSequenceClassification",
        config=config,
        tokenizer=tokenizer,
        first=first,
        middle=middle,
        last=last,
    )


_AROUND_ROBERTA = (["<s>"], ["</s>", "</s>"], ["</s>"])
KINDS: Mapping[str, Kind] = {
    "bert": _kind("Bert", _bert, _word_pieces),
    "electra": _kind("Electra", _electra, _word_pieces),
    "roberta": _kind("Roberta", _roberta, _roberta_tokens, *_AROUND_ROBERTA),
    "xlm-roberta": _kind("XLMRoberta", _xlm_roberta, _xlm_roberta_tokens, *_AROUND_ROBERTA),
    "deberta-v2": _kind("DebertaV2", _deberta, _deberta_tokens),
    "modernbert": _kind("ModernBert", _modernbert, _modernbert_tokens),
    "distilbert": _kind("DistilBert", _distilbert, _word_pieces_without_types),
}


def build(folder: Path, kind: str = "bert", *, labels: int = 1, seed: int = 0) -> Path:
    """Save a seeded random checkpoint of that kind with its tokeniser, as an author would."""
    recipe = KINDS[kind]
    tokenizer = recipe.tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, recipe.model)(recipe.config(len(tokenizer), labels))
        for name, parameter in model.named_parameters():
            # Fresh biases are 0, which would hide a model that forgets them.
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def reference(folder: Path) -> tuple[Any, Any]:
    """Plain transformers: tokeniser and float32 model of a folder."""
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    model = _transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    return tokenizer, model.eval()


def reference_score(
    tokenizer: Any, model: Any, query: str, content: str, max_length: int = MAX_LENGTH
) -> float:
    """One pair at a time, no padding; two labels as a difference of log probabilities."""
    # In lists: of two strings, transformers takes an empty second one for none at all.
    encoded = tokenizer(
        [query], [content], truncation="only_second", max_length=max_length, return_tensors="pt"
    )
    with torch.no_grad():
        logits = model(**encoded).logits[0]
    if logits.numel() == 1:
        return float(logits[0])
    chances = torch.log_softmax(logits, dim=0)
    return float(chances[1] - chances[0])


def candidates(lists: Sequence[tuple[str, Sequence[str]]]) -> list[Candidates]:
    """Queries with their documents, ids by place."""
    return [
        Candidates(
            query=Query(query_id=f"q{i}", text=query),
            documents=tuple(
                Document(doc_id=f"d{j}", title="", text=text) for j, text in enumerate(texts)
            ),
        )
        for i, (query, texts) in enumerate(lists)
    ]


def mixed(queries: int = 3, documents: int = 9, seed: int = 0) -> list[Candidates]:
    """Queries with documents of 0 to 120 words, most of them cut to MAX_LENGTH tokens or not."""
    numbers = random.Random(seed)
    lengths = [0, 1, 2, 5, 9, 15, 30, 60, 120]
    return candidates(
        [
            (
                sentence(numbers, 1 + 3 * i),
                [sentence(numbers, lengths[j % len(lengths)]) for j in range(documents)],
            )
            for i in range(queries)
        ]
    )


def write_collection(
    folder: Path, *, queries: int = 6, documents: int = 40, seed: int = 0, longest: int = 50
) -> Path:
    """A BEIR folder of random sentences whose queries share words with their relevant ones."""
    numbers = random.Random(seed)
    texts = [sentence(numbers, numbers.randint(3, longest)) for _ in range(documents)]
    corpus = [
        {"_id": f"d{i}", "title": sentence(numbers, 2), "text": text}
        for i, text in enumerate(texts)
    ]
    asked, judged = [], ["query-id\tcorpus-id\tscore"]
    for i in range(queries):
        relevant = numbers.sample(range(documents), 3)
        words = [numbers.choice(texts[each].split()) for each in relevant]
        asked.append({"_id": f"q{i}", "text": " ".join(words)})
        judged += [f"q{i}\td{each}\t{grade}" for each, grade in zip(relevant, (2, 1, 1))]  # noqa: B905
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(_jsonl(corpus))
    (folder / "queries.jsonl").write_text(_jsonl(asked))
    (folder / "qrels" / "test.tsv").write_text("\n".join(judged) + "\n")
    return folder


def _jsonl(entries: Sequence[Mapping[str, str]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def run_lines(path: Path) -> Iterator[tuple[str, str, float]]:
    """Query id, document id and score of every line of a TREC run, in its order."""
    body = path.read_bytes()
    text = gzip.decompress(body) if path.suffix == ".gz" else body
    for line in text.decode().splitlines():
        query_id, _, doc_id, _, score, _ = line.split()
        yield query_id, doc_id, float(score)


def run_scores(path: Path) -> dict[tuple[str, str], float]:
    """(query id, document id) → score of a TREC run."""
    return {(query, document): score for query, document, score in run_lines(path)}


def records(results: Path) -> dict[str, dict[str, Any]]:
    """Reranker name → record, of all record files below a folder, read as plain JSON."""
    found = [json.loads(path.read_bytes()) for path in sorted(results.rglob("records/*.json"))]
    by_name = {each["cell"]["reranker"]["name"]: each for each in found}
    assert len(by_name) == len(found), "several records of one reranker"
    return by_name
