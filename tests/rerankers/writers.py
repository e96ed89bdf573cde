"""Tiny random language models that follow a chat and mostly write what looks like an order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers.decoders import ByteLevel
from tokenizers.processors import TemplateProcessing

from .. import tiny

POSITIONS = 1024
_transformers: Any = transformers
_SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]
# Zephyr's turns.
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}</s>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
WRITTEN = [" > ", *(f"[{rank}]" for rank in range(1, 6))]
KINDS: Mapping[str, Mapping[str, Any]] = {
    "Llama": {},
    "Mistral": {"sliding_window": None},
    "Qwen2": {},
}


def tokenizer(*, chat: str | None = CHAT) -> Any:
    """Byte pairs with a beginning and an end, as Llama has them."""
    trained = tiny._byte_pairs(_SPECIAL)
    trained.decoder = ByteLevel()
    trained.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    found = _transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained,
        model_max_length=POSITIONS,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
    )
    # Of letters alone, chance would write no identifier twice in a thousand years.
    found.add_tokens(WRITTEN)
    found.chat_template = chat
    return found


def build(folder: Path, kind: str = "Llama", *, seed: int = 0, chat: str | None = CHAT) -> Path:
    """Save a seeded random checkpoint with its tokeniser."""
    tokens = tokenizer(chat=chat)
    config = getattr(_transformers, f"{kind}Config")(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=POSITIONS,
        initializer_range=0.5,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
        tie_word_embeddings=False,
        **KINDS[kind],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(_transformers, f"{kind}ForCausalLM")(config)
        written = tokens.convert_tokens_to_ids([*WRITTEN, "</s>"])
        silent = torch.ones(len(tokens), dtype=torch.bool)
        silent[written] = False
        with torch.no_grad():
            model.lm_head.weight[silent] = 0.0
            # Padding that is zero would hide a model that attends to it.
            model.model.embed_tokens.weight[config.pad_token_id] = 2.0
    # What a checkpoint may say of sampling, and what no order could be written under.
    model.generation_config.repetition_penalty = 5.0
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def reference(folder: Path) -> tuple[Any, Any]:
    """Plain transformers: tokeniser and float32 model of a folder."""
    tokens = _transformers.AutoTokenizer.from_pretrained(folder)
    model = _transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return tokens, model.eval()
