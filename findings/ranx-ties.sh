#!/usr/bin/env bash
# ranx orders equal scores by insertion up to 15 documents of a query; from 16 on its order is
# neither that of the file nor that of the ids: one and the same document, tied with all others,
# has another reciprocal rank for each length of the list.
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


def ranks(documents: int) -> list[int]:
    """The rank of each document of a run in which all scores are equal, in the order given."""
    names = [f"d{number:02d}" for number in range(documents)]
    run = Run({"q": dict.fromkeys(names, 1.0)})
    return [round(1 / evaluate(Qrels({"q": {name: 1}}), run, "mrr")) for name in names]


print("ranx", version("ranx"))
found = {documents: ranks(documents) for documents in (2, 10, 15, 16, 20, 32)}
for documents, order in found.items():
    print(f"{documents} tied documents, ranks in the order given: {order}")
for documents, order in found.items():
    assert sorted(order) == list(range(1, documents + 1))
    by_insertion = order == list(range(1, documents + 1))
    by_id_falling = order == list(range(documents, 0, -1))
    assert by_insertion == (documents <= 15), documents
    assert not by_id_falling, documents
PYTHON
