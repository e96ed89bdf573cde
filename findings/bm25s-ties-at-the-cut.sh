#!/bin/bash
# bm25s 0.3.16: which of several documents with equal scores are in the first k depends on the CPU's features, and the first
# k of a longer list need not be the list of length k. It cuts with NumPy's argpartition, which promises no order of ties.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q bm25s==0.3.16 numpy==2.4.6
cat > "$work/ties.py" <<'PY'
import bm25s

corpus = bm25s.tokenize(["apple pear" if n % 3 else "apple plum" for n in range(2000)], show_progress=False)
engine = bm25s.BM25(method="lucene")
engine.index(corpus, show_progress=False)
query = bm25s.tokenize(["apple"], show_progress=False)
lists = [engine.retrieve(query, k=k, show_progress=False)[0][0].tolist() for k in (10, 100)]
print(lists[0], "is the beginning of the first 100:", lists[1][:10] == lists[0])
PY
cat > "$work/features.py" <<'PY'
import numpy

print(" ".join(numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", [])))
PY
features=$("$work/venv/bin/python" "$work/features.py")
echo "bm25s 0.3.16, numpy 2.4.6; optional CPU features: ${features:-none}"
[ -n "$features" ] || { echo "this CPU has none to switch off: nothing to compare"; exit 0; }
with=$("$work/venv/bin/python" "$work/ties.py")
without=$(NPY_DISABLE_CPU_FEATURES="$features" "$work/venv/bin/python" "$work/ties.py")
echo "with them:    $with"
echo "without them: $without"
[ "$with" != "$without" ] || { echo "CHANGED: the same documents are chosen"; exit 1; }
