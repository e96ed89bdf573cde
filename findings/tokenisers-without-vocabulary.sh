#!/bin/bash
# transformers 5 takes `vocab_file=` for tokenisers that no longer read it, and even a file that is
# not there, without a word: what comes back knows its special tokens and nothing else.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.24.0
cd "$work"
TRANSFORMERS_VERBOSITY=error HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'P'
import json
import sys
from pathlib import Path

import transformers
from transformers import BertTokenizer, RobertaTokenizer, T5Tokenizer

print("transformers", transformers.__version__)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "moon", "tide", "##s"]
Path("vocab.txt").write_text("\n".join(words) + "\n")
pieces = ["<s>", "<pad>", "</s>", "<unk>", "m", "o", "n", "mo", "on", "moon"]
Path("vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
Path("merges.txt").write_text("#version: 0.2\nm o\no n\nmo on\n")

read = BertTokenizer(vocab="vocab.txt")
empty = {
    "BertTokenizer": BertTokenizer(vocab_file="vocab.txt"),
    "RobertaTokenizer": RobertaTokenizer(vocab_file="vocab.json", merges_file="merges.txt"),
    "T5Tokenizer": T5Tokenizer(vocab_file="no-such-file.model"),
}
print("BertTokenizer(vocab=…):", read.tokenize("moon tides"))
behaves = read.tokenize("moon tides") == ["moon", "tide", "##s"]
for name, tokenizer in empty.items():
    special = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    known = [token for token in tokenizer.get_vocab() if token not in special]
    print(f"{name}(vocab_file=…): knows {known}, reads 'moon tides' as", tokenizer.tokenize("moon tides"))
    behaves &= len(known) <= 1
sys.exit(0 if behaves else "the behaviour has changed")
P
