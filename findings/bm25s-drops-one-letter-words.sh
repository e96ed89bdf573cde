#!/usr/bin/env bash
# bm25s.tokenize keeps words of two characters or more: "vitamin c" is searched as "vitamin", and a
# query of such words alone still returns k documents, each with a score of 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    bm25s==0.3.16 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import bm25s

DOCUMENTS = ["vitamin b for nerves", "vitamin c for gums", "vitamin d for bones"]

print("bm25s", bm25s.__version__)
index = bm25s.BM25()
index.index(bm25s.tokenize(DOCUMENTS, show_progress=False), show_progress=False)
for query, kept in (("vitamin c", ["vitamin"]), ("C or R", [])):
    words = bm25s.tokenize([query], return_ids=False, show_progress=False)[0]
    tokens = bm25s.tokenize([query], show_progress=False)
    documents, scores = index.retrieve(tokens, k=3, show_progress=False)
    print(f"{query!r} is {words}:", [(DOCUMENTS[at], float(s)) for at, s in zip(documents[0], scores[0])])
    assert words == kept
    assert len(set(scores[0].tolist())) == 1 and (scores[0, 0] > 0) == bool(kept)

pattern = r"(?u)\b\w+\b"
words = bm25s.tokenize(["vitamin c"], return_ids=False, token_pattern=pattern, show_progress=False)
print(f"with token_pattern={pattern!r}:", words[0])
assert words[0] == ["vitamin", "c"]
PYTHON
