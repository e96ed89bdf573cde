#!/usr/bin/env bash
# ranx orders equal scores by insertion up to 15 documents of a query; from 16 on its order is
# neither that of the file nor that of the ids. With make_comparable=True evaluate sorts the run
# once more in place: the same call on the same objects gives another figure each time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ranx==0.3.21 numba==0.68.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from ranx import Qrels, Run, evaluate


def tied(documents: int) -> tuple[list[str], Run]:
    names = [f"d{number:02d}" for number in range(documents)]
    return names, Run({"q": dict.fromkeys(names, 1.0)})


def ranks(documents: int) -> list[int]:
    """The rank of each document of a run in which all scores are equal, in the order given."""
    names, run = tied(documents)
    return [round(1 / evaluate(Qrels({"q": {name: 1}}), run, "mrr")) for name in names]


print("ranx", version("ranx"))
found = {documents: ranks(documents) for documents in (2, 10, 15, 16, 20, 32)}
for documents, order in found.items():
    print(f"{documents} tied documents, ranks in the order given: {order}")
names, run = tied(20)
qrels = Qrels({"q": {names[0]: 1}})
repeated = [float(evaluate(qrels, run, "mrr", make_comparable=True)) for _ in range(3)]
print("MRR of 20 tied documents by three equal calls with make_comparable=True:", repeated)
for documents, order in found.items():
    assert sorted(order) == list(range(1, documents + 1))
    by_insertion = order == list(range(1, documents + 1))
    by_id_falling = order == list(range(documents, 0, -1))
    assert by_insertion == (documents <= 15), documents
    assert not by_id_falling, documents
assert repeated[0] != repeated[1]
PYTHON
