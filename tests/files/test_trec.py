"""TREC runs and qrels: what is read, what is refused, and that writing loses nothing."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError
from rerankbench.files.trec import HIGHEST_GRADE, format_run, parse_formatted, read_qrels, read_run
from rerankbench.registry.naming import parse_metric
from rerankbench.types import Hit, Ranking

IDS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=6,
).filter(lambda text: text.split() == [text] and not text.startswith("\ufeff"))
SCORES = st.floats(allow_nan=False, allow_infinity=False)
RUNS = st.dictionaries(
    IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=5), min_size=1, max_size=4
)


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "file"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _rankings(run: dict[str, dict[str, float]]) -> list[Ranking]:
    return [
        Ranking.sort(query, [Hit(doc_id=doc, score=score) for doc, score in scores.items()])
        for query, scores in run.items()
    ]


@given(run=RUNS, tag=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5))
def test_a_written_run_reads_back_exactly(
    run: dict[str, dict[str, float]], tag: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rankings = _rankings(run)
    path = _file(tmp_path_factory.mktemp("run"), format_run(rankings, tag))
    assert read_run(path) == rankings


@given(run=RUNS, tag=st.text(st.characters(codec="utf-8"), max_size=5))
def test_what_was_formatted_is_parsed_without_checks(
    run: dict[str, dict[str, float]], tag: str
) -> None:
    assert parse_formatted(format_run(_rankings(run), tag)) == _rankings(run)


def test_a_run_has_six_columns_and_counts_ranks_from_1() -> None:
    ranking = _rankings({"q": {"a": 0.1, "b": 2.5}})
    assert format_run(ranking, "my tag") == "q Q0 b 1 2.5 my-tag\nq Q0 a 2 0.1 my-tag\n"


def test_a_blank_tag_still_fills_its_column() -> None:
    assert format_run(_rankings({"q": {"a": 1.0}}), "  ").split()[-1] == "rerankbench"


def test_scores_decide_the_order_not_ranks_or_lines(tmp_path: Path) -> None:
    text = "q2 Q0 a 1 0.5 t\nq1 Q0 x 1 1 t\nq2 Q0 c 2 7e-1 t\nq2 Q0 b 3 0.7 t\n"
    assert read_run(_file(tmp_path, text)) == [
        Ranking(
            query_id="q2",
            hits=(
                Hit(doc_id="c", score=0.7),
                Hit(doc_id="b", score=0.7),
                Hit(doc_id="a", score=0.5),
            ),
        ),
        Ranking(query_id="q1", hits=(Hit(doc_id="x", score=1.0),)),
    ]


def test_a_run_may_be_gzipped_separated_by_tabs_and_lack_the_tag(tmp_path: Path) -> None:
    body = gzip.compress(b"q\tQ0\td\t1\t-3.25\r\n")
    assert read_run(_file(tmp_path, body)) == _rankings({"q": {"d": -3.25}})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q d 1", "3 fields instead of 6"),
        ("q Q0 d 1 1.0 t more", "7 fields instead of 6"),
        ("q Q0 d 1 high t", "score 'high' is not a number"),
        ("q Q0 d 1 nan t", "score is nan"),
        ("q Q0 d 1 -inf t", "score is -inf"),
        ("q Q0 first 1 1.0 t", "document 'first' appears twice for query 'q'"),
    ],
)
def test_a_bad_run_line_is_named_with_its_number(line: str, problem: str, tmp_path: Path) -> None:
    path = _file(tmp_path, f"q Q0 first 1 2.0 t\n\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}:3: {problem}; ")


@pytest.mark.parametrize(
    ("ranks", "scores", "told"),
    [
        ((1, 2, 3), (3.0, 2.0, 1.0), False),
        ((1, 2, 3), (1.0, 2.0, 3.0), True),  # distances: less is better
        ((3, 2, 1), (3.0, 2.0, 1.0), True),
        ((0, 0, 0), (1.0, 3.0, 2.0), False),  # a column that was left blank
        ((1, 1, 2), (2.0, 3.0, 1.0), False),
        ((1, 1, 2), (1.0, 3.0, 2.0), True),
        ((1, 2, 3), (2.0, 2.0 + 1e-12, 1.0), False),  # no metric sees the difference
        (("x", "-", "1.5"), (1.0, 2.0, 3.0), False),
        (("1.0", "2.0", "3.0"), (1.0, 2.0, 3.0), True),  # as pandas writes a column with gaps
        (("1.0", "2.0", "3.0"), (3.0, 2.0, 1.0), False),
    ],
)
def test_ranks_that_contradict_scores_are_told(
    ranks: tuple[object, ...], scores: tuple[float, ...], told: bool, tmp_path: Path
) -> None:
    lines = [
        f"q Q0 d{at} {rank} {score!r} t\n"
        for at, (rank, score) in enumerate(zip(ranks, scores, strict=True))
    ]
    heard: list[str] = []
    path = _file(tmp_path, "".join([*lines, "p Q0 d 1 1 t\n"]))
    run = read_run(path, warn=heard.append)
    assert run == read_run(path)
    expected = "file: ranks contradict scores in 1 of 2 queries (first: 'q'); scores count"
    assert [line.startswith(expected) for line in heard] == [True] * told


def test_hits_are_ordered_by_what_the_metric_sees() -> None:
    run = {"q": {"a": 1.0 + 2**-30, "b": 1.0, "c": 1.0 - 2**-30, "d": 0.5}}
    (ranking,) = _rankings(run)
    assert [hit.doc_id for hit in ranking.hits] == ["c", "b", "a", "d"]
    for rank, hit in enumerate(ranking.hits, start=1):
        assert parse_metric("MRR").per_query({"q": {hit.doc_id: 1}}, run)["q"] == 1 / rank
    # Whoever compares all digits finds the same order.
    assert ranking.scores() == {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.5}


def test_a_run_of_before_is_put_in_the_metrics_order() -> None:
    text = "q Q0 a 1 1.0000000001 t\nq Q0 b 2 1.0 t\n"
    (ranking,) = parse_formatted(text)
    assert [hit.doc_id for hit in ranking.hits] == ["b", "a"]


def test_one_document_may_answer_two_queries(tmp_path: Path) -> None:
    run = read_run(_file(tmp_path, "q Q0 d 1 1 t\np Q0 d 1 1 t\n"))
    assert [ranking.query_id for ranking in run] == ["q", "p"]


def test_an_empty_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no run lines; a run line is"):
        read_run(_file(tmp_path, "\n"))


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\nq2\ta\t-1\n",
        "q1\ta\t2\nq1\tb\t0\nq2\ta\t-1\n",
        "q1 0 a 2\nq1 0 b 0\n\nq2 0 a -1\n",
        "q1\t0\ta\t2\r\nq1\t0\tb\t0\r\nq2\t0\ta\t-1\r\n",
        "q1 a 2\nq1 b 0\nq2 a -1",
        "q1 0 a 2\nq1 0 a 2\nq1 0 b 0\nq2 0 a -1\n",
        "query-id\tcorpus-id\tscore\nq1\ta\t2.0\nq1\tb\t0.0\nq2\ta\t-1.0\n",
        "q1 0 a 2.000000000000000000e+00\nq1 0 a 2\nq1 0 b 0.\nq2 0 a -1e0\n",
        "query_id\tcorpus_id\tscore\nq1\ta\t2\nq1\tb\t0\nq2\ta\t-1\n",
        "query-id\tentity\tscore\nq1\ta\t2\nq1\tb\t0\nq2\ta\t-1\n",
        "qid iteration docno label\nq1 0 a 2\nq1 0 b 0\nq2 0 a -1\n",
        "QueryID\tDocID\tRelevance\nq1\ta\t2\nq1\tb\t0\nq2\ta\t-1\n",
    ],
)
def test_qrels_are_read_in_both_forms(text: str, tmp_path: Path) -> None:
    assert read_qrels(_file(tmp_path, text)) == {"q1": {"a": 2, "b": 0}, "q2": {"a": -1}}


def test_a_fraction_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_qrels(_file(tmp_path, "q 0 d 0.5\n"))
    assert "decide which count as relevant, or scale all of them" in str(caught.value)
    assert len(str(caught.value)) - len(str(tmp_path)) < 280


def test_the_highest_grade_still_has_its_gain(tmp_path: Path) -> None:
    qrels = read_qrels(_file(tmp_path, f"q 0 a {HIGHEST_GRADE}\nq 0 b 1\n"))
    value = parse_metric("nDCG@10").per_query(qrels, {"q": {"a": 1.0, "b": 2.0}})["q"]
    first, second = 1.0, 1 / math.log2(3)
    best = HIGHEST_GRADE * first + second
    assert value == pytest.approx((first + HIGHEST_GRADE * second) / best)


def test_ids_in_tab_separated_qrels_may_hold_spaces(tmp_path: Path) -> None:
    assert read_qrels(_file(tmp_path, "my query\tmy doc\t1\n")) == {"my query": {"my doc": 1}}


@pytest.mark.parametrize(
    "heading",
    [
        "query-id\tscore\tcorpus-id",
        "corpus-id\tquery-id\tscore",
        "query-id\tcorpus-id\tscore\tannotator",
        "topic\td\tyes",
    ],
)
def test_columns_in_another_order_are_refused(heading: str, tmp_path: Path) -> None:
    # With ids that are numbers every line below would be read, as judgments of other documents.
    path = _file(tmp_path, heading + "\n" + "\t".join("731"[: len(heading.split())]) + "\t1\n")
    with pytest.raises(InputError, match=r"file:1: the columns '.*' are not those of judgments"):
        read_qrels(path)


def test_a_header_further_down_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file:2: grade 'score' is not a whole number"):
        read_qrels(_file(tmp_path, "q\td\t1\nquery-id\tcorpus-id\tscore\n"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q d", "2 fields"),
        ("q 0 d 1 x", "5 fields"),
        ("q 0 d 1.5", "grade '1.5' is not a whole number"),
        ("q 0 d yes", "grade 'yes' is not a whole number"),
        ("q 0 d 1_0", "grade '1_0' is not a whole number"),
        ("q 0 d nan", "grade 'nan' is not a whole number"),
        ("q\td\t0.5", "grade '0.5' is not a whole number"),
        ("q 0 d 2147483648", "grade '2147483648' is beyond what can be counted"),
        ("q 0 d -2147483649", "grade '-2147483649' is beyond what can be counted"),
        ("q 0 d 1e999999999", "grade '1e999999999' is beyond what can be counted"),
        ("q 0 first 2", "document 'first' has two grades for query 'q'"),
    ],
)
def test_a_bad_judgment_is_named_with_its_number(line: str, problem: str, tmp_path: Path) -> None:
    path = _file(tmp_path, f"q 0 first 1\n\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_qrels(path)
    assert str(caught.value).startswith(f"{path}:3: {problem}; ")


@pytest.mark.parametrize("text", ["", "query-id\tcorpus-id\tscore\n"])
def test_qrels_without_judgments_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no judgments; expected lines of"):
        read_qrels(_file(tmp_path, text))
