"""Baselines on disk: whole, named after their cells, and replaced without a moment of half."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from rerankbench.errors import InputError, StorageError, UsageError
from rerankbench.files.swap import exchange
from rerankbench.gate.baselines.keep import Baselines, chosen, file_stems, is_ignored
from rerankbench.gate.baselines.summary import readme
from rerankbench.results.store import Store, dump_record, read_records
from rerankbench.types import Record

from ...killed import before_every_change
from ..records import record, timed

OLD = "2026-01-01T00:00:00+00:00"
NEWER = "2026-02-01T00:00:00+00:00"
NEWEST = "2026-03-01T00:00:00+00:00"


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    return Baselines(folder=tmp_path / "results" / "baselines")


def _by_name(records: Sequence[Record]) -> list[str]:
    return sorted(each.cell.reranker.name for each in records)


def test_what_is_saved_is_read_back_to_the_last_bit(baselines: Baselines) -> None:
    one, other = (
        record([0.1 + 0.2, 1 / 3], "one"),
        timed(record([1e-17, 1.0], "other"), [0.1, 0.3]),
    )
    baselines.save("main", [one, other])
    assert baselines.read("main") == [one, other]
    assert baselines.names() == ["main"]


def test_it_holds_records_named_after_their_cells_and_a_page(baselines: Baselines) -> None:
    path = baselines.save("main", [record(reranker="org/Model_v2"), record(reranker="bm25")])
    files = sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())
    assert files == [
        "README.md",
        "records/scifact-test-bm25-top-100-bm25.json",
        "records/scifact-test-bm25-top-100-org-model-v2.json",
    ]
    assert [each.name for each in baselines.folder.iterdir()] == ["main"]


def test_one_changed_query_is_one_changed_line_of_a_record(baselines: Baselines) -> None:
    before, after = record([0.5, 0.6, 0.7]), record([0.5, 0.1, 0.7])
    changed = set(dump_record(before).splitlines()) ^ set(dump_record(after).splitlines())
    assert sorted(changed) == [b'   "q1": 0.1,', b'   "q1": 0.6,']


def test_the_page_names_every_cell_with_its_mean(baselines: Baselines) -> None:
    path = baselines.save("main", [timed(record([0.25, 0.5], "one"), [0.5]), record([1.0], "two")])
    page = (path / "README.md").read_text()
    rows = [line for line in page.splitlines() if "top-100" in line]
    assert [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows] == [
        ["scifact/test · bm25 top-100 · one", "2", "0.3750", "200", "machine-a"],
        ["scifact/test · bm25 top-100 · two", "1", "1.0000", "", ""],
    ]
    assert "Measured on 2026-01-01" in page
    assert page == readme("main", baselines.read("main"))


def test_names_on_the_page_stay_text() -> None:
    hostile = "a|b<script>`*[x](javascript:1)\x1b"
    html = MarkdownIt("gfm-like", {"linkify": False}).render(
        readme("main", [record([0.5], hostile)])
    )
    assert "<script>" not in html
    assert "href" not in html
    assert "a|b&lt;script&gt;`*[x](javascript:1)" in html


@pytest.mark.parametrize("name", ["", ".main", "..", "a/b", "../main", "a b", "-x", "x\n"])
def test_a_name_cannot_lead_elsewhere(baselines: Baselines, name: str) -> None:
    with pytest.raises(UsageError, match="is not a valid baseline name"):
        baselines.save(name, [record()])
    assert not baselines.folder.exists()


def test_a_taken_name_is_refused(baselines: Baselines) -> None:
    baselines.save("main", [record([0.1])])
    with pytest.raises(UsageError, match="baseline promote main"):
        baselines.save("main", [record([0.9])])
    assert baselines.read("main") == [record([0.1])]


def test_replacing_leaves_nothing_of_the_old(baselines: Baselines) -> None:
    baselines.save("main", [record([0.1], "gone"), record([0.2], "stays")])
    path = baselines.replace("main", [record([0.3], "stays"), record([0.4], "comes")])
    assert _by_name(baselines.read("main")) == ["comes", "stays"]
    assert "gone" not in (path / "README.md").read_text()
    assert [each.name for each in baselines.folder.iterdir()] == ["main"]


def test_what_is_not_there_is_not_replaced(baselines: Baselines) -> None:
    baselines.save("main", [record()])
    with pytest.raises(InputError, match=r"no baseline 'mian'; did you mean 'main'\?"):
        baselines.replace("mian", [record()])


@pytest.mark.parametrize("failing", [1, 2], ids=["old aside", "new in place"])
def test_a_disk_that_refuses_leaves_the_old_whole(
    baselines: Baselines, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    baselines.save("main", [record([0.1])])
    # Where folders cannot change places in one step.
    monkeypatch.setattr("rerankbench.files.swap.exchange", lambda one, other: False)
    real, calls = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(StorageError, match="Input/output error"):
        baselines.replace("main", [record([0.9])])
    assert baselines.read("main") == [record([0.1])]


def test_an_interruption_while_writing_leaves_the_old_whole(
    baselines: Baselines, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines.save("main", [record([0.1])])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rerankbench.gate.baselines.keep.readme", stop)
    with pytest.raises(KeyboardInterrupt):
        baselines.replace("main", [record([0.9])])
    assert baselines.names() == ["main"]
    assert baselines.read("main") == [record([0.1])]
    assert [each.name for each in baselines.folder.iterdir()] == ["main"]


def test_a_kill_at_any_moment_of_a_promotion_leaves_one_of_both_whole(
    baselines: Baselines, tmp_path: Path
) -> None:
    old, new = record([0.1], "old"), record([0.9], "new")

    def prepare() -> None:
        shutil.rmtree(baselines.folder, ignore_errors=True)
        baselines.save("main", [old])

    left = 0
    seen = set()
    for number in before_every_change(lambda: baselines.replace("main", [new]), prepare):
        # What other programs and people see, before any of our commands looks.
        place = baselines.folder / "main"
        if _exchange_works(tmp_path):
            (one,) = read_records([place])
            assert (place / "README.md").read_text() == readme("main", [one]), number
        assert len(read_records([baselines.folder])) == 1, f"killed before change {number}"
        left += len(list(baselines.folder.iterdir())) - 1
        (found,) = baselines.read("main")
        assert found in (old, new)
        seen.add(found.cell.reranker.name)
        assert [each.name for each in baselines.folder.iterdir()] == ["main"]
        assert [path.name for path in place.rglob(".*")] == [], f"killed before change {number}"
    assert seen == {"old", "new"}
    assert left, "no kill left anything: nothing was tried"


def _exchange_works(folder: Path) -> bool:
    one, other = folder / "one", folder / "other"
    one.mkdir(exist_ok=True)
    other.mkdir(exist_ok=True)
    return exchange(one, other)


def test_a_kill_at_any_moment_of_saving_leaves_all_or_nothing(baselines: Baselines) -> None:
    kept = record([0.1])
    done = 0
    for number in before_every_change(
        lambda: baselines.save("main", [kept]),
        lambda: shutil.rmtree(baselines.folder, ignore_errors=True),
    ):
        if baselines.names():
            done += 1
            assert baselines.read("main") == [kept]
        else:
            baselines.save("main", [kept])
        assert [each.name for each in baselines.folder.iterdir()] == ["main"], number
    assert done >= 1


def test_a_baseline_that_was_put_aside_is_found_by_name_and_by_path(
    baselines: Baselines,
) -> None:
    looks: list[Callable[[], object]] = [
        lambda: baselines.resolve(Path("main")),
        lambda: baselines.resolve(baselines.folder / "main"),
        lambda: read_records([baselines.folder / "main"]),
        lambda: read_records([baselines.folder]),
        lambda: baselines.find("main"),
    ]
    for look in looks:
        shutil.rmtree(baselines.folder, ignore_errors=True)
        place = baselines.save("main", [record()])
        place.rename(place.with_name(".main.rerankbench-replaced"))
        look()
        assert [each.name for each in baselines.folder.iterdir()] == ["main"]


def test_of_every_cell_the_newest_is_kept() -> None:
    records = [
        record([0.2], "one", started_at=NEWER),
        record([0.1], "one", started_at=OLD),
        record([0.3], "one", started_at=OLD, dtype="bfloat16"),
        record([0.4], "two", started_at=OLD),
    ]
    kept = chosen(records)
    assert [(each.cell.reranker.name, each.mean("nDCG@10")) for each in kept] == [
        ("one", 0.2),
        ("two", 0.4),
    ]


def test_the_same_ranking_measured_elsewhere_is_kept_beside_it() -> None:
    records = [
        record([0.2], machine="a", started_at=OLD),
        record([0.2], machine="b", started_at=NEWER),
        record([0.2], machine="b", started_at=NEWEST),
        record([0.7], machine="c", started_at=OLD, dtype="bfloat16"),
    ]
    kept = chosen(records)
    assert [(each.environment.machine_id, each.started_at) for each in kept] == [
        ("a", OLD),
        ("b", NEWEST),
    ]
    assert len(file_stems(kept)) == 2


def test_cells_whose_names_look_alike_have_files_of_their_own() -> None:
    records = [record([0.1], name) for name in ("a b", "a-b", "A/b", "../a b", "a b-2")]
    stems = file_stems(chosen(records))
    assert sorted(each.cell.reranker.name for each in stems.values()) == sorted(
        each.cell.reranker.name for each in records
    )
    assert all("/" not in stem and not stem.startswith(".") for stem in stems)


def test_a_path_is_taken_before_a_name(baselines: Baselines, tmp_path: Path) -> None:
    baselines.save("main", [record()])
    assert baselines.resolve(tmp_path) == tmp_path
    assert baselines.resolve(Path("main")) == baselines.folder / "main"
    with pytest.raises(InputError, match=r"nor a baseline in .*did you mean 'main'\?"):
        baselines.resolve(Path("mian"))


def test_without_any_baseline_it_says_how_to_make_one(baselines: Baselines) -> None:
    with pytest.raises(InputError, match="`rerankbench baseline save` makes one"):
        baselines.resolve(Path("main"))


def test_results_are_read_without_the_baselines_among_them(
    baselines: Baselines, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    baselines.save("main", [record([0.1], "kept")])
    with pytest.raises(InputError, match="has no records"):
        read_records([results])
    assert _by_name(read_records([baselines.folder])) == ["kept"]
    assert _by_name(read_records([baselines.folder / "main"])) == ["kept"]
    # A suite may have that name: its records lie a folder higher.
    Store(results=results, suite="baselines").write(record([0.2], "measured"), ())
    assert _by_name(read_records([results])) == ["measured"]
    assert _by_name(read_records([tmp_path])) == ["measured"]


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_what_git_ignores_is_told(baselines: Baselines, tmp_path: Path) -> None:
    path = baselines.save("main", [record()])
    assert not is_ignored(path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert not is_ignored(path)
    (tmp_path / ".gitignore").write_text("results/\n")
    assert is_ignored(path)
    (tmp_path / ".gitignore").write_text("results/*\n!results/baselines/\n")
    assert not is_ignored(path)


def test_this_projects_own_baselines_are_whole() -> None:
    own = Baselines(folder=Path(__file__).resolve().parents[3] / "results" / "baselines")
    assert own.names() == ["demo", "scifact"]
    for name in own.names():
        records = own.read(name)
        assert chosen(records) == records
        assert (own.find(name) / "README.md").read_text() == readme(name, records)
        assert {each.cell.reranker.dtype for each in records} <= {"float32", None}
        stems = sorted(path.stem for path in (own.find(name) / "records").iterdir())
        assert stems == sorted(file_stems(records))
