#!/usr/bin/env bash
# rerankers' TransformerRanker sorts a classifier with two labels by the list of both logits, hence
# by the first of them: "not relevant" in all such models but those named monobert. The
# ranking is upside down and nothing is said.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    rerankers==0.10.0 transformers==5.23.0 torch==2.13.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import os
from importlib.metadata import version

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "query", "good", "fair", "poor"]
with open("vocab.txt", "w") as file:
    file.write("\n".join(WORDS))
os.environ["HF_HUB_OFFLINE"] = "1"

torch.manual_seed(0)
config = BertConfig(
    vocab_size=len(WORDS),
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    id2label={0: "not relevant", 1: "relevant"},
    label2id={"not relevant": 0, "relevant": 1},
)
model = BertForSequenceClassification(config).eval()
with torch.no_grad():  # Logits of the two labels mirror each other, as training leaves them.
    model.classifier.weight[0] = -model.classifier.weight[1]
    model.classifier.bias.zero_()
model.save_pretrained("model")
vocabulary = {word: number for number, word in enumerate(WORDS)}
tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=True)
assert tokenizer.tokenize("good") == ["good"]
tokenizer.save_pretrained("model")

from rerankers import Reranker  # noqa: E402

DOCUMENTS = ["good", "fair", "poor"]
with contextlib.redirect_stdout(None):
    ranker = Reranker("model", model_type="cross-encoder", device="cpu", verbose=0)
    ranked = [each.document.text for each in ranker.rank("query", DOCUMENTS).results]
with torch.no_grad():
    pairs = tokenizer([["query", each] for each in DOCUMENTS], return_tensors="pt", padding=True)
    shares = model(**pairs).logits.softmax(dim=1)[:, 1]
right = [DOCUMENTS[at] for at in shares.argsort(descending=True)]

print("rerankers", version("rerankers"), "transformers", version("transformers"))
print("by the share of 'relevant':", right, "; as rerankers ranks them:", ranked)
assert ranked == right[::-1]
PYTHON
