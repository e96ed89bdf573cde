"""Tiny random language models, with tokenisers that know a few whole words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from .. import tiny

_transformers: Any = transformers

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "head_dim": 8,
    "initializer_range": 0.4,
    "max_position_embeddings": 4096,
}
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PLAIN = ("<pad>", "<s>", "</s>")


def byte_pairs(special: Sequence[str], **names: str) -> Any:
    """A byte-level tokeniser in which the answers of all recipes are single tokens."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    answers = ["yes", "no", "Yes", "No", "0", "1"] * 50
    trained.train_from_iterator([*answers, *(" ".join(tiny.WORDS) for _ in range(3))], trainer)
    return _transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained, model_max_length=4096, **names
    )


def chat_tokens() -> Any:
    return byte_pairs(CHAT, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def plain_tokens() -> Any:
    return byte_pairs(PLAIN, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


def t5_tokens() -> Any:
    words = sorted({f"▁{word}" for word in (*tiny.WORDS[::2], "true", "false", "yes", "no")})
    letters = sorted({chr(code) for code in range(33, 127)} | {"▁"})
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -2.0)]
    vocabulary += [(letter, -9.0) for letter in letters] + [(word, -7.0) for word in words]
    return _transformers.T5Tokenizer(vocab=vocabulary, extra_ids=20, model_max_length=128)


def save(folder: Path, class_name: str, config: Any, tokenizer: Any, seed: int = 0) -> Path:
    """A seeded random model of a class of transformers, with its tokeniser."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, class_name)(config)
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def decoder(
    folder: Path, family: str, tokenizer: Any, head: str = "CausalLM", **sizes: Any
) -> Path:
    """`family` is transformers' name of an architecture: Qwen3, Gemma, Llama."""
    config = getattr(transformers, f"{family}Config")(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **SIZES | sizes,
    )
    return save(folder, f"{family}For{head}", config, tokenizer)


def t5(folder: Path, **changes: Any) -> Path:
    tokenizer = t5_tokens()
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
    config = _transformers.T5Config(
        vocab_size=len(tokenizer),
        initializer_factor=1.5,
        decoder_start_token_id=0,
        **sizes | changes,
    )
    return save(folder, "T5ForConditionalGeneration", config, tokenizer)


def loaded(folder: Path, class_name: str) -> tuple[Any, Any]:
    """Plain transformers: tokeniser and float32 model of a folder."""
    tokenizer = _transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, class_name).from_pretrained(folder, dtype=torch.float32)
    return tokenizer, model.eval()


def ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found
