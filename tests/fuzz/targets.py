"""What is fuzzed: the good files of each kind, and the commands that read them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rerankbench import cli
from tests import tiny

Command = Sequence[str]
Case = tuple[str, Command]
"""The folder whose files are mutated, and the command that reads them."""

RUN = ("run", "--no-speed", "--device", "cpu", "--dtype", "float32", "-q", "-o", "out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One kind of input. `good` fills a folder, whose files commands read from beside them.

    Commands write to `out` or `out.trec` alone.
    """

    name: str
    good: Callable[[Path], None]
    case: Callable[[Random], Case]
    same_ranking: bool = False
    """Whether the ranking in `out.trec` must be that of the good files or none at all."""


def _call(*arguments: str) -> None:
    code = cli._run(list(arguments))
    assert code == 0, f"{arguments} ended with {code}"


def _collection(folder: Path) -> None:
    tiny.write_collection(folder / "small", queries=3, documents=15, longest=12)


def _run_file(folder: Path) -> None:
    _collection(folder)
    _call("retrieve", "-d", "small", "-k", "5", "-o", "runs/small.trec", "-q")
    shutil.copy("small/qrels/test.tsv", "runs/qrels.tsv")


def _read_runs(random: Random) -> Case:
    form = random.choice(["text", "json"])
    read = ["evaluate", "runs/qrels.tsv", "runs/small.trec", "--metric", "nDCG@10"]
    commands: list[Command] = [
        [*read, "--metric", "MRR@10", "--format", form],
        [*RUN, "-d", "small", "-m", "oracle", "--first-stage", "run:runs/small.trec"],
        ["import", "runs/small.trec", "-d", "small", "--name", "theirs", "-o", "out"],
    ]
    return "runs", random.choice(commands)


def _foreign(folder: Path) -> None:
    """Files that `convert` reads: labelled rows, tuples, lists, and MS MARCO's three."""
    rows, parts = folder / "rows", folder / "parts"
    rows.mkdir()
    parts.mkdir()
    (rows / "labelled.csv").write_text(
        'query,passage,label,doc_id\nwho,"she, ""it""\nthere",1,d1\nwho,no one,0,d2\nx,y,true,d3\n'
    )
    (rows / "triples.tsv").write_text("query\tpositive\tnegative\na b\tc\td\ne\tf\tc\n")
    lists = {"query": "q", "positive": ["p", "é"], "negative": [{"text": "n", "docid": 7}]}
    _lines(rows / "lists.jsonl", [lists, {**lists, "query": "r"}])
    (parts / "queries.tsv").write_text("1\twhat is x\n2\twho\n")
    (parts / "collection.tsv").write_text('0\tx is "a\n1\tno\n')
    (parts / "qrels.tsv").write_text("1\t0\t0\t1\n2\t0\t1\t2\n")


def _lines(path: Path, entries: Sequence[object]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def _convert(random: Random) -> Case:
    rows = [f"rows/{name}" for name in ("labelled.csv", "triples.tsv", "lists.jsonl")]
    path = random.choice([*rows, "parts", "parts"])
    return path.partition("/")[0], ["convert", path, "-o", "out", "--yes"]


def _config(folder: Path) -> None:
    _collection(folder)
    (folder / "config").mkdir()
    (folder / "config" / "run.yaml").write_text(
        "suite: mine\n"
        "datasets:\n  - {id: small, split: test}\n"
        "first_stages:\n  - bm25\n  - {name: bm25, k1: 1.2, b: 0.5}\n"
        "models:\n  - bm25\n  - oracle\n  - {model: random, name: dice, fusion: rrf}\n"
        "metrics: [nDCG@10, MRR@10]\ntop_k: 10\nlimit_queries: 2\n"
        "speed: {enabled: false, passes: 3, budget_s: 1.0}\nresults: out\n"
    )


def _records(folder: Path) -> None:
    _collection(folder)
    _call(*RUN[:-1], "kept", "-d", "small", "-m", "oracle", "-m", "random", "--suite", "s")


def _read_records(random: Random) -> Case:
    formats = ["markdown", "csv", "latex", "html", "json"]
    layouts = ["plain", "wide", "ratings", "honesty", "beir-full"]
    board = ["leaderboard", "kept", "--format", random.choice(formats)]
    commands: list[Command] = [
        [*board, "--layout", random.choice(layouts)],
        [*board, "--significance"],
        ["card", "random", "kept"],
        ["compare", "oracle", "random", "kept"],
        ["export", "kept", "-o", "out", "--format", random.choice(["ranx", "mteb", "trec"])],
        ["gate", "kept", "kept", "--format", random.choice(["json", "github", "junit"])],
        ["depth", "kept"],
        ["slices", "kept"],
        ["report", "kept", "-o", "out/report.html"],
    ]
    return "kept", random.choice(commands)


_LAYOUTS = ("plain", "honesty", "celi-1", "hf-blog", "ratings")


def _layout(folder: Path) -> None:
    _records(folder)
    (folder / "layouts").mkdir()
    board = Path(cli.__file__).parent.parent / "leaderboard" / "layouts"
    for name in _LAYOUTS:
        (folder / "layouts" / name).mkdir()
        shutil.copy(board / f"{name}.yaml", folder / "layouts" / name)


def _lay_out(random: Random) -> Case:
    name = random.choice(_LAYOUTS)
    form = random.choice(["markdown", "csv", "latex", "html"])
    return f"layouts/{name}", [
        "leaderboard",
        "kept",
        "--layout",
        f"layouts/{name}/{name}.yaml",
        "--format",
        form,
    ]


_MODELS = ("bert", "roberta", "modernbert", "electra")


def _model_folders(folder: Path) -> None:
    _run_file(folder)
    for kind in _MODELS:
        model = tiny.build(folder / "models" / kind, kind)
        if kind == "electra":  # As sentence-transformers 6 saves a cross-encoder.
            module = {"idx": 0, "name": "0", "path": "", "type": _TRANSFORMER}
            settings = {"model_type": "CrossEncoder", "prompts": {"ask": "find: "}}
            _json(model / "modules.json", [module])
            _json(model / "config_sentence_transformers.json", settings)
            task = {"transformer_task": "sequence-classification", "max_seq_length": 32}
            _json(model / "sentence_bert_config.json", task)
    _call(*_rerank("models/bert", "native"))  # Compiles the engine, once for all inputs.
    (folder / "out.trec").unlink()


_TRANSFORMER = "sentence_transformers.base.modules.transformer.Transformer"


def _json(path: Path, tree: object) -> None:
    path.write_text(json.dumps(tree))


def _rerank(model: str, engine: str) -> Command:
    read = ["rerank", "-d", "small", "--run", "runs/small.trec", "-q", "-o", "out.trec"]
    return [*read, "-m", model, "--device", "cpu", "--dtype", "float32", "--engine", engine]


def _read_model(random: Random) -> Case:
    model = f"models/{random.choice(_MODELS)}"
    return model, _rerank(model, random.choice(["native", "torch"]))


def _journal(folder: Path) -> None:
    """The journal of a process that ended before it could write its ranking, and that ranking."""
    _run_file(folder)
    tiny.build(folder / "model")
    body = f"""
import os, sys
from rerankbench import cli
from rerankbench.results import store

store.forget_work = lambda key: None  # The journal stays, as where the process was killed.
sys.exit(cli._run({_JOURNAL!r}))
"""
    home = {**os.environ, "RERANKBENCH_HOME": str(folder / "home")}
    subprocess.run(
        [sys.executable, "-c", body], cwd=folder, env=home, check=True, capture_output=True
    )
    shutil.move(folder / "out.trec", folder / "right.trec")


_JOURNAL = _rerank("model", "torch")

TARGETS = (
    Target(
        name="collections",
        good=_collection,
        case=lambda random: ("small", [*RUN, "-d", "small", "-m", "oracle"]),
    ),
    Target(name="rows of others", good=_foreign, case=_convert),
    Target(name="runs", good=_run_file, case=_read_runs),
    Target(
        name="configs", good=_config, case=lambda random: ("config", ["run", "config/run.yaml"])
    ),
    Target(name="layouts", good=_layout, case=_lay_out),
    Target(name="records", good=_records, case=_read_records),
    Target(name="model folders", good=_model_folders, case=_read_model),
    Target(
        name="journals",
        good=_journal,
        case=lambda random: ("home/work", _JOURNAL),
        same_ranking=True,
    ),
)
