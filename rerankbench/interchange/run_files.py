"""Reads runs of other tools: TREC's lines, or ranx's JSON {query: {document: score}}."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rerankbench.errors import InputError
from rerankbench.files.trec import read_run
from rerankbench.files.whole import MOST_BYTES, open_bytes
from rerankbench.types import Hit, Ranking

_TOO_LARGE = "write it in TREC's lines, which are read one by one"
_FORM = "expected {query: {document: score}}, as ranx writes it"
_SUFFIXES = (".gz", ".json", ".trec", ".run", ".txt", ".tsv")


def read_any_run(path: Path, *, warn: Callable[[str], None] | None = None) -> list[Ranking]:
    """Read a run of either form, plain or gzipped, recognised by its first character.

    `warn` gets its oddities. Raises InputError for any other form, and for ids that a
    TREC run cannot contain.
    """
    try:
        with open_bytes(path) as handle:
            is_json = handle.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    except (EOFError, OSError, zlib.error):
        is_json = False  # Reading it as lines reports the error.
    return _read_json(path) if is_json else read_run(path, warn=warn)


def stem(path: Path) -> str:
    """A run file's name without its endings: `colbert.trec.gz` → `colbert`."""
    name = path.name
    while (ending := Path(name).suffix.lower()) in _SUFFIXES:
        name = name[: -len(ending)]
    return name


def _read_json(path: Path) -> list[Ranking]:
    try:
        with open_bytes(path) as handle:
            body = handle.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise InputError(path, f"holds more than {MOST_BYTES:,} bytes", remedy=_TOO_LARGE)
        # Whole numbers are read as floats too; one with too many digits becomes infinite.
        rankings = json.loads(body, object_pairs_hook=_distinct, parse_int=float)
    except _TwiceError as error:
        raise InputError(path, f"'{error}' is given twice", remedy=_FORM) from None
    except (EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(path, f"is not JSON ({reason})", remedy=_FORM) from None
    if not rankings:
        raise InputError(path, "has no queries", remedy=_FORM)
    return [_ranking(path, query_id, scores) for query_id, scores in rankings.items()]


class _TwiceError(Exception):
    pass


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return values


def _ranking(path: Path, query_id: str, scores: Any) -> Ranking:
    if not isinstance(scores, dict):
        raise InputError(path, f"query '{query_id}' has no scores by document", remedy=_FORM)
    for name in (query_id, *scores):
        # As collections and TREC runs: no white space, no NUL, and writable as UTF-8.
        if name.split() != [name] or "\x00" in name or _is_broken(name):
            problem = f"the id {name!r} is empty, or has white space or broken characters"
            raise InputError(path, problem, remedy="no run can hold such an id")
    for doc_id, score in scores.items():
        if not (isinstance(score, float) and math.isfinite(score)):
            shown = json.dumps(score)[:40]
            problem = f"query '{query_id}', document '{doc_id}': the score {shown} is no number"
            raise InputError(path, problem, remedy=_FORM)
    hits = (Hit(doc_id=doc_id, score=score) for doc_id, score in scores.items())
    return Ranking.sort(query_id, hits)


def _is_broken(name: str) -> bool:
    return name.encode(errors="ignore").decode() != name
