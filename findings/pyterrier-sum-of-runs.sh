#!/usr/bin/env bash
# PyTerrier's + adds two pipelines' scores. A document that one of them lacks gets 0 from it, more
# than a reranker's negative logit; and one that only the second has comes without its query's
# text, so that a reranker behind the sum scores it beside NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    pyterrier==1.1.2 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import pandas
import pyterrier

COLUMNS = ["qid", "query", "docno", "score", "rank"]
QUERIES = pandas.DataFrame([["1", "old bridges"]], columns=["qid", "query"])


def run(**scores):
    rows = [["1", "old bridges", name, s, at] for at, (name, s) in enumerate(scores.items())]
    return pyterrier.Transformer.from_df(pandas.DataFrame(rows, columns=COLUMNS))


print("PyTerrier", pyterrier.__version__, "pandas", pandas.__version__)
found = (run(a=-1.0, b=-5.0) + run(a=-1.0, c=-1.5)).transform(QUERIES).set_index("docno")
print(found.sort_values("rank")[["query", "score", "rank"]])
assert found.loc["a", "score"] == -2.0 and found.loc["c", "score"] == -1.5
assert found.loc["c", "rank"] < found.loc["a", "rank"]
assert found.loc["a", "query"] == "old bridges" and pandas.isna(found.loc["c", "query"])

seen = []


def reranker(frame):
    seen.extend(zip(frame["query"], frame["docno"]))
    return frame


pipeline = (run(a=2.0, b=1.0) + run(a=2.0, c=1.0)) >> pyterrier.apply.generic(reranker)
pipeline.transform(QUERIES)
print("a reranker behind the sum sees", sorted(seen, key=lambda pair: pair[1]))
assert [name for query, name in seen if pandas.isna(query)] == ["c"]
PYTHON
