"""`rerankbench convert`: what it makes of each form, said and written, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import ir_measures
import pytest
import pytrec_eval

from rerankbench.registry import naming

from .. import tiny
from .conftest import Command, Done

_ir_measures: Any = ir_measures  # It has no types.
RESET, INVOICE = "How do I reset my password?", "Where is my invoice?"
SETTINGS = "Open Settings, then Security."
BILLING = 'Under "Billing", History.\nEach has a PDF.'
PHONE = "Call us, 9 to 17."


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def _files(folder: str = ".") -> list[str]:
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


def _write_csv(name: str, heading: Sequence[str], *rows: Sequence[object], **form: Any) -> Path:
    with Path(name).open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, **form).writerows([heading, *rows])
    return Path(name)


def _write_lines(name: str, *entries: object) -> Path:
    body = "".join(json.dumps(entry) + "\n" for entry in entries)
    data = body.encode()
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return Path(name)


def _id(kind: str, text: str, title: str = "") -> str:
    return f"{kind}-{blake2b(f'{len(title)}:{title}{text}'.encode(), digest_size=8).hexdigest()}"


def _texts(folder: str | Path) -> dict[str, dict[str, int]]:
    """Query text → document text → grade, read by nothing of ours."""
    folder = Path(folder)
    corpus, queries = (
        {each["_id"]: each["text"] for each in map(json.loads, path.read_text().splitlines())}
        for path in (folder / "corpus.jsonl", folder / "queries.jsonl")
    )
    found: dict[str, dict[str, int]] = {}
    (path,) = (folder / "qrels").iterdir()
    lines = path.read_text().splitlines()
    assert lines[0] == "query-id\tcorpus-id\tscore"
    for line in lines[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(queries[query], {})[corpus[document]] = int(grade)
    return found


def _candidates(folder: str | Path) -> dict[str, list[str]]:
    """Query id → documents as ir_measures orders them."""
    run = sorted(
        _ir_measures.read_trec_run(str(Path(folder) / "candidates.trec")),
        key=lambda line: -line.score,
    )
    found: dict[str, list[str]] = {}
    for line in run:
        found.setdefault(line.query_id, []).append(line.doc_id)
    return found


def _refused(done: Done, message: str, *before: str) -> None:
    """One line, exit code 2, and nothing is there that was not there before."""
    assert done.code == 2
    assert done.out == ""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert errors == done.err.splitlines()[-1:]
    assert re.search(message, errors[0]), errors[0]
    assert len(errors[0]) <= 300
    everything = {str(path) for path in Path().rglob("*")} | {str(p) for p in Path().glob(".*")}
    assert everything == set(before)


LABELLED = (
    (RESET, SETTINGS, 1, "x"),
    (RESET, PHONE, 0, "y"),
    (INVOICE, BILLING, 1, "x"),
    (INVOICE, SETTINGS, 0, "x"),
    (RESET, f"  {SETTINGS} ", 1, "x"),
    (INVOICE, PHONE, 0, "y"),
    (INVOICE, PHONE, 1, "x"),
    (INVOICE, SETTINGS, "", "x"),
    (RESET, "", 1, "x"),
)
OF_LABELLED = {RESET: {SETTINGS: 1, PHONE: 0}, INVOICE: {BILLING: 1, SETTINGS: 0, PHONE: 1}}


def test_a_table_of_queries_passages_and_labels(command: Command) -> None:
    _write_csv("support.csv", ("Question", "passage_text", "is_relevant", "agent"), *LABELLED)
    done = command("convert", "support.csv", "--yes")
    assert (done.code, done.out) == (0, "support\n"), done.err
    assert _files("support") == [
        f"support/{name}"
        for name in ("candidates.trec", "corpus.jsonl", "qrels/test.tsv", "queries.jsonl")
    ]
    assert _texts("support") == OF_LABELLED
    said = done.err
    for column in ("query +Question", "document +passage_text", "label +is_relevant"):
        assert re.search(column, said), column
    assert re.search("not read +agent", said)
    assert "2 queries, 3 documents, 5 judgments: 3 relevant, 2 not" in said
    assert "relevant documents for a query: 1 to 2, median 1.5" in said
    assert "merged: 1 repeated judgment (first: support.csv, line 7)" in said
    assert "two labels for 1 pair, the higher is kept (first: support.csv, line 9)" in said
    assert "dropped: 1 row without a label (first: support.csv, line 10)" in said
    assert "dropped: 1 row without a document (first: support.csv, line 11)" in said
    assert "  rerankbench run -d support -m MODEL\n" in said
    stage = "--first-stage run:support/candidates.trec"
    assert f"  rerankbench run -d support -m MODEL {stage}\n" in said
    assert [line for line in said.splitlines() if len(line) > 80] == []


def test_the_page_shows_what_is_printed(command: Command) -> None:
    root = Path(__file__).resolve().parents[2]
    done = command("convert", root / "examples" / "support.csv", "--yes")
    assert done.code == 0, done.err
    page = (root / "docs" / "convert.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        r"^<!-- examples/support.csv -->\n\n```text\n(.*?)^```$", page, re.M | re.S
    )
    assert done.err == shown


def test_ids_depend_on_the_text_alone(command: Command) -> None:
    heading = ("query", "passage", "label")
    _write_csv("a.csv", heading, (RESET, SETTINGS, 1), (INVOICE, BILLING, 1))
    _write_csv("b.csv", heading, (INVOICE, BILLING, 1), (RESET, SETTINGS, 1))
    for name in ("a", "b"):
        assert command("convert", f"{name}.csv", "--yes").code == 0
        lines = Path(name, "corpus.jsonl").read_text().splitlines()
        ids = [json.loads(line)["_id"] for line in lines]
        assert sorted(ids) == sorted([_id("d", SETTINGS), _id("d", BILLING)])
    # `printf '0:How do I reset my password?' | b2sum -l 64`: they stay so from version to version.
    assert '{"_id": "q-ce40e2e72cad86f8", "text": "How' in Path("a/queries.jsonl").read_text()


def test_ids_and_titles_of_columns_are_kept_to_the_letter(command: Command) -> None:
    heading = ("qid", "query", "doc_id", "title", "text", "relevance")
    rows = (
        (7, RESET, "kb-1", "Passwords", SETTINGS, 2),
        (7, RESET, "kb-2", "", PHONE, 0),
        (8, INVOICE, "kb-1", "Passwords", SETTINGS, -1),
        (8, INVOICE, "kb-3", "Naïve €", BILLING, "1.0"),
        (8, INVOICE, "", "", "a row without an id", 1),
    )
    _write_csv("kb.csv", heading, *rows)
    done = command("convert", "kb.csv", "-o", "new/kb", "--yes")
    assert done.code == 0, done.err
    assert "dropped: 1 row without a document id" in done.err
    assert Path("new/kb/corpus.jsonl").read_text(encoding="utf-8") == (
        '{"_id": "kb-1", "title": "Passwords", "text": "Open Settings, then Security."}\n'
        '{"_id": "kb-2", "title": "", "text": "Call us, 9 to 17."}\n'
        '{"_id": "kb-3", "title": "Naïve €", '
        '"text": "Under \\"Billing\\", History.\\nEach has a PDF."}\n'
    )
    assert Path("new/kb/queries.jsonl").read_text() == (
        '{"_id": "7", "text": "How do I reset my password?"}\n'
        '{"_id": "8", "text": "Where is my invoice?"}\n'
    )
    assert Path("new/kb/qrels/test.tsv").read_text() == (
        "query-id\tcorpus-id\tscore\n7\tkb-1\t2\n7\tkb-2\t0\n8\tkb-1\t-1\n8\tkb-3\t1\n"
    )
    loaded = naming.open_collection("new/kb")
    assert loaded.qrels() == {"7": {"kb-1": 2, "kb-2": 0}, "8": {"kb-1": -1, "kb-3": 1}}
    assert {each.query_id: each.text for each in loaded.queries()} == {"7": RESET, "8": INVOICE}
    assert [each.content for each in loaded.documents()] == [
        f"Passwords {SETTINGS}",
        PHONE,
        f"Naïve € {BILLING}",
    ]
    # An ideal ranking by these judgments is one to trec_eval too.
    measured = pytrec_eval.RelevanceEvaluator(dict(loaded.qrels()), {"ndcg"}).evaluate(
        {q: {d: float(g) for d, g in of.items()} for q, of in loaded.qrels().items()}
    )
    assert [each["ndcg"] for each in measured.values()] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("rows.csv", {"delimiter": ";"}),
        ("rows.csv", {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
        ("rows.tsv", {"delimiter": "\t"}),
    ],
)
def test_forms_of_csv(command: Command, name: str, form: Mapping[str, Any]) -> None:
    _write_csv(name, ("query", "passage", "label", "agent"), *LABELLED, **form)
    Path(name).write_bytes(b"\xef\xbb\xbf" + Path(name).read_bytes())  # As Excel writes it.
    assert command("convert", name, "--yes").code == 0
    assert _texts("rows") == OF_LABELLED


def test_a_file_without_a_heading_and_with_bare_quotes(command: Command) -> None:
    Path("t.tsv").write_text('who\t"she" did\tnot "he\nwhat\tthat\t"she" did\n')
    options = ("--no-header", "--no-quotes", "--query", 1, "--positive", 2, "--negative", 3)
    done = command("convert", "t.tsv", *options, "--yes")
    assert done.code == 0, done.err
    assert _texts("t") == {
        "who": {'"she" did': 1, 'not "he': 0},
        "what": {"that": 1, '"she" did': 0},
    }


def test_pairs_have_no_candidates(command: Command) -> None:
    _write_lines(
        "pairs.jsonl.gz",
        {"anchor": RESET, "positive": SETTINGS},
        {"anchor": RESET, "positive": PHONE},
        {"anchor": INVOICE, "positive": BILLING},
    )
    done = command("convert", "pairs.jsonl.gz", "--yes")
    assert done.code == 0, done.err
    assert _texts("pairs") == {RESET: {SETTINGS: 1, PHONE: 1}, INVOICE: {BILLING: 1}}
    assert not Path("pairs/candidates.trec").exists()
    assert "--first-stage" not in done.err


@pytest.mark.parametrize("labels", [("0", "1"), ("yes", "no"), ("0.25", "0.9"), ("0", "0")])
def test_labels_under_an_unknown_name_are_not_left_out_silently(
    command: Command, labels: tuple[str, str]
) -> None:
    rows = ((RESET, SETTINGS, labels[0], 2024), (RESET, PHONE, labels[1], 2025))
    _write_csv("x.csv", ("query", "passage", "ok", "year"), *rows)
    _refused(command("convert", "x.csv", "--yes"), "'ok' looks like labels", "x.csv")
    assert command("convert", "x.csv", "--label", "none", "--yes").code == 0
    assert _texts("x") == {RESET: {SETTINGS: 1, PHONE: 1}}


def test_a_column_that_numbers_rows_is_no_label(command: Command) -> None:
    rows = ((0, RESET, SETTINGS), (1, RESET, PHONE), (2, INVOICE, BILLING))
    _write_csv("pandas.csv", ("", "query", "passage"), *rows)
    done = command("convert", "pandas.csv", "--yes")
    assert done.code == 0, done.err
    assert re.search("not read +column 1", done.err)


def test_a_column_that_says_relevant_in_every_row_is_no_obstacle(command: Command) -> None:
    rows = ((RESET, SETTINGS, 1, 2024), (INVOICE, BILLING, 1, 2025))
    _write_csv("x.csv", ("query", "passage", "ok", "year"), *rows)
    assert command("convert", "x.csv", "--yes").code == 0


def test_triples_merge_and_the_positive_wins(command: Command) -> None:
    rows = (
        (RESET, SETTINGS, PHONE),
        (RESET, SETTINGS, BILLING),
        (INVOICE, BILLING, SETTINGS),
        (RESET, PHONE, BILLING),
    )
    _write_csv("triples.csv", ("query", "positive", "negative"), *rows)
    done = command("convert", "triples.csv", "--yes")
    assert done.code == 0, done.err
    assert _texts("triples") == {
        RESET: {SETTINGS: 1, PHONE: 1, BILLING: 0},
        INVOICE: {BILLING: 1, SETTINGS: 0},
    }
    assert "merged: 2 repeated judgments" in done.err
    assert "two labels for 1 pair, the higher is kept (first: triples.csv, line 7)" in done.err


def test_tuples_with_gaps(command: Command) -> None:
    heading = ("query", "positive", "negative_1", "negative_2")
    _write_csv("n.csv", heading, (RESET, SETTINGS, PHONE, BILLING), (INVOICE, BILLING, PHONE, ""))
    assert command("convert", "n.csv", "--yes").code == 0
    assert _texts("n") == {
        RESET: {SETTINGS: 1, PHONE: 0, BILLING: 0},
        INVOICE: {BILLING: 1, PHONE: 0},
    }


MTEB = (
    {"query": RESET, "positive": [SETTINGS], "negative": [PHONE, BILLING]},
    {"query": INVOICE, "positive": [BILLING, SETTINGS], "negative": [PHONE]},
    {"query": "nothing fits", "positive": [], "negative": [PHONE]},
)
OF_MTEB = {
    RESET: {SETTINGS: 1, PHONE: 0, BILLING: 0},
    INVOICE: {BILLING: 1, SETTINGS: 1, PHONE: 0},
}


def test_rows_of_mteb(command: Command) -> None:
    _write_lines("rerank/test.jsonl.gz", *MTEB)
    _write_lines("rerank/dev.jsonl.gz", MTEB[0])
    done = command("convert", "rerank", "-o", "mteb", "--yes")
    assert done.code == 0, done.err
    assert _texts("mteb") == OF_MTEB
    assert "dropped: 1 row without a relevant document (first: test.jsonl.gz, line 3)" in done.err
    assert command("convert", "rerank", "-o", "dev", "--split", "dev", "--yes").code == 0
    assert _files("dev/qrels") == ["dev/qrels/dev.tsv"]


def test_objects_in_lists_bring_title_and_id(command: Command) -> None:
    document = {"docid": "7", "title": "Passwords", "text": SETTINGS}
    _write_lines(
        "tevatron.jsonl",
        {
            "query_id": "q1",
            "query": RESET,
            "positive_passages": [document],
            "negative_passages": [{"docid": "9", "title": "", "text": PHONE}],
        },
    )
    assert command("convert", "tevatron.jsonl", "--yes").code == 0
    lines = Path("tevatron/corpus.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"_id": "7", "title": "Passwords", "text": SETTINGS}
    qrels = Path("tevatron/qrels/test.tsv").read_text().splitlines()
    assert qrels[1:] == ["q1\t7\t1", "q1\t9\t0"]


def test_lists_with_their_labels(command: Command) -> None:
    passages = {"is_selected": [0, 1], "passage_text": [PHONE, SETTINGS]}
    Path("ms.json").write_text(json.dumps([{"query": RESET, "passages": passages}]))
    assert command("convert", "ms.json", "--yes").code == 0
    assert _texts("ms") == {RESET: {PHONE: 0, SETTINGS: 1}}


def test_the_order_of_candidates_tells_nothing(command: Command) -> None:
    rows = [
        {
            "query": f"q{at}",
            "positive": [f"yes {at}"],
            "negative": [f"no {at} {n}" for n in range(9)],
        }
        for at in range(200)
    ]
    _write_lines("many.jsonl", *rows)
    assert command("convert", "many.jsonl", "--yes").code == 0
    found = _candidates("many")
    assert {len(ids) for ids in found.values()} == {10}
    ranks = [found[_id("q", f"q{at}")].index(_id("d", f"yes {at}")) for at in range(200)]
    # Each of ten places about 20 times; a binomial count is within 6 … 40 but once in 10,000.
    assert all(6 <= ranks.count(place) <= 40 for place in range(10))


def test_candidates_are_what_is_reranked(command: Command) -> None:
    _write_lines("rows.jsonl", *MTEB)
    assert command("convert", "rows.jsonl", "--yes").code == 0
    options = ("-m", "oracle", "--no-speed", "--first-stage", "run:rows/candidates.trec")
    done = command("run", "-d", "rows", *options)
    assert done.code == 0, done.err
    (path,) = (
        Path("results", "default", "runs", f"{each['quality_key']}.trec.gz")
        for name, each in tiny.records(Path("results/default")).items()
        if name == "oracle"
    )
    reranked: dict[str, set[str]] = {}
    for query, document, _ in tiny.run_lines(path):
        reranked.setdefault(query, set()).add(document)
    assert reranked == {
        _id("q", query): {_id("d", text) for text in of} for query, of in OF_MTEB.items()
    }


def test_long_lists_are_reranked_to_their_end(command: Command) -> None:
    row = {"query": "q", "positive": ["yes"], "negative": [f"no {n}" for n in range(150)]}
    _write_lines("long.jsonl", row)
    assert "candidates.trec -k 151\n" in command("convert", "long.jsonl", "--yes").err


def _write_msmarco(folder: Path) -> None:
    folder.mkdir()
    (folder / "queries.dev.small.tsv").write_text(
        '1\twhat is x\n2\twho is \'y" or "z\n3\tunjudged\n'
    )
    (folder / "queries.train.tsv").write_text("1\tanother\n")
    (folder / "collection.tsv").write_text('0\tx is a letter\n1\t"y is too\n2\tz, "last"\n')
    (folder / "qrels.dev.small.tsv").write_text("1\t0\t0\t1\n2\t0\t1\t1\n2\t0\t2\t1\n2\t0\t9\t1\n")


def test_files_of_ms_marco(command: Command) -> None:
    _write_msmarco(Path("msmarco"))
    done = command("convert", "msmarco", "-o", "dev", "--yes")
    assert done.code == 0, done.err
    assert Path("dev/corpus.jsonl").read_text() == (
        '{"_id": "0", "title": "", "text": "x is a letter"}\n'
        '{"_id": "1", "title": "", "text": "\\"y is too"}\n'
        '{"_id": "2", "title": "", "text": "z, \\"last\\""}\n'
    )
    assert Path("dev/queries.jsonl").read_text() == (
        '{"_id": "1", "text": "what is x"}\n{"_id": "2", "text": "who is \'y\\" or \\"z"}\n'
    )
    # What ir_measures reads of the source is what our loader reads of the collection.
    independent: dict[str, dict[str, int]] = {}
    for each in _ir_measures.read_trec_qrels("msmarco/qrels.dev.small.tsv"):
        independent.setdefault(each.query_id, {})[each.doc_id] = each.relevance
    loaded = naming.open_collection("dev")
    assert (loaded.split, loaded.qrels()) == ("dev.small", independent)
    assert "queries without a judgment, left out: 1 (first: 3)" in done.err
    assert "judged documents that the corpus has not: 1 (first: 9)" in done.err


def test_files_by_name_in_any_order_and_by_option(command: Command) -> None:
    _write_msmarco(Path("m"))
    Path("m/qrels.dev.small.tsv").rename("m/judged.txt")
    Path("m/judged.txt").write_text("1 0 1\n2 2 1\n")
    files = ("m/collection.tsv", "m/queries.dev.small.tsv", "--qrels", "m/judged.txt")
    done = command("convert", *files, "-o", "out", "--yes")
    assert done.code == 0, done.err
    loaded = naming.open_collection("out")
    assert loaded.qrels() == {"1": {"0": 1}, "2": {"2": 1}}


def _write_hugging_face(folder: Path) -> None:
    _write_lines(
        f"{folder}/corpus.jsonl",
        {"_id": "d1", "title": "T", "text": "one"},
        {"_id": "d2", "title": "", "text": " two "},
    )
    _write_lines(f"{folder}/queries.jsonl", {"_id": "q1", "text": "eins"})
    for split, grade in (("test", 2), ("train", 1)):
        judgment = {"query-id": "q1", "corpus-id": "d1", "score": grade}
        _write_lines(f"{folder}/qrels/{split}.jsonl", judgment)


def test_a_data_set_in_json_lines(command: Command) -> None:
    _write_hugging_face(Path("hf"))
    assert command("convert", "hf", "--yes").code == 0
    loaded = naming.open_collection("hf-collection")
    assert loaded.qrels() == {"q1": {"d1": 2}}
    assert [each.text for each in loaded.documents()] == ["one", " two "]
    assert command("convert", "hf", "-o", "train", "--split", "train", "--yes").code == 0
    assert naming.open_collection("train").qrels() == {"q1": {"d1": 1}}


def test_another_key_for_the_text_is_guessed(command: Command) -> None:
    _write_hugging_face(Path("hf"))
    Path("hf/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    for name in ("test", "train"):
        Path(f"hf/qrels/{name}.jsonl").unlink()
    done = command("convert", "hf", "--yes")
    assert done.code == 2
    assert "is a collection already; rerankbench run -d hf" in done.err
    _write_lines("hf/corpus.jsonl", {"_id": "d2", "contents": "two"})
    assert command("convert", "hf", "--yes").code == 0
    assert _texts("hf-collection") == {"eins": {"two": 1}}


@pytest.mark.parametrize("key", ["contents", "body", "passage", "_text", "document"])
def test_what_a_run_refuses_for_its_key_is_converted_by_the_line_it_says(
    command: Command, key: str
) -> None:
    _write_lines("keys/corpus.jsonl", {"_id": "d1", "title": "T", key: "the moon pulls"})
    _write_lines("keys/queries.jsonl", {"_id": "q1", "text": "moon"})
    Path("keys/qrels").mkdir()
    Path("keys/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    done = command("run", "-d", "keys", "-m", "bm25", "--no-speed")
    assert done.code != 0
    (line,) = re.findall(r"or: rerankbench (convert keys)$", done.err, re.M)
    assert command(*line.split(), "--yes").code == 0
    assert _texts("keys-collection") == {"moon": {"the moon pulls": 1}}


def test_parquet_of_rows_and_of_a_data_set(command: Command) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = {key: [row[key] for row in MTEB] for key in ("query", "positive", "negative")}
    parquet.write_table(arrow.table({**rows, "v": [[0.5]] * 3}), "mteb.parquet", row_group_size=1)
    assert command("convert", "mteb.parquet", "--yes").code == 0
    assert _texts("mteb") == OF_MTEB
    for part, table in {
        "corpus/corpus-00000-of-00002": {"_id": [1], "title": ["T"], "text": ["one"]},
        "corpus/corpus-00001-of-00002": {"_id": [2], "title": [None], "text": ["two"]},
        "queries/queries-00000-of-00001": {"_id": ["q"], "text": ["eins"]},
        "data/test-00000-of-00001": {"query-id": ["q"], "corpus-id": [1], "score": [1.0]},
        "top_ranked/test-00000-of-00001": {"query-id": ["q"], "corpus-ids": [[1, 2]]},
    }.items():
        Path("hf", part).parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(arrow.table(table), f"hf/{part}.parquet")
    done = command("convert", "hf", "-o", "out", "--yes")
    assert done.code == 0, done.err
    assert _texts("out") == {"eins": {"one": 1}}
    assert sorted(_candidates("out")["q"]) == ["1", "2"]


@pytest.mark.parametrize("form", ["jsonl", "parquet", "tsv"])
def test_a_whole_collection_there_and_back_is_the_same(command: Command, form: str) -> None:
    """By the content hashes that records hold, so that results before and after are comparable."""
    before = naming.open_collection("demo")
    corpus = [{"_id": d.doc_id, "title": d.title, "text": d.text} for d in before.documents()]
    queries = [{"_id": q.query_id, "text": q.text} for q in before.queries()]
    qrels = [
        {"query-id": query_id, "corpus-id": doc_id, "score": grade}
        for query_id, grades in before.qrels().items()
        for doc_id, grade in grades.items()
    ]
    for part, entries in (("corpus", corpus), ("queries", queries), ("qrels", qrels)):
        if form == "jsonl":
            _write_lines(f"source/{part}/test.jsonl", *entries)
        elif form == "tsv":
            path = Path("source", f"{part}.tsv")
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join("\t".join(map(str, e.values())) + "\n" for e in entries))
        else:
            arrow, parquet = map(pytest.importorskip, ("pyarrow", "pyarrow.parquet"))
            Path("source", part).mkdir(parents=True)
            table = arrow.Table.from_pylist(entries)
            parquet.write_table(table, f"source/{part}/test-00000-of-00001.parquet")
    done = command("convert", "source", "-o", "back", "--yes")
    assert done.code == 0, done.err
    assert naming.open_collection("back").hashes() == before.hashes()


def test_without_pyarrow_it_is_said_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = command("convert", "rows.parquet", "--yes")
    _refused(done, r"only pyarrow reads; pip install 'rerankbench\[parquet\]'", "rows.parquet")


def test_what_is_no_parquet(command: Command) -> None:
    pytest.importorskip("pyarrow")
    Path("rows.parquet").write_bytes(b"query,passage,label\n")
    _refused(command("convert", "rows.parquet"), "cannot be read as parquet", "rows.parquet")


def test_labels_that_are_fractions_need_a_threshold(command: Command) -> None:
    rows = ((RESET, SETTINGS, 0.9), (RESET, PHONE, 0.5), (RESET, BILLING, 0.1))
    _write_csv("f.csv", ("query", "passage", "score"), *rows)
    done = command("convert", "f.csv", "--yes")
    _refused(done, r"f\.csv:2: label '0\.9' is no whole number; --threshold 0\.5", "f.csv")
    assert command("convert", "f.csv", "--threshold", 0.5, "--yes").code == 0
    assert _texts("f") == {RESET: {SETTINGS: 1, PHONE: 1, BILLING: 0}}


def test_words_have_the_grade_that_is_said(command: Command) -> None:
    rows = ((RESET, SETTINGS, "Exact"), (RESET, PHONE, "not relevant"), (RESET, BILLING, "TRUE"))
    _write_csv("w.csv", ("query", "passage", "label"), *rows)
    _refused(command("convert", "w.csv"), "label 'Exact' is no number.*--grade 'Exact=1'", "w.csv")
    assert command("convert", "w.csv", "--grade", "exact=3", "--yes").code == 0
    assert _texts("w") == {RESET: {SETTINGS: 3, PHONE: 0, BILLING: 1}}


def test_several_files_of_rows_are_one(command: Command) -> None:
    heading = ("query", "passage", "label")
    _write_csv("a.csv", heading, (RESET, SETTINGS, 1))
    _write_csv("b.csv", heading, (RESET, SETTINGS, 1), (INVOICE, BILLING, 1))
    assert command("convert", "a.csv", "b.csv", "-o", "both", "--yes").code == 0
    assert _texts("both") == {RESET: {SETTINGS: 1}, INVOICE: {BILLING: 1}}
    _write_csv("c.csv", ("query", "text", "label"), (RESET, SETTINGS, 1))
    assert "c.csv: has other columns than a.csv" in command("convert", "a.csv", "c.csv").err


GOOD = "query,passage,label\nq,p,1\nq,n,0\n"


def test_nothing_is_written_unless_somebody_says_so(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.csv").write_text(GOOD)
    done = command("convert", "a.csv")
    _refused(done, "there is nobody to ask; nothing was written: add --yes", "a.csv")
    assert "1 query, 2 documents, 2 judgments: 1 relevant, 1 not" in done.err
    monkeypatch.setattr("sys.stdin", _Terminal("n\n"))
    done = command("convert", "a.csv", "-o", "deep/er")
    assert "Write deep/er? [Y/n]" in done.err
    assert (done.code, _files(), Path("deep").exists()) == (2, ["a.csv"], False)
    monkeypatch.setattr("sys.stdin", _Terminal("\n"))
    assert command("convert", "a.csv").code == 0
    assert _texts("a") == {"q": {"p": 1, "n": 0}}


def test_a_collection_is_replaced_only_by_force_and_as_a_whole(command: Command) -> None:
    Path("a.csv").write_text(GOOD)
    assert command("convert", "a.csv", "--yes").code == 0
    before = _files()
    Path("a.csv").write_text("query,passage\nother,text\n")
    done = command("convert", "a.csv", "--yes")
    assert done.code == 2
    assert "a: is there already; name another folder (-o FOLDER), or --force" in done.err
    assert _texts("a") == {"q": {"p": 1, "n": 0}}
    assert command("convert", "a.csv", "--yes", "--force").code == 0
    assert _texts("a") == {"other": {"text": 1}}
    # No candidates are left of the one before.
    assert _files() == [path for path in before if "candidates" not in path]
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def test_force_removes_nothing_that_is_not_of_a_collection(command: Command) -> None:
    Path("a.csv").write_text(GOOD)
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    done = command("convert", "a.csv", "-o", "mine", "--yes", "--force")
    assert done.code == 2
    assert "--force would remove 'thesis.txt'" in done.err
    done = command("convert", "a.csv", "-o", ".", "--yes", "--force")
    assert done.code == 2
    assert "--force would remove 'a.csv'" in done.err
    assert _files() == ["a.csv", "mine/thesis.txt"]


def test_a_source_is_not_replaced_by_what_is_made_of_it(command: Command) -> None:
    _write_hugging_face(Path("hf"))
    before = {path: Path(path).read_bytes() for path in _files()}
    done = command("convert", "hf", "-o", "hf", "--yes", "--force")
    assert done.code == 2
    assert {path: Path(path).read_bytes() for path in _files()} == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "is empty"),
        ("query,passage,label\n", "no row gives a judgment"),
        ("query,passage,label\nq,p,0\n", "no document is relevant to any query"),
        ("query,passage,label\nq,p,1,more\n", r"a\.csv:2: 4 fields instead of 3"),
        ('query,passage,label\n\nq,"p\np\n",1\nq,1\n', r"a\.csv:6: 2 fields instead of 3"),
        ('query,passage,label\nq,"p,1\nq,p,1\n', r"a\.csv:2: the quotation marks.*--no-quotes"),
        ('query,passage,label\nq,"p"p,1\n', r"a\.csv:2: the quotation marks of this row"),
        ("query,passage,label\rq,p,1\r", "has line ends of old Macs"),
        ("query,passage,query\nq,p,1\n", "two columns are called 'query'"),
        ("frage,passage,label\nq,p,1\n", r"holds the query \(there are: frage, passage, label\)"),
        ("query,absatz,label\nq,p,1\n", r"holds the documents .* name it: --document COLUMN"),
        ("query,passage,label\nq,p,maybe\n", r"a\.csv:2: label 'maybe' is no number"),
        ("query,passage,label\nq,p,inf\n", "is no number"),
        ("query,passage,label\nq,p,99999999999\n", "beyond what can be counted"),
        ("query,passage,label,doc_id\nq,p,1,a b\n", r"'doc_id': the id 'a b' has white space"),
        ("query,text,label,pid\nq,p,1,7\nq,o,0,7\n", "document id '7' stands for another text"),
        ("query,text,label,qid\nq,p,1,7\no,p,0,7\n", "query id '7' stands for another text"),
        ("query,positive,negative\nq,\"['a', 'b']\",n\n", "a list that was written as one text"),
    ],
)
def test_each_mistake_is_one_line(command: Command, body: str, message: str) -> None:
    Path("a.csv").write_text(body)
    _refused(command("convert", "a.csv", "-o", "new/out", "--yes"), message, "a.csv")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"query": "q", "passage": "p", "label": 1}\nno\n', r"a\.jsonl:2: is not JSON"),
        ('["q"]\n["q"]\n', "is not JSON"),
        ('["q"]', "holds a str, not an object"),
        ("7\n", "holds a int, not an object"),
        ('{"query": 7, "passage": "p", "label": 1}', "'query' is a number, not a text"),
        ('{"query": "q", "passage": "p", "gold": 0.3}', "'gold' looks like labels .0.3.*none"),
        ('{"query": "q", "passage": ["p"], "label": 1}', "is none of that length"),
        ('{"query": "q", "passage": ["p"], "label": [1, 0]}', "is none of that length"),
        ('{"query": ["q"], "passage": "p", "label": 1}', "'query' is a list of texts"),
        ('{"query": "q", "positive": [{"x": "p"}]}', "holds objects without a text"),
        ('{"query": "q", "passage": "p", "label": [1]}', "the label is no number and no word"),
        ('{"query": "q", "passage": "p", "label": 1, "qid": true}', "a truth value, not an id"),
    ],
)
def test_each_mistake_in_json_is_one_line(command: Command, body: str, message: str) -> None:
    Path("a.jsonl").write_text(body)
    _refused(command("convert", "a.jsonl", "--yes"), message, "a.jsonl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a file or a folder"),
        (("none.csv",), r"none\.csv: no such file or folder"),
        (("a.csv", "--query", "qury"), "--query qury: no such column; did you mean 'query'"),
        (("a.csv", "--query", "none"), "no column's name says that it holds the query"),
        (("a.csv", "--grade", "x"), "expected WORD=GRADE"),
        (("a.csv", "--threshold", "nan"), "threshold"),
        (("a.csv", "--qrels", "a.csv"), "which part is it"),
        (("a.csv", "-o", "a.csv"), "is a file; name another folder"),
        (("a.csv", "-o", "a.csv/x"), "a.csv/x: cannot be made there .*; name another folder"),
        (("a.csv", "-o", "/proc/x"), "cannot be made there"),
        (("a.csv", "-o", "loop"), "is a link in a circle"),
        (("a.csv", "--query", "passage", "--document", "passage"), "is named for two things"),
        (("folder",), "is not a file of rows, or a folder with"),
        (("folder", "a.csv"), "is a folder; name one folder, or files"),
        (("a.csv", "--split", "../x"), "expected a name such as test"),
        (("a.xlsx",), "save the sheet as CSV"),
        (("a.csv", "--positive", "passage", "--negative", "label", "--title", "label"), "one doc"),
    ],
)
def test_what_cannot_be_asked(command: Command, arguments: tuple[str, ...], message: str) -> None:
    Path("a.csv").write_text(GOOD)
    Path("a.xlsx").write_bytes(b"PK")
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    done = command("convert", *arguments, "--yes")
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert _files() == ["a.csv", "a.xlsx"]


@pytest.mark.parametrize(
    ("file", "body", "message"),
    [
        ("qrels.dev.small.tsv", "1\t0\t0\n7\t0\n", r"qrels.*:2: 2 fields instead of 3"),
        ("qrels.dev.small.tsv", "1\t0\n", "2 columns and no heading that names the qrels"),
        ("qrels.dev.small.tsv", "1\t0\t0\tx\n", r"qrels.*:1: label 'x' is no number"),
        ("qrels.dev.small.tsv", "8\t0\t0\t1\n", "queries.* holds none of those that qrels"),
        ("qrels.dev.small.tsv", "1\t0\t8\t1\n", "collection.tsv: holds none of those"),
        ("queries.dev.small.tsv", "1\ta\n1\tb\n", r"queries.*:2: query id '1' occurs twice"),
        ("collection.tsv", "0\ta\n1\tb\n0\tb\n", r"collection.*:3: document id '0' occurs twice"),
        ("collection.tsv", "0 1\ta\n", r"collection.*:1: 'id': the id '0 1' has white space"),
        ("queries.dev.tsv", "1\ta\n", ""),
        ("qrels.train.tsv", "1\t0\t0\t1\n", "several splits; name one: --split NAME"),
    ],
)
def test_each_mistake_in_parts_is_one_line(
    command: Command, file: str, body: str, message: str
) -> None:
    _write_msmarco(Path("m"))
    Path("m", file).write_text(body)
    before = [str(path) for path in Path().rglob("*")]
    done = command("convert", "m", "-o", "out", "--yes")
    if message:
        _refused(done, message, *before)
    else:
        assert done.code == 0, done.err


def test_a_run_on_what_is_no_collection_says_the_line_to_type(command: Command) -> None:
    Path("it's.csv").write_text(GOOD)
    Path("plain.csv").write_text(GOOD)
    _write_msmarco(Path("m"))
    _write_lines("rerank/test.jsonl.gz", *MTEB)
    for name, line in {
        "plain.csv": "rerankbench convert plain.csv",
        "it's.csv": "rerankbench convert 'it'\"'\"'s.csv'",
        str(Path("plain.csv").absolute()): f"rerankbench convert {Path('plain.csv').absolute()}",
        "m": "rerankbench convert m",
        "rerank": "rerankbench convert rerank",
    }.items():
        done = command("run", "-d", name, "-m", "bm25")
        assert done.code == 2
        assert done.err.endswith(f"make a collection of it: {line}\n"), done.err
    # What the line makes can be run.
    assert command("convert", "m", "-o", "c", "--yes").code == 0
    assert command("run", "-d", "c", "-m", "bm25", "--no-speed").code == 0


def test_rows_in_the_place_of_a_config_too(command: Command) -> None:
    Path("plain.csv").write_text(GOOD)
    done = command("run", "plain.csv")
    assert done.code == 2
    line = "plain.csv: is no config; make a collection of it: rerankbench convert plain.csv"
    assert done.err == f"error: {line}\n"
    Path("config.json").write_text('{"datasets": ["demo"], "models": ["bm25"], "zzz": 1}')
    assert "zzz" in command("run", "config.json").err  # JSON is YAML, and read as a config.


def test_a_folder_of_ours_with_a_part_missing_is_not_sent_to_convert(command: Command) -> None:
    _write_hugging_face(Path("hf"))
    for path in Path("hf/qrels").iterdir():
        path.unlink()
    done = command("run", "-d", "hf", "-m", "bm25")
    assert done.code == 2
    assert "has no qrels/*.tsv; a BEIR folder has" in done.err


def test_a_folder_called_as_a_collection_of_ours_is_shown_as_a_path(command: Command) -> None:
    Path("demo.csv").write_text(GOOD)
    done = command("convert", "demo.csv", "--yes")
    assert "rerankbench run -d ./demo -m MODEL" in done.err


def test_texts_cannot_drive_the_terminal_and_wide_ones_fit(command: Command) -> None:
    _write_csv("a.csv", ("query", "passage", "label"), ("\x1b[31mred", "漢" * 90, 1))
    done = command("convert", "a.csv", "--yes")
    assert "\x1b" not in done.err
    assert "\\x1b[31mred" in done.err
    assert _texts("a") == {"\x1b[31mred": {"漢" * 90: 1}}
