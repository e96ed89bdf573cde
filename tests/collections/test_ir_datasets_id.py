"""Ids of ir_datasets: names, splits, content equal to folders, failures in one line, silence."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rerankbench.collections import beir_folder, ir_datasets_source
from rerankbench.collections import ir_datasets_source as source
from rerankbench.collections.ir_datasets_id import (
    IrDatasetsCollection,
    name_of,
    open_collection,
    split_of,
)
from rerankbench.errors import InputError, UsageError
from rerankbench.known import collections, metric_name
from rerankbench.protocols import Collection

WriteFolder = Callable[..., Path]
ZipFolder = Callable[[Path, str], None]

CORPUS = (
    '{"_id": "d1", "title": "Tides", "text": " The moon  pulls."}\n'
    '{"_id": "d2", "title": "", "text": "é 🙂 \\ud83d"}\n'
    '{"_id": "d3", "title": "Only a title", "text": ""}\n'
)
QUERIES = '{"_id": "q2", "text": "moon"}\n{"_id": "q1", "text": "é"}\n{"_id": "q0", "text": "-"}\n'
SPLITS = {
    "test": "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq2\td9\t1\n",
    "train": "query-id\tcorpus-id\tscore\nq0\td3\t1\n",
}


@pytest.fixture
def scifact(write_folder: WriteFolder, zip_folder: ZipFolder) -> Path:
    """A folder that ir_datasets has as beir/scifact."""
    folder = write_folder("scifact", corpus=CORPUS, queries=QUERIES, splits=SPLITS)
    zip_folder(folder, "scifact")
    return folder


def assert_same(collection: Collection, other: Collection) -> None:
    assert (collection.name, collection.split) == (other.name, other.split)
    assert collection.hashes() == other.hashes()
    assert list(collection.documents()) == list(other.documents())
    assert list(collection.queries()) == list(other.queries())
    assert collection.qrels() == other.qrels()
    assert collection.warnings() == other.warnings()
    assert collection.document_count() == other.document_count()
    judged = {doc_id for grades in other.qrels().values() for doc_id in grades}
    assert collection.lookup(judged) == other.lookup(judged)


@pytest.mark.parametrize("split", ["test", "train"])
def test_an_id_is_the_same_collection_as_its_folder(scifact: Path, split: str) -> None:
    by_id = open_collection(f"beir/scifact/{split}", None)
    assert by_id.source == f"beir/scifact/{split}"
    assert_same(by_id, beir_folder.open_collection(str(scifact), split))


def test_the_real_scifact_is_the_same_from_both(shared: Path, irds_home: Path) -> None:
    shutil.copytree(shared / "ir_datasets_home", irds_home)
    assert_same(
        open_collection("beir/scifact/test", None),
        beir_folder.open_collection(str(shared / "collections" / "scifact"), None),
    )


def test_a_prefix_and_a_split_make_an_id(scifact: Path) -> None:
    assert open_collection("beir/scifact", "train").source == "beir/scifact/train"
    assert open_collection("beir/scifact/test", "test").source == "beir/scifact/test"
    assert open_collection("SciFact", None).source == "beir/scifact/test"
    assert open_collection("beir/nq", "test").source == "beir/nq"


@pytest.mark.parametrize(
    ("spec", "split", "message"),
    [
        ("beir/scifat/test", None, "no ir_datasets id 'beir/scifat/test'; nearest: beir/scifact"),
        ("beir/cqadupstack/", None, "no ir_datasets id"),
        ("qqqqqqq", None, "`rerankbench datasets` lists the well-known ones"),
        ("beir/scifact", None, "no judgments of its own; .*beir/scifact/test, beir/scifact/train"),
        ("beir", None, "no documents or queries or judgments of its own; .* and 35 more"),
        ("msmarco-passage/eval", None, "has no judgments of its own; name another id"),
        ("vaswani/queries", None, "no ir_datasets id"),
        ("beir/scifact", "dev", "'beir/scifact' has no split 'dev'; name one of: beir/scifact/t"),
        ("beir/scifact/test", "train", "has no split 'train'; .*beir/scifact/train"),
        ("beir/nq", "dev", "'beir/nq' has no split 'dev'; leave the split out"),
        ("CQADupStack", None, "is several collections; name one of: beir/cqadupstack/android"),
        ("bioasq", None, "Needs a registration with BioASQ"),
        ("wapo/v2/trec-news-2019", None, "the queries of .* have no text, only query_id, doc_id"),
        ("codesearchnet/test", None, "the documents of .* have no text, only doc_id, repo"),
    ],
)
@pytest.mark.usefixtures("irds_home")
def test_an_id_that_cannot_be_names_those_that_can(
    spec: str, split: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_collection(spec, split)


@pytest.mark.parametrize(
    ("dataset_id", "name", "split"),
    [
        ("beir/scifact/test", "scifact", "test"),
        ("beir/scifact/train", "scifact", "train"),
        ("beir/nq", "nq", "test"),
        ("beir/msmarco/dev", "msmarco", "dev"),
        ("beir/msmarco/test", "msmarco", "test"),
        ("beir/cqadupstack/gis", "cqadupstack-gis", "test"),
        ("beir/webis-touche2020/v2", "webis-touche2020", "test"),
        ("beir/webis-touche2020", "beir-webis-touche2020", "test"),
        ("nano-beir/nq", "nano-beir-nq", "test"),
        ("msmarco-passage/dev/small", "msmarco-passage-dev-small", "dev"),
        ("msmarco-passage/trec-dl-2019", "msmarco-passage-trec-dl-2019", "test"),
        ("disks45/nocr/trec-robust-2004", "robust04", "test"),
    ],
)
def test_names_and_splits_of_ids(dataset_id: str, name: str, split: str) -> None:
    assert (name_of(dataset_id), split_of(dataset_id)) == (name, split)


def test_identical_ids_are_dropped_where_the_collection_asks_for_it(irds_home: Path) -> None:
    assert open_collection("beir/arguana", None).drops_identical_ids
    assert open_collection("beir/quora/dev", None).drops_identical_ids
    assert open_collection("nano-beir/arguana", None).drops_identical_ids
    assert not open_collection("nano-beir/scifact", None).drops_identical_ids
    assert not open_collection("beir/scifact/test", None).drops_identical_ids


def test_levels_of_relevance_are_those_of_ir_datasets_official_measures(irds_home: Path) -> None:
    package = source.import_package()
    official = {
        dataset_id: max((metric_name.level(one) for one in measures), default=1)
        for dataset_id in package.registry
        if dataset_id.startswith(("msmarco", "beir/", "nano-beir/", "trec-", "cord19", "vaswani"))
        and (measures := _official_measures(package.load(dataset_id)))
    }
    assert sum(level == 2 for level in official.values()) >= 20
    found = {each: collections.relevance_level(name_of(each), split_of(each)) for each in official}
    # TREC DL's later years say no level there; its overviews do.
    unsaid = {each for each in official if found[each] == 2 and official[each] == 1}
    assert all("/trec-dl-20" in each for each in unsaid), unsaid
    assert {**found, **dict.fromkeys(unsaid, 1)} == official


def _official_measures(dataset: Any) -> list[str]:
    documentation = dataset.documentation() if hasattr(dataset, "documentation") else {}
    return [str(each) for each in documentation.get("official_measures", [])]


def test_trec_dl_2019_under_its_beir_name_has_its_level(irds_home: Path) -> None:
    assert open_collection("beir/msmarco/test", None).relevance_level == 2
    assert open_collection("beir/msmarco/dev", None).relevance_level == 1


def test_a_second_run_does_not_read_the_corpus_again(
    scifact: Path, irds_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[str] = []
    original = IrDatasetsCollection._read_documents

    def counting(self: IrDatasetsCollection) -> Any:
        readings.append(self.source)
        return original(self)

    monkeypatch.setattr(IrDatasetsCollection, "_read_documents", counting)
    first = open_collection("beir/scifact/test", None)
    assert first.document_count() == 5183, "ir_datasets knows it, nothing was read yet"
    hashes = first.hashes()
    second = open_collection("beir/scifact/test", None)
    assert second.hashes() == hashes
    assert second.warnings() == first.warnings()
    assert (len(readings), second.document_count()) == (1, 3)
    (irds_home / "beir" / "scifact" / "source.zip").touch()
    open_collection("beir/scifact/test", None).hashes()
    assert len(readings) == 2


def test_what_cannot_be_fetched_is_told_in_one_line(
    irds_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("requests.get", refuse)
    collection = open_collection("beir/fiqa/test", None)
    with pytest.raises(InputError) as caught:
        collection.hashes()
    message = str(caught.value)
    assert message.startswith("beir/fiqa/test: the judgments cannot be fetched or read")
    assert "no route to host" in message and "IR_DATASETS_HOME" in message
    assert "\n" not in message and caught.value.exit_code == 2
    with pytest.raises(InputError, match="Needs an agreement with NIST"):
        open_collection("Robust04", None).hashes()


@pytest.mark.parametrize(
    ("part", "what"), [("corpus", "documents"), ("queries", "queries"), ("splits", "judgments")]
)
def test_damaged_data_is_told_in_one_line(
    write_folder: WriteFolder, zip_folder: ZipFolder, part: str, what: str
) -> None:
    bad = {"test": "no header\n", "train": ""} if part == "splits" else '{"_id": "a", "te'
    parts = {"corpus": CORPUS, "queries": QUERIES, "splits": SPLITS, part: bad}
    zip_folder(write_folder("scifact", **parts), "scifact")
    with pytest.raises(InputError, match=f"beir/scifact/test: the {what} cannot be fetched"):
        open_collection("beir/scifact/test", None).hashes()


def test_a_missing_package_is_told_in_one_line() -> None:
    def start() -> list[str]:
        raise ImportError("This dataset requires pyarrow.")

    with pytest.raises(InputError, match=r"requires pyarrow.*; install the package that it names"):
        list(ir_datasets_source.iterate("nano-beir/nq", "documents", start))


def test_a_damaged_archive_is_told_in_one_line(irds_home: Path) -> None:
    archive = irds_home / "beir" / "scifact" / "source.zip"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"not a zip file")
    with pytest.raises(InputError, match="BadZipFile"):
        open_collection("beir/scifact/test", None).hashes()


@pytest.mark.parametrize(
    ("part", "body", "message"),
    [
        (
            "corpus",
            CORPUS + '{"_id": "d1", "title": "", "text": ""}\n',
            "document id 'd1' occurs t",
        ),
        ("corpus", '{"_id": "d 1", "title": "", "text": ""}\n', "document: the id 'd 1' has w"),
        ("queries", QUERIES + '{"_id": "q1", "text": ""}\n', "query id 'q1' occurs twice"),
        ("splits", {**SPLITS, "test": "query-id\tcorpus-id\tscore\n"}, "has no judgments"),
        ("queries", '{"_id": "q7", "text": "x"}\n', "has none of the queries"),
    ],
)
def test_strictness_is_that_of_folders(
    write_folder: WriteFolder, zip_folder: ZipFolder, part: str, body: Any, message: str
) -> None:
    parts = {"corpus": CORPUS, "queries": QUERIES, "splits": SPLITS, part: body}
    zip_folder(write_folder("scifact", **parts), "scifact")
    with pytest.raises(InputError, match=message):
        open_collection("beir/scifact/test", None).hashes()


def test_judgments_that_contradict_each_other_are_counted(
    write_folder: WriteFolder, zip_folder: ZipFolder
) -> None:
    splits = {**SPLITS, "test": SPLITS["test"] + "q1\td1\t2\n"}
    zip_folder(write_folder("scifact", corpus=CORPUS, queries=QUERIES, splits=splits), "scifact")
    collection = open_collection("beir/scifact/test", None)
    assert collection.qrels()["q1"] == {"d1": 2}
    assert collection.warnings() == (
        "1 judgments contradict an earlier one, the last counts (first: 'q1 d1')",
    )


def test_nothing_reaches_stderr_but_the_log_has_it(
    scifact: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="ir_datasets"):
        open_collection("beir/scifact/test", None).hashes()
    assert capfd.readouterr() == ("", "")
    assert "building docstore" in caplog.text


def test_a_home_that_cannot_be_made_is_told_in_one_line(
    irds_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InputError, match="set IR_DATASETS_HOME to a folder that can be written"):
        open_collection("beir/scifact/test", None)


class Titled(NamedTuple):
    title: str
    text: str

    def default_text(self) -> str:
        return f"{self.title} {self.text}"


class Body(NamedTuple):
    title: str
    body: str

    def default_text(self) -> str:
        return f"{self.title} {self.body}"


class Headed(NamedTuple):
    title: str
    headings: str
    body: str

    def default_text(self) -> str:
        return f"{self.title} {self.headings} {self.body}"


class Page(NamedTuple):
    body: bytes

    def default_text(self) -> str:
        return self.body.decode()


class Topic(NamedTuple):
    title: str
    description: str

    def default_text(self) -> str:
        return self.title


class Bare(NamedTuple):
    text: str


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Titled("A", "b "), ("A", "b ")),
        (Titled("", "b"), ("", "b")),
        (Titled("A", ""), ("A", "")),
        (Body("A", "b"), ("A", "b")),
        (Headed("A", "h", "b"), ("", "A h b")),
        (Page(b"b"), ("", "b")),
        (Topic("t", "d"), ("", "t")),
        (Bare("b"), ("", "b")),
    ],
)
def test_title_and_text_of_any_class(item: Any, expected: tuple[str, str]) -> None:
    assert ir_datasets_source.mapped(item) == expected
