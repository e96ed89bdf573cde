"""TREC runs and qrels, read with precise complaints and written with full precision."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files.whole import read_lines
from rerankbench.types import Hit, Qrels, Ranking, as_float32

_RUN_FORM = "a run line is: query-id Q0 doc-id rank score tag"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", flags=re.ASCII)


HIGHEST_GRADE = 1_000_000
"""trec_eval keeps a counter for every grade up to the highest: from 2³¹ − 1 on it gives 0,
and long before that it runs out of memory."""
_QUERY = ("query-id", "queryid", "qid", "query", "topic", "topic-id")
_DOCUMENT = (
    "corpus-id",
    "corpusid",
    "doc-id",
    "docid",
    "docno",
    "doc-no",
    "document-id",
    "pid",
    "passage-id",
)
_GRADES = (
    f"write whole numbers from -{HIGHEST_GRADE:,} to {HIGHEST_GRADE:,} (0 is not relevant); of "
    "fractions, such as 0.5, decide which count as relevant, or scale all of them"
)


def read_run(path: Path, *, warn: Callable[[str], None] | None = None) -> list[Ranking]:
    """Read a TREC run (plain or gzipped): queries as they first appear, hits in trec_eval's order.

    Only scores count, as in trec_eval; `warn` is called if the rank column contradicts them.
    Raises InputError for a malformed line, a score that is not finite, or a document
    listed twice for a query.
    """
    scores_by_query: dict[str, dict[str, float]] = {}
    ranks: dict[str, list[str]] = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) not in (5, 6):
            raise InputError(
                path, f"{len(fields)} fields instead of 6", line=number, remedy=_RUN_FORM
            )
        query_id, _, doc_id, rank_text, score_text = fields[:5]
        score = _score(path, number, score_text)
        scores = scores_by_query.setdefault(query_id, {})
        if doc_id in scores:
            problem = f"document '{doc_id}' appears twice for query '{query_id}'"
            raise InputError(
                path, problem, line=number, remedy="keep one line for each query and document"
            )
        scores[doc_id] = score
        if warn is not None:
            ranks.setdefault(query_id, []).append(rank_text)
    if not scores_by_query:
        raise InputError(path, "has no run lines", remedy=_RUN_FORM)
    if warn is not None:
        _warn_of_contradictions(path, scores_by_query, ranks, warn)
    return [
        Ranking.sort(
            query_id, (Hit(doc_id=doc_id, score=score) for doc_id, score in scores.items())
        )
        for query_id, scores in scores_by_query.items()
    ]


def _warn_of_contradictions(
    path: Path,
    scores_by_query: Mapping[str, Mapping[str, float]],
    ranks: Mapping[str, Sequence[str]],
    warn: Callable[[str], None],
) -> None:
    wrong = [
        query_id
        for query_id, scores in scores_by_query.items()
        if _contradict(ranks[query_id], scores)
    ]
    if wrong:
        where = f"{len(wrong)} of {len(scores_by_query)} queries (first: '{wrong[0]}')"
        warn(
            f"{path.name}: ranks contradict scores in {where}; scores count, as in trec_eval: "
            "if lower is better, negate them"
        )


def _contradict(ranks: Sequence[str], scores: Mapping[str, float]) -> bool:
    """Whether a document with a better rank has a lower score.

    Equal ranks are not compared, so a column of zeros contradicts nothing.
    """
    if not all(map(_NUMBER.fullmatch, ranks)):
        return False
    ordered = sorted(zip(map(float, ranks), as_float32(scores.values()), strict=True))
    groups = [[score for _, score in of] for _, of in groupby(ordered, key=itemgetter(0))]
    return any(min(better) < max(worse) for better, worse in pairwise(groups))


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise InputError(
            path, f"score '{text}' is not a number", line=number, remedy=_RUN_FORM
        ) from None
    if not math.isfinite(score):
        remedy = "hits cannot be sorted by it: write the run again"
        raise InputError(path, f"score is {text}", line=number, remedy=remedy)
    return score


def format_run(rankings: Iterable[Ranking], tag: str) -> str:
    """The text of a TREC run; scores are printed so that reading them gives the same numbers."""
    tag = "-".join(tag.split()) or "rerankbench"
    return "".join(
        f"{ranking.query_id} Q0 {hit.doc_id} {rank} {hit.score!r} {tag}\n"
        for ranking in rankings
        for rank, hit in enumerate(ranking.hits, start=1)
    )


def parse_formatted(text: str) -> list[Ranking]:
    """Read the output of `format_run`, faster than `read_run`, without any check.

    Only for text that is known to be its output, for example by a hash. It is still sorted,
    because older run files were ordered by digits that no metric uses.
    """
    fields = text.replace("\n", " ").split(" ")
    doc_ids, scores = fields[2::6], list(map(float, fields[4::6]))
    rankings, start = [], 0
    for query_id, block in groupby(fields[0:-1:6]):
        end = start + sum(1 for _ in block)
        hits = map(Hit._make, zip(doc_ids[start:end], scores[start:end], strict=True))
        rankings.append(Ranking.sort(query_id, hits))
        start = end
    return rankings


def read_qrels(path: Path) -> Qrels:
    """Read judgments in BEIR's TSV (`query-id corpus-id score`) or trec_eval's form.

    trec_eval's lines are `query-id 0 doc-id grade`. A grade may be written 1.0. Raises InputError
    for other forms, a grade that is not a whole number or too high, or two different grades
    for one pair.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, line in read_lines(path):
        fields = line.split("\t") if line.count("\t") == 2 else line.split()
        if number == 1 and _is_heading(path, fields):
            continue
        _add_judgment(path, number, fields, qrels)
    if not qrels:
        raise InputError(
            path,
            "has no judgments",
            remedy="expected lines of: query-id <tab> doc-id <tab> grade",
        )
    return qrels


def _is_heading(path: Path, fields: Sequence[str]) -> bool:
    """Whether the first line has BEIR's columns. Raises InputError for columns of another form.

    Numbers in a different order would be read as grades of other documents.
    """
    names = ["-".join(re.findall(r"[a-z]+", field.lower())) for field in fields]
    queries = [at for at, name in enumerate(names) if name in _QUERY]
    documents = [at for at, name in enumerate(names) if name in _DOCUMENT]
    if not queries + documents or len(fields) < 3 or _NUMBER.fullmatch(fields[-1]):
        return False
    expected = [[len(fields) - 2]] if fields[0] != "query-id" else [[len(fields) - 2], []]
    if queries == [0] and documents in expected:
        return True
    shown = " ".join(fields)[:80]
    raise InputError(
        path,
        f"the columns '{shown}' are not those of judgments",
        line=1,
        remedy="give query-id, corpus-id and score, in this order",
    )


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
        grade = whole_grade(grade_text)
    except ValueError as error:
        raise InputError(path, str(error), line=number, remedy=_GRADES) from None
    grades = qrels.setdefault(query_id, {})
    if grades.setdefault(doc_id, grade) != grade:
        problem = f"document '{doc_id}' has two grades for query '{query_id}'"
        raise InputError(
            path, problem, line=number, remedy="keep one line for each query and document"
        )


def whole_grade(text: str) -> int:
    """A grade as written in files: 1, or 1.0 or 1e0 from other programs.

    Raises ValueError saying why unless it is a whole number up to `HIGHEST_GRADE`.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"grade '{text[:40]}' is not a whole number")
    grade = Decimal(text)
    if grade.copy_abs() > HIGHEST_GRADE:
        raise ValueError(f"grade '{text[:40]}' is beyond what can be counted")
    if grade != grade.to_integral_value():
        raise ValueError(f"grade '{text[:40]}' is not a whole number")
    return int(grade)
