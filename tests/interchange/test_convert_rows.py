"""Random tables → collections, against a plain loop over the rows."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.interchange.convert.columns import ColumnOptions, guess_rows
from rerankbench.interchange.convert.from_rows import RowConverter
from rerankbench.interchange.convert.judged_rows import RowReader
from rerankbench.interchange.convert.labels import Labels
from rerankbench.interchange.convert.opening import open_rows
from rerankbench.interchange.convert.staged import StagedCollection
from rerankbench.progress import Silent

Found = dict[str, dict[str, int]]
Rows = list[tuple[str, str, int]]

# Few, so that they repeat; with all that CSV has to quote.
_texts = st.sampled_from(["a", " a", "b, c", 'd "e"', "f\ng", "", "h;i", "\tj", "é 漢", "[1]"])
_rows = st.lists(st.tuples(_texts, _texts, st.integers(-1, 3)), min_size=1, max_size=12)


def _by_plain_loop(rows: Rows) -> Found:
    found: Found = {}
    for query, document, label in rows:
        query, document = query.strip(), document.strip()
        if query and document:
            of = found.setdefault(query, {})
            of[document] = max(label, of.get(document, label))
    return found


def _converted(path: Path, folder: Path) -> tuple[Found, RowConverter]:
    """What the written files say, by texts."""
    table = open_rows(path, has_heading=True, quotes=True)
    reader = RowReader(table, guess_rows(table.columns, ColumnOptions()), Labels())
    folder.mkdir()
    with StagedCollection(folder) as staged:
        converter = RowConverter(staged)
        converter.add(table, reader, Silent())
        staged.finish("test", converter.qrels(table), converter.candidates())
    corpus, queries = (
        {
            each["_id"]: each["text"]
            for each in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        }
        for path in (folder / "corpus.jsonl", folder / "queries.jsonl")
    )
    found: Found = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(queries[query], {})[corpus[document]] = int(grade)
    return found, converter


@given(rows=_rows, form=st.sampled_from(["csv", "semicolons", "tsv", "jsonl"]))
@settings(max_examples=150)
def test_any_table_gives_what_a_plain_loop_gives(rows: Rows, form: str) -> None:
    rows = [*rows, ("a", "z", 1)]  # One is relevant at least.
    with tempfile.TemporaryDirectory() as place:
        name = {"semicolons": "rows.csv"}.get(form, f"rows.{form}")
        path = Path(place, name)
        heading = ("query", "passage", "label")
        with path.open("w", newline="", encoding="utf-8") as handle:
            if form == "jsonl":
                for row in rows:
                    handle.write(json.dumps(dict(zip(heading, row, strict=True))) + "\n")
            else:
                delimiter = {"csv": ",", "semicolons": ";", "tsv": "\t"}[form]
                csv.writer(handle, delimiter=delimiter).writerows([heading, *rows])
        found, converter = _converted(path, Path(place, "out"))
    expected = _by_plain_loop(rows)
    assert found == expected
    counts, judged = converter.counts, sum(map(len, expected.values()))
    dropped = sum(not (query.strip() and document.strip()) for query, document, _ in rows)
    assert counts.rows == len(rows)
    assert sum(tally.count for tally in counts.dropped.values()) == dropped
    # Every row is a judgment, dropped, repeated, or contradicts another.
    assert counts.repeated.count + counts.contradictions.count <= len(rows) - dropped - judged
    assert counts.documents == len({text for of in expected.values() for text in of})
