"""Whatever is wrong with a file: one line names it and the remedy, and nothing is left behind."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rerankbench import cli
from rerankbench.results import store
from rerankbench.results.tasks import read_task

from . import tiny

Say = Callable[..., tuple[int, list[str]]]
Break = Callable[[Path], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good collection for the test to break."""
    return tiny.write_collection(tmp_path / "small", queries=3, documents=15)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, results: Path) -> Say:
    """Runs `rerankbench run` on arguments of the test; exit code and lines on stderr."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*arguments: object) -> tuple[int, list[str]]:
        options = ("--no-speed", "--device", "cpu", "-o", results, "-q")
        code = cli._run(["run", *map(str, (*arguments, *options))])
        return code, capsys.readouterr().err.splitlines()

    return run


def _refused(answer: tuple[int, list[str]], results: Path, *parts: object) -> None:
    """Exit code 2, one line with all the parts and a remedy, and no results."""
    code, lines = answer
    assert code == 2
    (line,) = lines
    assert line.startswith("error: ")
    for part in parts:
        assert str(part) in line
    assert "; " in line, "no remedy"
    assert not results.exists()


def _append(name: str, body: bytes) -> Break:
    def change(folder: Path) -> None:
        with (folder / name).open("ab") as handle:
            handle.write(body)

    return change


def _replace(name: str, body: bytes) -> Break:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(body)

    return change


def _remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def _cut_off(name: str) -> Break:
    def change(folder: Path) -> None:
        body = (folder / name).read_bytes()
        (folder / name).write_bytes(body[: len(body) - 20])

    return change


def _cut_off_gzip(folder: Path) -> None:
    body = gzip.compress((folder / "corpus.jsonl").read_bytes())
    (folder / "corpus.jsonl").write_bytes(body[:-30])


BROKEN: dict[str, tuple[Break, Sequence[str]]] = {
    "no corpus": (_remove("corpus.jsonl"), ["has no corpus.jsonl"]),
    "no queries": (_remove("queries.jsonl"), ["has no queries.jsonl"]),
    "no qrels": (_remove("qrels/test.tsv"), ["has no qrels/*.tsv"]),
    "truncated corpus": (_cut_off("corpus.jsonl"), ["corpus.jsonl:15: ", "cut off", "again"]),
    "truncated queries": (_cut_off("queries.jsonl"), ["queries.jsonl:3: ", "cut off"]),
    "truncated gzip": (_cut_off_gzip, ["corpus.jsonl:", "gzip stream is broken", "again"]),
    "binary corpus": (_replace("corpus.jsonl", bytes(range(256))), ["corpus.jsonl:1: "]),
    "NUL bytes": (_append("corpus.jsonl", b"\0\0\0\n"), ["corpus.jsonl:16: ", "NUL bytes"]),
    "no JSON": (_append("corpus.jsonl", b"title,text\n"), ["corpus.jsonl:16: is not JSON"]),
    "a list": (_append("corpus.jsonl", b"[1]\n"), ["corpus.jsonl:16: ", "not an object"]),
    "no id": (_append("corpus.jsonl", b'{"text": "x"}\n'), ['corpus.jsonl:16: has no "_id"']),
    "id with blanks": (_append("queries.jsonl", b'{"_id": "q 9"}\n'), ["queries.jsonl:4: "]),
    "text is a number": (_append("corpus.jsonl", b'{"_id": "x", "text": 1}\n'), [":16: "]),
    "document twice": (
        _append("corpus.jsonl", b'{"_id": "d3", "text": "x"}\n'),
        ["corpus.jsonl:16: document id 'd3' is already on line 4", "unique"],
    ),
    "query twice": (
        _append("queries.jsonl", b'{"_id": "q1", "text": "x"}\n'),
        ["queries.jsonl:4: query id 'q1' is already on line 2"],
    ),
    "not UTF-8": (
        _append("corpus.jsonl", '{"_id": "x", "text": "café"}\n'.encode("latin-1")),
        ["corpus.jsonl:16: ", "is not UTF-8", "convert the file to UTF-8"],
    ),
    "empty corpus": (_replace("corpus.jsonl", b""), ["corpus.jsonl: has no documents"]),
    "empty queries": (_replace("queries.jsonl", b""), ["queries.jsonl: has none of the quer"]),
    "empty qrels": (_replace("qrels/test.tsv", b""), ["test.tsv: has no judgments"]),
    "header only": (_replace("qrels/test.tsv", b"query-id\tcorpus-id\tscore\n"), ["test.tsv: "]),
    "grade": (_append("qrels/test.tsv", b"q1\td1\tgood\n"), ["test.tsv:11: grade 'good' is not"]),
    "two fields": (_append("qrels/test.tsv", b"q1\td1\n"), ["test.tsv:11: 2 fields"]),
    "two grades": (
        _append("qrels/test.tsv", b"q1\tdx\t1\nq1\tdx\t2\n"),
        ["test.tsv:12: document 'dx' has two grades for query 'q1'"],
    ),
    "strangers": (
        _replace("qrels/test.tsv", b"nobody\td1\t1\n"),
        ["queries.jsonl: has none of the queries", "test.tsv judges"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_collection_is_one_line(say: Say, folder: Path, results: Path, name: str) -> None:
    change, parts = BROKEN[name]
    change(folder)
    _refused(say("-d", folder, "-m", "random"), results, folder, *parts)


def test_a_collection_that_is_not_there(say: Say, tmp_path: Path, results: Path) -> None:
    _refused(say("-d", tmp_path / "gone", "-m", "random"), results, "gone", "no such folder")


def test_a_split_that_is_not_there(say: Say, folder: Path, results: Path) -> None:
    answer = say("-d", folder, "-m", "random", "--split", "dev")
    _refused(answer, results, "no split 'dev'", "there is: test")


RUNS: dict[str, tuple[bytes, str]] = {
    "NaN": (b"q0 Q0 d1 1 nan t\n", "run.trec:1: score is nan"),
    "infinity": (b"q0 Q0 d0 1 1.0 t\nq0 Q0 d1 1 inf t\n", "run.trec:2: score is inf"),
    "a word": (b"q0 Q0 d1 1 high t\n", "run.trec:1: score 'high' is not a number"),
    "fields": (b"q0 d1 1\n", "run.trec:1: 3 fields instead of 6"),
    "twice": (
        b"q0 Q0 d1 1 2.0 t\nq0 Q0 d1 2 1.0 t\n",
        "run.trec:2: document 'd1' appears twice for query 'q0'",
    ),
    "empty": (b"", "run.trec: has no run lines"),
    "strangers": (b"z Q0 d1 1 1.0 t\n", "run.trec: has none of the 3 queries of small"),
    "not UTF-8": (b"q0 Q0 d\xe9 1 1.0 t\n", "run.trec:1: byte 8 is not UTF-8"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_broken_run_is_one_line(
    say: Say, folder: Path, results: Path, tmp_path: Path, name: str
) -> None:
    body, problem = RUNS[name]
    (tmp_path / "run.trec").write_bytes(body)
    stage = f"run:{tmp_path / 'run.trec'}"
    _refused(say("-d", folder, "-m", "random", "--first-stage", stage), results, problem)


@pytest.mark.parametrize("name", RUNS)
def test_rerank_and_evaluate_refuse_the_same_runs_and_write_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, name: str
) -> None:
    body, problem = RUNS[name]
    (tmp_path / "run.trec").write_bytes(body)
    out = tmp_path / "out.trec"
    options = ["-d", folder, "--run", tmp_path / "run.trec", "-m", "random", "-o", out]
    assert cli._run(["rerank", *map(str, options)]) == 2
    assert problem in capsys.readouterr().err
    assert not out.exists()
    if name != "strangers":
        assert cli._run(["evaluate", *map(str, (folder / "qrels/test.tsv", options[3]))]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert problem in line


def test_a_run_that_is_not_there(say: Say, folder: Path, results: Path) -> None:
    answer = say("-d", folder, "-m", "random", "--first-stage", "run:/nowhere.trec")
    _refused(answer, results, "/nowhere.trec: no such file; check the path")


CONFIGS: dict[str, tuple[str, str]] = {
    "unknown key": ("datasets: [demo]\nmodles: [random]\n", "unknown key 'modles'; did you mean"),
    "inner key": (
        "datasets: [demo]\nmodels: [random]\nspeed: {passs: 3}\n",
        "unknown key 'speed.passs'; did you mean 'passes'?",
    ),
    "no YAML": ("datasets: [demo\nmodels: {\n", "config.yaml:"),
    "a list": ("- demo\n", "config.yaml: is no mapping of keys to values"),
    "too few passes": (
        "datasets: [demo]\nmodels: [random]\nspeed: {passes: 1}\n",
        "'speed.passes'",
    ),
    "code without revision": (
        "datasets: [demo]\nmodels: [{model: a/b, trust_remote_code: true}]\n",
        "a/b: trust_remote_code needs the revision to trust; add 'revision: COMMIT'",
    ),
    "code in YAML": (
        "datasets: !!python/object/apply:os.mkdir [ran]\nmodels: [random]\n",
        "config.yaml:1: not readable as YAML (could not determine a constructor",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_with_a_mistake_is_refused(
    say: Say, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    body, problem = CONFIGS[name]
    Path("config.yaml").write_text(body)
    code, lines = say("config.yaml")
    assert code == 2
    assert problem in "\n".join(lines)
    assert all(line.startswith("error: ") for line in lines)
    assert not results.exists()
    assert not Path("ran").exists()


def test_every_mistake_of_a_config_is_told_at_once(say: Say, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("datasts: [demo]\nmodels: [random]\ntop_k: 0\n")
    code, lines = say(tmp_path / "c.yaml")
    assert code == 2
    assert len(lines) == 3
    assert all(str(tmp_path / "c.yaml") in line for line in lines)


def test_a_config_that_is_not_there(say: Say, results: Path, tmp_path: Path) -> None:
    _refused(say(tmp_path / "c.yaml"), results, tmp_path / "c.yaml", "no such file")


def test_a_model_folder_without_safetensors(
    say: Say, folder: Path, model: Path, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_bytes((model / "config.json").read_bytes())
    answer = say("-d", folder, "-m", tmp_path / "bare")
    _refused(answer, results, "bare: no *.safetensors in it", "save_pretrained")


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_rerank_refuses_a_damaged_model_in_one_line(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, name: str
) -> None:
    model = tiny.build(tmp_path / "damaged")
    (model / name).write_bytes((model / name).read_bytes()[:-100])
    (tmp_path / "run.trec").write_text("q0 Q0 d1 1 1.0 t\n")
    options = ["-d", folder, "--run", tmp_path / "run.trec", "-m", model]
    assert cli._run(["rerank", *map(str, options), "-o", str(tmp_path / "out.trec")]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    (line,) = lines
    assert line.startswith("error: damaged: cannot be loaded (")
    assert not (tmp_path / "out.trec").exists()


def test_judgments_of_unknown_ids_warn_and_count(say: Say, folder: Path, results: Path) -> None:
    _append("qrels/test.tsv", b"q0\tno-such-document\t1\nno-such-query\td1\t1\n")(folder)
    code, lines = say("-d", folder, "-m", "oracle")
    assert code == 0
    said = "\n".join(lines)
    assert "no-such-document" in said
    assert "no-such-query" in said
    record = tiny.records(results)["oracle"]
    values = record["per_query"]["nDCG@10"]
    assert values["no-such-query"] == 0.0
    assert len(values) == 4
    assert values["q0"] < 1.0, "the judged document that is not there is missing from the ideal"
    assert record["queries_without_results"] == 1
    assert any("no-such-document" in warning for warning in record["warnings"])


def test_empty_texts_are_scored_and_told(
    say: Say, folder: Path, model: Path, results: Path, tmp_path: Path
) -> None:
    _append("corpus.jsonl", b'{"_id": "void", "title": "", "text": ""}\n')(folder)
    _append("queries.jsonl", b'{"_id": "mute", "text": " "}\n')(folder)
    _append("qrels/test.tsv", b"mute\td1\t1\n")(folder)
    lines = [f"{q} Q0 {d} 1 {i}.0 t" for q in ("q0", "mute") for i, d in enumerate(("void", "d1"))]
    (tmp_path / "run.trec").write_text("\n".join(lines) + "\n")
    stage = f"run:{tmp_path / 'run.trec'}"
    options = ("-m", model, "--first-stage", stage, "--dtype", "float32")
    code, said = say("-d", folder, *options)
    assert code == 0, said
    assert "1 query texts are empty (first: 'mute')" in "\n".join(said)
    record = tiny.records(results)["tiny-bert"]
    scores = tiny.run_scores(results / "default" / "runs" / f"{record['quality_key']}.trec.gz")
    tokenizer, plain = tiny.reference(model)
    expected = tiny.reference_score(tokenizer, plain, " ", "")
    assert scores["mute", "void"] == pytest.approx(expected, abs=1e-4)


def test_windows_line_ends_change_nothing(say: Say, folder: Path, results: Path) -> None:
    assert say("-d", folder, "-m", "random")[0] == 0
    before = tiny.records(results)
    for path in (*folder.glob("*.jsonl"), *folder.glob("qrels/*")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert say("-d", folder, "-m", "random")[0] == 0
    assert tiny.records(results) == before, "the same content was taken for another"


def test_candidates_that_the_collection_lacks_are_left_out_and_told(
    say: Say, folder: Path, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "run.trec").write_text("q0 Q0 d1 1 2.0 t\nq0 Q0 gone 2 1.0 t\n")
    code, lines = say(
        "-d", folder, "-m", "random", "--first-stage", f"run:{tmp_path / 'run.trec'}"
    )
    assert code == 0
    said = "\n".join(lines)
    assert "1 candidates are not in the collection and were left out, such as 'gone'" in said
    assert "2 of 3 queries are not in the run and score 0" in said
    assert tiny.records(results)["random"]["scored_pairs"] == 1


def test_control_characters_of_a_file_do_not_reach_the_terminal(
    say: Say, folder: Path, results: Path
) -> None:
    _append("qrels/test.tsv", b"q0\td\x1b[2J\t1\n")(folder)
    code, lines = say("-d", folder, "-m", "random")
    assert code == 0
    assert "\x1b[2J" not in "\n".join(lines)
    assert "\\x1b" in "\n".join(lines)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on, files whose path holds the given text cannot be synced: no space is left."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see which file is written")
    sync = os.fsync

    def fill(part: str) -> None:
        def refuse(handle: int) -> None:
            if part in str(Path(f"/proc/self/fd/{handle}").readlink()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(handle)

        monkeypatch.setattr(os, "fsync", refuse)

    return fill


@pytest.mark.parametrize("part", ["/results/", "/records/", "/candidates/", "/hashes/"])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    say: Say, folder: Path, results: Path, full_disk: Callable[[str], None], part: str
) -> None:
    full_disk(part)
    code, lines = say("-d", folder, "-m", "random")
    assert code == 2
    (line,) = [line for line in lines if "warning" not in line]
    assert "No space left on device" in line
    assert part in line
    assert "; free space" in line
    assert list(results.rglob("records/*")) == []
    for path in filter(Path.is_file, results.rglob("*")):
        assert path.name.endswith((".trec.gz", ".json.gz")), "a partial file"
        whole = read_task(path).topics if path.parent.name == "tasks" else tiny.run_scores(path)
        assert len(whole) > 0
    full_disk("nowhere at all")
    assert say("-d", folder, "-m", "random")[0] == 0
    assert sorted(tiny.records(results)) == ["bm25", "random"]


def test_a_full_disk_stops_the_journal_in_one_line(
    say: Say,
    folder: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    open_path = Path.open

    class _OnAFullDisk(type(Path())):  # type: ignore[misc]
        def open(self, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            full = self.name == "scores.jsonl" and mode != "r"
            return open_path(
                Path("/dev/full") if full else Path(self), mode, *arguments, **options
            )

    work_folder = store.work_folder
    monkeypatch.setattr(store, "work_folder", lambda key: _OnAFullDisk(work_folder(key)))
    code, lines = say("-d", folder, "-m", "random")
    assert code == 2
    (line,) = lines
    assert "scores.jsonl: cannot be written (No space left on device); free space or" in line
    assert [path.parent.name for path in results.rglob("*.*")] == ["tasks"]


@pytest.mark.parametrize("command", ["retrieve", "rerank"])
def test_a_full_disk_leaves_no_half_a_run(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    tmp_path: Path,
    full_disk: Callable[[str], None],
    command: str,
) -> None:
    (tmp_path / "run.trec").write_text("q0 Q0 d1 1 1.0 t\n")
    more = ["--run", tmp_path / "run.trec", "-m", "random"] if command == "rerank" else []
    full_disk("/out/")
    options = ["-d", folder, *more, "-o", tmp_path / "out" / "out.trec"]
    assert cli._run([command, *map(str, options)]) == 2
    assert "out.trec: cannot be written (No space left on device)" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_results_folder_that_is_a_file_is_one_line(
    say: Say, folder: Path, results: Path
) -> None:
    results.write_text("in the way")
    code, lines = say("-d", folder, "-m", "random")
    assert code == 2
    (line,) = lines
    assert line.startswith(f"error: {results}")
    assert results.read_text() == "in the way"


def test_a_damaged_record_is_named_and_kept(say: Say, folder: Path, results: Path) -> None:
    assert say("-d", folder, "-m", "random")[0] == 0
    for path in results.rglob("records/*.json"):
        path.write_text('{"schema": 1, ')
    code, lines = say("-d", folder, "-m", "random")
    assert code == 2
    (line,) = lines
    assert "records/" in line
    assert "is not a record" in line
    assert "delete it and run its cell again" in line


def test_a_record_of_a_newer_version_is_not_touched(say: Say, folder: Path, results: Path) -> None:
    assert say("-d", folder, "-m", "random")[0] == 0
    bodies = {}
    for path in results.rglob("records/*.json"):
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "schema": 99}))
        bodies[path] = path.read_bytes()
    code, lines = say("-d", folder, "-m", "random")
    assert code == 2
    (line,) = lines
    assert "upgrade rerankbench to read it" in line
    assert {path: path.read_bytes() for path in bodies} == bodies


def test_a_full_stdout_is_no_traceback(folder: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "run.trec").write_text("q0 Q0 d1 1 1.0 t\n")
    arguments = [folder / "qrels" / "test.tsv", tmp_path / "run.trec"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rerankbench", "evaluate", *map(str, arguments)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_a_bad_file_as_seen_from_the_shell(folder: Path, tmp_path: Path) -> None:
    _cut_off("corpus.jsonl")(folder)
    options = ["-d", folder, "-m", "random", "-o", tmp_path / "results"]
    done = subprocess.run(
        [sys.executable, "-m", "rerankbench", "run", *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {folder / 'corpus.jsonl'}:15: ")
