"""Runs of other tools: both forms give the same rankings, and nothing odd gets through."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError
from rerankbench.files.trec import format_run
from rerankbench.interchange.run_files import read_any_run, stem
from rerankbench.types import Hit, Ranking

IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda text: text.split() == [text] and not text.startswith("{")
)
SCORES = st.floats(allow_nan=False, allow_infinity=False)
RUNS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=4), min_size=1)


@given(run=RUNS)
def test_json_and_trec_give_the_same_rankings(
    run: dict[str, dict[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    rankings = [
        Ranking.sort(query, (Hit(doc_id=doc, score=score) for doc, score in scores.items()))
        for query, scores in run.items()
    ]
    forms = {
        "run.json": json.dumps(run).encode(),
        "run.bom": b"\xef\xbb\xbf  " + json.dumps(run, ensure_ascii=False).encode(),
        "run.json.gz": gzip.compress(json.dumps(run).encode()),
        "run.trec": format_run(rankings, "tag").encode(),
    }
    for name, body in forms.items():
        (folder / name).write_bytes(body)
        assert read_any_run(folder / name) == rankings, name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "has no queries"),
        ('{"q": [1]}', "query 'q' has no scores by document"),
        ('{"q": {"d": "1"}}', """query 'q', document 'd': the score "1" is no number"""),
        ('{"q": {"d": true}}', "the score true is no number"),
        ('{"q": {"d": null}}', "the score null is no number"),
        ('{"q": {"d": NaN}}', "the score NaN is no number"),
        ('{"q": {"d": 1e999}}', "the score Infinity is no number"),
        ('{"q": {"d": 1%s}}' % ("0" * 5000), "the score Infinity is no number"),
        ('{"q": {"d": 1, "d": 2}}', "'d' is given twice"),
        ('{"q": {"d": 1}, "q": {}}', "'q' is given twice"),
        ('{"q": {"a b": 1}}', "the id 'a b' is empty, or has white space"),
        ('{"": {"d": 1}}', "the id '' is empty"),
        ('{"q": {"d\\u0000": 1}}', "broken characters"),
        ('{"q": {"\\ud800": 1}}', "broken characters"),
        ("[" * 3, "3 fields|1 fields|fields instead of 6"),
        ('{"q":' * 100_000, "is not JSON"),
        ("q Q0 d 1 high tag", "score 'high' is not a number"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_any_run(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"q": {"\xff": 1}}', "is not JSON"),
        (gzip.compress(b'{"q": {"d": 1}}')[:-6], "is not JSON|gzip stream is broken"),
        (gzip.compress(b'{"q": {"d": 1}}')[:-15], "is not JSON|gzip stream is broken"),
    ],
)
def test_broken_bytes_are_refused(body: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_bytes(body)
    with pytest.raises(InputError, match=message):
        read_any_run(path)


def test_a_missing_run_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_any_run(tmp_path / "gone.json")
    with pytest.raises(InputError, match="is a folder"):
        read_any_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("colbert.trec.gz", "colbert"),
        ("dir/run.colbert-v2.json", "run.colbert-v2"),
        ("bm25.k1.2", "bm25.k1.2"),
        (".trec", ".trec"),
        (".json.gz", ".json"),
        ("plain", "plain"),
    ],
)
def test_rows_are_named_after_files_without_their_endings(name: str, expected: str) -> None:
    assert stem(Path(name)) == expected
