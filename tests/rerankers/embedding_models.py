"""Tiny encoders with modules after them, written file by file, and what to compare them with.

Files are written as sentence-transformers' releases write them, so that no test of ours needs it;
tests that compare with it skip where it is not installed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from tokenizers.processors import TemplateProcessing

from rerankbench.protocols import Job, ScoredBatch
from rerankbench.types import Candidates

from .. import tiny

# The stubs of transformers know neither all classes nor all arguments.
_transformers: Any = transformers
HIDDEN = 32
_BASE = {
    "bert": "BertModel",
    "roberta": "RobertaModel",
    "xlm-roberta": "XLMRobertaModel",
    "modernbert": "ModernBertModel",
    "distilbert": "DistilBertModel",
}
NEW = "sentence_transformers."
OLD = "sentence_transformers.models."
DOTTED = {
    "Transformer": "base.modules.transformer.Transformer",
    "Dense": "base.modules.dense.Dense",
    "Normalize": "base.modules.normalize.Normalize",
    "Pooling": "sentence_transformer.modules.pooling.Pooling",
    "LayerNorm": "sentence_transformer.modules.layer_norm.LayerNorm",
    "LogitScore": "cross_encoder.modules.logit_score.LogitScore",
    "MultiVectorMask": "multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask",
}
IDENTITY = "torch.nn.modules.linear.Identity"


def encoder(folder: Path, kind: str = "bert", *, seed: int = 0) -> Path:
    """A seeded random encoder of that kind with its tokeniser."""
    recipe = tiny.KINDS[kind]
    tokenizer = recipe.tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, _BASE[kind])(recipe.config(len(tokenizer), 1))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def decoder(folder: Path) -> Path:
    """A seeded random decoder whose tokeniser pads and reads as Qwen3-Embedding's does."""
    tokenizer = tiny.KINDS["modernbert"].tokenizer()
    tokenizer.padding_side = "left"
    backend = tokenizer.backend_tokenizer
    backend.post_processor = TemplateProcessing(
        single="$A [SEP]",
        pair="$A $B [SEP]",
        special_tokens=[("[SEP]", tokenizer.sep_token_id)],
    )
    config = _transformers.Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=tiny.MAX_LENGTH,
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
    )
    _save(_transformers.Qwen3Model, config, tokenizer, folder)
    return folder


def encoder_of_two(folder: Path) -> Path:
    """A seeded random T5, decoder and all, of which only the encoder is read."""
    tokenizer = tiny.KINDS["xlm-roberta"].tokenizer()
    config = _transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=HIDDEN,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        pad_token_id=tokenizer.pad_token_id,
    )
    _save(_transformers.T5Model, config, tokenizer, folder)
    return folder


def _save(kind: Any, config: Any, tokenizer: Any, folder: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def add_modules(
    folder: Path,
    heads: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    settings: Mapping[str, Any] | None = None,
    transformer: Mapping[str, Any] | None = None,
    old_names: bool = False,
    seed: int = 1,
) -> Path:
    """List a transformer and heads in modules.json, with random weights where a head has some."""
    listed = [{"idx": 0, "name": "0", "path": "", "type": _dotted("Transformer", old_names)}]
    numbers = torch.Generator().manual_seed(seed)
    for at, (kind, config) in enumerate(heads, start=1):
        inner = f"{at}_{kind}"
        listed.append(
            {"idx": at, "name": str(at), "path": inner, "type": _dotted(kind, old_names)}
        )
        write(folder / inner / "config.json", config)
        if weights := _weights(kind, config, numbers):
            save_file(weights, folder / inner / "model.safetensors")
    write(folder / "modules.json", listed)
    if settings is not None:
        write(folder / "config_sentence_transformers.json", settings)
    if transformer is not None:
        write(folder / "sentence_bert_config.json", transformer)
    return folder


def _dotted(kind: str, old_names: bool) -> str:
    return f"{OLD}{kind}" if old_names else f"{NEW}{DOTTED[kind]}"


def _weights(
    kind: str, config: Mapping[str, Any], numbers: torch.Generator
) -> dict[str, torch.Tensor]:
    def made(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=numbers) * 0.4

    if kind == "LayerNorm":
        size = config["dimension"]
        return {"norm.weight": 1 + made(size), "norm.bias": made(size)}
    if kind != "Dense":
        return {}
    outside, inside = config["out_features"], config["in_features"]
    found = {"linear.weight": made(outside, inside)}
    if config.get("bias", True):
        found["linear.bias"] = made(outside)
    if config.get("use_residual") and outside != inside:
        found["residual.weight"] = made(outside, inside)
    return found


def dense(inside: int, outside: int, **more: Any) -> tuple[str, dict[str, Any]]:
    config = {"in_features": inside, "out_features": outside, "bias": True}
    return "Dense", {**config, "activation_function": IDENTITY, **more}


def pooling(mode: str | Sequence[str] = "mean", **more: Any) -> tuple[str, dict[str, Any]]:
    return "Pooling", {"embedding_dimension": HIDDEN, "pooling_mode": mode, **more}


def stanford(folder: Path, metadata: Mapping[str, Any] | None, *, size: int = 16) -> Path:
    """A BERT as Stanford's ColBERT saves it: its projection among the encoder's weights."""
    vocabulary = tiny.KINDS["bert"].tokenizer().get_vocab()
    # Words like any other: written in a text they come out in pieces.
    vocabulary |= {f"[unused{i}]": len(vocabulary) + i for i in range(2)}
    tokenizer = _transformers.BertTokenizer(vocab=vocabulary, model_max_length=tiny.MAX_LENGTH)
    model, projection = _projected(tokenizer, size)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    weights = {f"bert.{name}": value for name, value in model.state_dict().items()}
    weights["linear.weight"] = projection
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    write(folder / "config.json", {**config, "architectures": ["HF_ColBERT"]})
    if metadata is not None:
        write(folder / "artifact.metadata", metadata)
    return folder


def pylate(folder: Path, settings: Mapping[str, Any], *, size: int = 16) -> Path:
    """A BERT as PyLate saves it: markers are added tokens, one projection is listed."""
    tokenizer = tiny.KINDS["bert"].tokenizer()
    tokenizer.add_tokens(["[Q] ", "[D] "])
    model, projection = _projected(tokenizer, size)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shape = {"in_features": HIDDEN, "out_features": size, "bias": False}
    config = {**shape, "activation_function": IDENTITY, "use_residual": False}
    write(folder / "1_Dense" / "config.json", config)
    save_file({"linear.weight": projection}, folder / "1_Dense" / "model.safetensors")
    modules = [("", "sentence_transformers.models.Transformer")]
    modules.append(("1_Dense", "pylate.models.Dense.Dense"))
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": dotted}
        for i, (path, dotted) in enumerate(modules)
    ]
    write(folder / "modules.json", listed)
    write(folder / "config_sentence_transformers.json", settings)
    return folder


def _projected(tokenizer: Any, size: int) -> tuple[Any, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = _transformers.BertModel(tiny.KINDS["bert"].config(len(tokenizer), 1))
        return model, torch.randn(size, HIDDEN) * 0.4


def asked(seed: int = 0) -> list[Candidates]:
    """Queries of several lengths whose candidates overlap, empty and too long texts among them."""
    numbers = random.Random(seed)
    lengths = [1, 2, 5, 9, 15, 30, 60, 120]
    texts = ["", *(tiny.sentence(numbers, length) for length in lengths), "tide, moon. tide!"]
    queries = ["tide moon?", tiny.sentence(numbers, 6), tiny.sentence(numbers, 90), "otter: kelp"]
    return tiny.candidates(
        [(query, numbers.sample(texts, len(texts) - i)) for i, query in enumerate(queries)]
    )


def batches(reranker: Any, candidates: Sequence[Candidates], **job: Any) -> list[ScoredBatch]:
    return list(reranker.score(reranker.prepare(Job(candidates=candidates, **job))))


def score(reranker: Any, candidates: Sequence[Candidates], **job: Any) -> list[float]:
    """One score a pair that was not done, in the job's order."""
    found: dict[int, float] = {}
    for batch in batches(reranker, candidates, **job):
        for pair, value in zip(batch.pairs, batch.scores, strict=True):
            assert pair not in found, "a pair was scored twice"
            found[pair] = value
    return [found[pair] for pair in sorted(found)]


def hidden_states(folder: Path, ids: Sequence[int], attended: int | None = None) -> torch.Tensor:
    """Plain transformers: one text's vectors, tokens × hidden, in float32."""
    found: Any = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    mask = torch.arange(len(ids)) < (len(ids) if attended is None else attended)
    with torch.no_grad():
        hidden = found.eval()(
            input_ids=torch.tensor([list(ids)]), attention_mask=mask.long()[None]
        )
    states: torch.Tensor = hidden.last_hidden_state[0]
    return states


def library_scores(model: Any, candidates: Sequence[Candidates]) -> list[float]:
    """What sentence-transformers' own encode_query, encode_document and similarity give."""
    found: list[float] = []
    for each in candidates:
        documents = [document.content for document in each.documents]
        queries = model.encode_query([each.query.text])
        found += model.similarity(queries, model.encode_document(documents))[0].tolist()
    return found
