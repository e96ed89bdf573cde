"""A stand-in for a Python with rerankbench, whose records and times are written in a file.

It reads `side.json` from the folder in which it runs, so that a commit can decide what it does.
It takes no time: the seconds that it tells are made up.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rerankbench.gate.cells import cell_name
from rerankbench.results.store import dump_record
from tests.leaderboard.records import make_record

_PROGRAM = """#!{python} -IS
import json, math, os, sys
from pathlib import Path

side = json.loads(Path("side.json").read_text())
template = json.loads({template!r})
module, arguments = sys.argv[2], sys.argv[3:]
print("environment", json.dumps(dict(os.environ)), file=sys.stderr)


def noted(*words):
    with open(side["journal"], "a") as journal:
        print(side["label"], *words, file=journal)


if module == "rerankbench" and arguments[0] == "--version":
    sys.exit(0)
if module == "rerankbench":
    noted("run", *arguments)
    records = Path(arguments[arguments.index("--results") + 1]) / "suite" / "records"
    records.mkdir(parents=True)
    for reranker, values in side["values"].items():
        template["cell"]["reranker"]["name"] = reranker
        template["per_query"] = {{"nDCG@10": {{f"q{{i}}": v for i, v in enumerate(values)}}}}
        (records / f"{{reranker}}.json").write_text(json.dumps(template))
    if side["code"]:
        print("error:", side["says"], file=sys.stderr)
    sys.exit(side["code"])
if not side["has_stopwatch"]:
    sys.exit(f"{{sys.executable}}: No module named {{module}}")
noted("start")
for line in sys.stdin:
    question = json.loads(line)
    match question["do"]:
        case "cells":
            name = {name!r}
            cells = [
                {{"key": f"{{each}}-key", "name": {{**name, "reranker": each}}, "device": device}}
                for each, device in side["devices"].items()
            ]
            answer = {{"machine": side["machine"], "cells": cells}}
        case "open":
            noted("open", question["key"])
            answer = {{"queries": side["queries"]}}
        case "pass":
            queries = min(question["queries"], side["queries"])
            noted("pass", queries)
            passes = Path(side["journal"]).read_text().count(" pass ")
            # A load that comes and goes, and doubles the time at its worst.
            load = 1.5 + 0.5 * math.sin(passes / 7)
            answer = {{
                "seconds": side["query_s"] * queries * load,
                "pairs": side["pairs"] * queries,
                "host_bytes": side["host_bytes"],
                "device_bytes": side["device_bytes"],
            }}
    if side["dies_of"] is not None:
        sys.exit(side["dies_of"])
    print(json.dumps(answer), flush=True)
"""


def write_python(path: Path) -> Path:
    """The stand-in, as a program."""
    record = make_record()
    name = {**asdict(cell_name(record)), "reranker": ""}
    text = _PROGRAM.format(python=sys.executable, template=dump_record(record).decode(), name=name)
    path.write_text(text)
    path.chmod(0o755)
    return path


def write_side(
    folder: Path,
    label: str,
    journal: Path,
    *,
    values: Mapping[str, Sequence[float]] | None = None,
    devices: Mapping[str, str] | None = None,
    **changes: Any,
) -> None:
    """What the stand-in does in that folder; every pass and run is noted in the journal."""
    body: dict[str, Any] = {
        "label": label,
        "journal": str(journal),
        "values": values or {"model": [0.5, 0.6]},
        "devices": devices or {"model": "cpu"},
        "machine": {"cpu": "Test CPU", "cores": 2, "gpu": None},
        "queries": 300,
        "pairs": 100,
        "query_s": 0.01,
        "host_bytes": 1000,
        "device_bytes": None,
        "has_stopwatch": True,
        "dies_of": None,
        "code": 0,
        "says": "",
    }
    assert changes.keys() <= body.keys()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "side.json").write_text(json.dumps({**body, **changes}))
    journal.touch()
