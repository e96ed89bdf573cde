"""Recognises files of other tools' figures given in place of a run.

A figure without its run cannot be recomputed, so it is refused; the message names the tool and
how its figures differ from ours (docs/interoperability.md has the table).
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

from rerankbench.errors import InputError
from rerankbench.files.whole import open_bytes

_MOST_BYTES = 1 << 24
_EVALUATOR_HEAD = re.compile(r"epoch,steps,(MAP|Accuracy|.*@\d)", flags=re.IGNORECASE)
_TREC_EVAL = re.compile(r"(?:runid|num_q|map|ndcg\w*|recip_rank|P_\d+|recall_\d+)\s+\S+\s+\S+")
_IR_MEASURES = re.compile(
    r"(?:\S+\t)?(?:nDCG|AP|RR|R|P|ERR|Success|Judged|NumQ|NumRel|SetP|Rprec|RBP|Bpref)\b\S*\t\S+"
)
_BEIR = re.compile(r"(?:NDCG|MAP|Recall|P|MRR)@\d+")


def refusal(path: Path) -> InputError | None:
    """The error for a file of figures; None if it has no known form."""
    try:
        with open_bytes(path) as handle:
            text = handle.read(_MOST_BYTES).decode(errors="replace").removeprefix("\ufeff")
    except (EOFError, InputError, OSError, zlib.error):
        return None
    recognised = _of_json(text) if text.lstrip().startswith(("{", "[")) else _of_lines(text)
    if recognised is None:
        return None
    tool, difference = recognised
    problem = f"has figures of {tool}, not a run; {difference}"
    return InputError(path, problem, remedy="import the run that they were computed from")


def _of_json(text: str) -> tuple[str, str] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            return None
        if "scores" in item and ("mteb_version" in item or "task_name" in item):
            return "MTEB", (
                "its older reranking tasks put all negatives first where scores tie, and some "
                "tasks drop documents with the query's own id"
            )
        if "model_names" in item and "metrics" in item:
            return "ranx", "they order ties differently, and a p of 0 means a small p"
        if item and all(_BEIR.fullmatch(name) for name in item):
            return "BEIR", (
                "they leave out queries without results, and documents with their query's own id"
            )
    return None


def _of_lines(text: str) -> tuple[str, str] | None:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    if _EVALUATOR_HEAD.match(lines[0]):
        return "sentence-transformers", (
            "their nDCG averages over ties and knows no grades, and its ideal may be that of the "
            "candidates alone"
        )
    if all(map(_IR_MEASURES.fullmatch, lines)):
        return "ir_measures", _of_ir_measures(text)
    if all(map(_TREC_EVAL.match, lines[:3])):
        return (
            "trec_eval",
            "they are defined as ours, but without -c leave out queries without results",
        )
    return None


def _of_ir_measures(text: str) -> str:
    if "exp-log2" in text:
        return "their exp-log2 nDCG uses another gain, and cuts query ids at the last hyphen"
    if re.search(r"\bRR(?:\([^)\t]*\))?@\d", text):
        return "their RR@k breaks ties by document id rising, all else by id falling as here"
    return "they are defined as ours"
