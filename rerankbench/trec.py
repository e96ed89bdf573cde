"""TREC runs and qrels, read with precise complaints and written with full precision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files import read_lines
from rerankbench.types import Hit, Qrels, Ranking

_RUN_FORM = "a run line is: query-id Q0 doc-id rank score tag"


def read_run(path: Path) -> list[Ranking]:
    """Read a TREC run (plain or gzipped): queries as they first appear, hits in trec_eval's order.

    The rank column is ignored, as trec_eval does. Raises InputError for a line of another form, a
    score that is no finite number, or a document listed twice for a query.
    """
    found: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) not in (5, 6):
            raise InputError(
                path, f"{len(fields)} fields instead of 6", line=number, remedy=_RUN_FORM
            )
        query_id, _, doc_id, _, score_text = fields[:5]
        score = _score(path, number, score_text)
        scores = found.setdefault(query_id, {})
        if doc_id in scores:
            problem = f"document '{doc_id}' appears twice for query '{query_id}'"
            raise InputError(
                path, problem, line=number, remedy="keep one line for each query and document"
            )
        scores[doc_id] = score
    if not found:
        raise InputError(path, "holds no run lines", remedy=_RUN_FORM)
    return [
        Ranking.sort(
            query_id, (Hit(doc_id=doc_id, score=score) for doc_id, score in scores.items())
        )
        for query_id, scores in found.items()
    ]


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise InputError(
            path, f"score '{text}' is not a number", line=number, remedy=_RUN_FORM
        ) from None
    if not math.isfinite(score):
        remedy = "a ranking cannot be sorted by it: write the run again"
        raise InputError(path, f"score is {text}", line=number, remedy=remedy)
    return score


def format_run(rankings: Iterable[Ranking], tag: str) -> str:
    """Text of a TREC run; scores are printed so that reading them gives the same numbers back."""
    tag = "-".join(tag.split()) or "rerankbench"
    return "".join(
        f"{ranking.query_id} Q0 {hit.doc_id} {rank} {hit.score!r} {tag}\n"
        for ranking in rankings
        for rank, hit in enumerate(ranking.hits, start=1)
    )


def parse_formatted(text: str) -> list[Ranking]:
    """Read back what `format_run` wrote, several times as fast as `read_run`: nothing is checked.

    Only for a text that is known to be its output, by a hash for example.
    """
    fields = text.replace("\n", " ").split(" ")
    doc_ids, scores = fields[2::6], list(map(float, fields[4::6]))
    rankings, start = [], 0
    for query_id, block in groupby(fields[0:-1:6]):
        end = start + sum(1 for _ in block)
        hits = map(Hit._make, zip(doc_ids[start:end], scores[start:end], strict=True))
        rankings.append(Ranking(query_id=query_id, hits=tuple(hits)))
        start = end
    return rankings


def read_qrels(path: Path) -> Qrels:
    """Read judgments in BEIR's TSV (`query-id corpus-id score`) or trec_eval's form.

    trec_eval's lines are `query-id 0 doc-id grade`. Raises InputError for other forms, a grade
    that is no whole number, or two grades for one pair that differ.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, line in read_lines(path):
        fields = line.split("\t") if line.count("\t") == 2 else line.split()
        if number == 1 and fields[0] == "query-id":
            continue
        _add_judgment(path, number, fields, qrels)
    if not qrels:
        raise InputError(
            path,
            "holds no judgments",
            remedy="expected lines of: query-id <tab> doc-id <tab> grade",
        )
    return qrels


def _add_judgment(
    path: Path, number: int, fields: Sequence[str], qrels: dict[str, dict[str, int]]
) -> None:
    if len(fields) == 4:
        query_id, _, doc_id, grade_text = fields
    elif len(fields) == 3:
        query_id, doc_id, grade_text = fields
    else:
        remedy = "expected query-id, doc-id, grade (BEIR) or query-id 0 doc-id grade (trec_eval)"
        raise InputError(path, f"{len(fields)} fields", line=number, remedy=remedy)
    try:
        grade = int(grade_text)
    except ValueError:
        problem = f"grade '{grade_text}' is not a whole number"
        raise InputError(
            path, problem, line=number, remedy="grades are whole numbers, 0 is not relevant"
        ) from None
    grades = qrels.setdefault(query_id, {})
    if grades.setdefault(doc_id, grade) != grade:
        problem = f"document '{doc_id}' has two grades for query '{query_id}'"
        raise InputError(
            path, problem, line=number, remedy="keep one line for each query and document"
        )
