#!/usr/bin/env bash
# sentence-transformers' CrossEncoder cuts the longer of the two texts token by token
# (longest_first): where both are long, as in ArguAna, the query loses words with every document
# that is. Cutting the document alone, as retrieval papers do, gives other scores.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    sentence-transformers==6.2.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import os
from importlib.metadata import version

import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
os.environ["HF_HUB_OFFLINE"] = "1"
QUERY = [f"query{number}" for number in range(24)]
DOCUMENT = [f"word{number}" for number in range(40)]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *QUERY, *DOCUMENT]
LENGTH = 32

torch.manual_seed(0)
config = BertConfig(
    vocab_size=len(WORDS),
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=LENGTH,
    num_labels=1,
    initializer_range=0.5,
)
model = BertForSequenceClassification(config).eval()
model.save_pretrained("model")
vocabulary = {word: number for number, word in enumerate(WORDS)}
tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=True, model_max_length=LENGTH)
tokenizer.save_pretrained("model")
query, document = " ".join(QUERY), " ".join(DOCUMENT)


def by_transformers(truncation: str) -> tuple[int, float]:
    """How many words of the query are read, and the logit."""
    one = tokenizer(query, document, truncation=truncation, max_length=LENGTH, return_tensors="pt")
    words = tokenizer.convert_ids_to_tokens(one["input_ids"][0].tolist())
    with torch.no_grad():
        return sum(word in QUERY for word in words), model(**one).logits.item()


encoder = CrossEncoder("model", device="cpu", max_length=LENGTH)
score = float(encoder.predict([[query, document]], activation_fn=torch.nn.Identity())[0])

print("sentence-transformers", version("sentence-transformers"))
found = {name: by_transformers(name) for name in ("longest_first", "only_second")}
for name, (words, logit) in found.items():
    print(f"{name}: {words} of {len(QUERY)} words of the query, logit {logit:.4f}")
print(f"CrossEncoder.predict: {score:.4f}")
assert found["longest_first"][0] < found["only_second"][0] == len(QUERY)
assert abs(score - found["longest_first"][1]) < 1e-4
assert abs(score - found["only_second"][1]) > 1e-3
PYTHON
