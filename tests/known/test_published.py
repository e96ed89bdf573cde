"""The printed figures that travel in the package: as printed, and strictly read."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from rerankbench.errors import ConfigError
from rerankbench.known import collections, models, published
from rerankbench.known.published import PublishedFigure, find, speeds

_HEADINGS = {
    "MSMARCO-Dev": "msmarco",
    "Touche'20": "webis-touche2020",
    "Clim.-FEVER": "climate-fever",
    "DBPedia": "dbpedia-entity",
    "DB Pedia": "dbpedia-entity",
    "Touche-2020": "webis-touche2020",
}
_BACKBONES = {"MiniLM": "MiniLM", "ELECTRAbase": "ELECTRA-base", "ELECTRAlarge": "ELECTRA-large"}


def _of(title: str, table: str) -> list[PublishedFigure]:
    return [
        each
        for each in published.published()
        if each.source.title.startswith(title) and each.table.startswith(table)
    ]


def _seed(shared: Path, number: str) -> str:
    found = sorted((shared / "seeds").glob(f"{number}_*.txt"))
    if not found:
        pytest.skip("the page is not here")
    return found[0].read_text(encoding="utf-8")


def _plain(cell: str) -> str:
    """Without markup, spaces and case."""
    return re.sub(r"<[^>]*>|[*_ ]", "", cell.strip())


def _slug(heading: str) -> str:
    found = _HEADINGS.get(heading.strip())
    wanted = re.sub(r"[^a-z0-9]", "", heading.lower())
    return found or next(
        each.slug for each in collections.known() if re.sub(r"[^a-z0-9]", "", each.slug) == wanted
    )


@pytest.mark.parametrize(("number", "table"), [("000", "present"), ("001", "older")])
def test_beirs_leaderboards_are_here_figure_by_figure(
    number: str, table: str, shared: Path
) -> None:
    printed: set[tuple[str, str, str]] = set()
    headings: list[str] = []
    for line in _seed(shared, number).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "Docs / Sec" in cells[1:2]:
            headings = cells
        elif cells[0].startswith("cross-encoder/"):
            printed |= {
                (cells[0], "docs_per_s" if at == 1 else _slug(headings[at]), cell)
                for at, cell in enumerate(cells)
                if at and cell
            }
    ours = {
        (one.model, one.collection or one.metric, f"{one.value:.{one.decimals}f}")
        for one in _of("BEIR", table)
    }
    assert ours == printed
    assert len(printed) == {"present": 134, "older": 36}[table]


def test_celis_tables_are_here_figure_by_figure(shared: Path) -> None:
    lines = _seed(shared, "003").splitlines()
    for number, count in {1: 6, 2: 18, 3: 18, 4: 8, 5: 135, 6: 252}.items():
        end = next(at for at, line in enumerate(lines) if line.startswith(f"Table {number}: "))
        start = max(at for at in range(end - 1) if not lines[at].strip() and at < end - 1)
        printed = Counter(
            number
            for line in lines[start:end]
            for cell in line.split("\t")
            for number in re.findall(r"^(\d+\.\d+)s?$", _plain(cell))
        )
        ours = Counter(f"{one.value:.{one.decimals}f}" for one in _of("CELI", f"Table {number}"))
        assert (number, ours, sum(ours.values())) == (number, printed, count)


def test_celis_figures_stand_at_their_model_collection_and_first_stage(shared: Path) -> None:
    text = _seed(shared, "003")
    for name in ("Table 5", "Table 6"):
        rows = _tabbed(text, name)
        headings = [cell for cell in rows[1] if cell.strip()][-13:]
        outer, printed = "", {}
        for row in rows[2:]:
            outer = _plain(row[0]) or outer
            if len(row) < 14 or not row[2].strip():
                continue
            backbone = _BACKBONES.get(outer, "MiniLM")
            stage = outer if outer not in _BACKBONES else "bm25"
            model = f"{row[1]} ({backbone})"
            stage = "bm25" if stage == "BM25" else stage
            for heading, cell in zip(headings, row[-13:], strict=True):
                printed[(model, stage, _slug(heading))] = cell
        ours = {
            (one.model, (one.first_stage or "").replace(" ", ""), one.collection): (
                f"{one.value:.3f}"
            )
            for one in _of("CELI", name)
            if one.metric == "nDCG@10" and one.collection
        }
        assert ours == printed


def _tabbed(text: str, name: str) -> list[list[str]]:
    """The rows of tabs right above the caption."""
    above = text[: text.index(f"\n{name}: ")].rstrip("\n").split("\n")
    start = max(at for at, line in enumerate(above) if "\t" not in line) + 1
    return [line.split("\t") for line in above[start:]]


def test_celis_averages_are_the_printed_ones_even_where_they_are_wrong() -> None:
    """Table 5 prints 0.481 for monoBERT on ELECTRA-base, whose thirteen columns give 0.474."""
    figures = [one for one in _of("CELI", "Table 5") if one.model == "monoBERT (ELECTRA-base)"]
    (average,) = [one for one in figures if one.average_of]
    columns = [one.value for one in figures if one.collection in average.average_of]
    assert (average.value, len(columns)) == (0.481, 13)
    assert sum(columns) / 13 == pytest.approx(0.47377, abs=1e-5)


def test_the_hugging_face_table_is_here_figure_by_figure(shared: Path) -> None:
    printed: dict[tuple[str, bool], str] = {}
    for line in _seed(shared, "004").splitlines():
        cells = [_plain(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cell)) for cell in line.split("|")]
        if len(cells) == 6 and re.fullmatch(r"\d\d\.\d\d", cells[3]):
            name = cells[1]
            if name.startswith("Noreranking"):
                name = "sentence-transformers/static-retrieval-mrl-en-v1"
            printed |= {(name, False): cells[3], (name, True): cells[4]}
    ours = {
        (one.model, one.adds_positives): f"{100 * one.value:.2f}" for one in _of("Training", "")
    }
    assert ours == printed
    assert len(ours) == 2 * 16


def test_agentsets_page_is_here_figure_by_figure(shared: Path) -> None:
    lines = [line.strip() for line in _seed(shared, "002").splitlines() if line.strip()]
    labels = {
        "Mean": "latency_mean_ms",
        "P50 (Median)": "latency_p50_ms",
        "P90": "latency_p90_ms",
        **{each: each for each in ("nDCG@5", "nDCG@10", "Recall@5", "Recall@10")},
    }
    names = {"business reports": "business-reports", "DBPedia": "dbpedia-entity"}
    printed: dict[tuple[str, str], float] = {}
    dataset = ""
    for line, following in pairwise(lines):
        rating = re.match(r"ELO (\d{4})(\d\d\.\d)% WR", following)
        if rating:
            dataset = names.get(line, line.lower())
            printed[(dataset, "elo")] = float(rating[1])
            printed[(dataset, "win_rate")] = float(rating[2]) / 100
        if dataset and line in labels:
            printed[(dataset, labels[line])] = float(following.removesuffix("ms"))
    ours = {
        (one.collection, one.metric): one.value for one in _of("agentset", "") if one.collection
    }
    assert ours == pytest.approx(printed)
    assert len(printed) == 6 * 9
    overview = {one.metric: one.value for one in _of("agentset", "Overview")}
    assert overview == {"elo": 1334, "win_rate": 0.306, "nDCG@10": 0.084, "latency_mean_ms": 2383}


def test_zeros_that_stand_for_missing_values_are_doubted_and_nothing_else_is_zero() -> None:
    zeros = [one for one in published.published() if one.value == 0]
    assert len(zeros) == 4 * 4
    assert all(one.doubt for one in zeros)


def test_collections_carry_their_usual_short_names() -> None:
    known = {each.slug for each in collections.known()}
    named = {one.collection for one in published.published() if one.collection}
    assert named - known == {"gooaq", "trec-dl-2019", "business-reports", "pg"}


def test_every_figure_says_where_it_comes_from() -> None:
    for one in published.published():
        assert one.source.title and one.source.authors and one.source.url.startswith("https://")


def test_a_model_is_found_under_its_other_spellings_with_its_setting() -> None:
    model = models.find("ms-marco-MiniLM-L6-v2")
    assert model is not None
    present, older = find(model.spellings, "nq", "nDCG@10")
    assert (present.value, present.first_stage, present.depth) == (0.530, "bm25", 100)
    assert (older.value, older.first_stage, older.depth) == (0.530, None, None)
    assert find(model.spellings, "nq", "nDCG@10", first_stage="bm25", depth=100) == [present]
    assert find(model.spellings, "nq", "nDCG@10", depth=1000) == []
    assert find(model.spellings, "quora", "nDCG@10") == []


def test_beirs_speeds_are_those_that_sentence_transformers_measured() -> None:
    """Their page says on what: a V100. BEIR's prints the same figures and no machine."""
    present, older, measured = speeds()
    known = {_known(one): one.value for one in measured}
    assert {one.hardware for one in measured} == {"V100 GPU, transformers v4"}
    assert {one.hardware for one in (*present, *older)} == {"not stated"}
    for one in (*present, *older):
        assert known[_known(one)] == one.value


def _known(figure: PublishedFigure) -> str:
    known = models.find(figure.model)
    return known.name if known else figure.model


_GOOD = """
title: A table
authors: someone
url: https://example.org
tables:
  - name: one
    metric: nDCG@10
    columns: [nq, fiqa]
    rows:
    - {model: a, values: [0.5, ~]}
"""


def _read(folder: Path, text: str) -> tuple[PublishedFigure, ...]:
    path = folder / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return published.read(path)


def test_a_blank_is_no_figure(tmp_path: Path) -> None:
    (only,) = _read(tmp_path, _GOOD)
    assert (only.model, only.collection, only.value, only.decimals) == ("a", "nq", 0.5, 3)


def test_no_share_is_above_one() -> None:
    shares = [each for each in published.published() if each.metric not in published.UNBOUNDED]
    assert shares
    assert [each for each in shares if each.value > 1] == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[0.5, ~]", "[0.5, -0.2]", "'tables[0].rows[0].values[1]' must be greater"),
        ("[0.5, ~]", "[0.5, .nan]", "'tables[0].rows[0].values[1]' must be a finite number"),
        ("model: a", "modle: a", "did you mean 'model'"),
        ("metric: nDCG@10", "depth: ten", "'tables[0].depth' must be a valid integer"),
        ("metric: nDCG@10", "scale: 10", "'tables[0].scale' must be one of 1, 100"),
        ("columns: [nq, fiqa]", "columns: nq", "'tables[0].columns' must be a valid tuple"),
        ("  - name: one", "  - title: one", "unknown key 'tables[0].title'"),
        ("url: https", "url: http", "'url'"),
        ("authors: someone", "date: May", "'authors' is missing"),
    ],
)
def test_a_mistake_in_a_file_is_named(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert old in _GOOD
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        _read(tmp_path, _GOOD.replace(old, new))
