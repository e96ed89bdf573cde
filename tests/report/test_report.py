"""The whole report: what stands in it, what is missing and why, and that text stays text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean, median, variance

import pytest

from rerankbench.errors import UsageError
from rerankbench.report.plots.plot import Plot
from rerankbench.report.report import export_plots, render, sections
from rerankbench.report.sections.section import Section
from rerankbench.results import derived
from rerankbench.results.record_set import RecordSet
from rerankbench.stats.paired import bootstrap_interval
from rerankbench.types import Record
from tests.leaderboard.records import first_stage_record, make_record
from tests.report.suite import HOSTILE, models_of, write_suite

VOID = {"meta", "br", "col", "hr", "img"}


class _Page(HTMLParser):
    """A strict reader: every element that opens must close, in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [keys for tag, keys in self.elements if tag == name]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> _Page:
    folder = tmp_path_factory.mktemp("hostile")
    archive = write_suite(folder, [*HOSTILE, *models_of(2)], ["scifact", "<b>evil</b>"])
    return _Page(render(sections(archive), title="<script>title</script>"))


def _plots(records: Sequence[Record]) -> dict[str, Plot]:
    return {plot.name: plot for part in sections(RecordSet(records)) for plot in part.plots}


def _section(records: Sequence[Record], identifier: str) -> Section:
    return next(part for part in sections(RecordSet(records)) if part.identifier == identifier)


def _words(section: Section) -> str:
    return " ".join(_Page(section.body()).words)


def _rows(plot: Plot) -> list[list[object]]:
    return [[entry.value for entry in row.entries] for row in plot.table.rows]


def _rows_without_intervals(plot: Plot) -> list[list[object]]:
    return [[*row[:3], row[-1]] for row in _rows(plot)]


def test_hostile_names_stay_text(hostile: _Page) -> None:
    assert len(hostile.all("script")) == 1
    assert not {"img", "iframe", "object"} & {tag for tag, _ in hostile.elements}
    words = " ".join(hostile.words)
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[4], "<script>title</script>", "is <slow>"):
        assert name in words
    assert "\u202e" not in words
    assert not any(key.startswith("on") for _, keys in hostile.elements for key in keys)


def test_a_report_loads_nothing(hostile: _Page) -> None:
    assert not [keys for _, keys in hostile.elements if "src" in keys or "srcset" in keys]
    assert not hostile.all("link")
    for _, keys in hostile.elements:
        for key in ("href", "action", "data", "poster"):
            assert (keys.get(key) or "#").startswith("#")
        assert "url(" not in re.sub(r"url\(#", "", keys.get("style") or "")
    [policy] = [k["content"] for k in hostile.all("meta") if "http-equiv" in k]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_every_picture_has_a_name_a_description_and_a_table(hostile: _Page) -> None:
    names = [
        "quality-speed",
        "quality-size",
        "quality-price",
        "intervals",
        "latency",
        "depth",
        "slices",
    ]
    assert [keys["id"] for keys in hostile.all("figure")] == [f"plot-{name}" for name in names]
    tags = [tag for tag, _ in hostile.elements]
    starts = [at for at, tag in enumerate(tags) if tag == "figure"]
    for start, end in zip(starts, [*starts[1:], len(tags)], strict=True):
        assert tags[start:end].count("svg") == 2
        assert "details" in tags[start:end]
        assert "table" in tags[start:end]
    ids = [keys.get("id") for _, keys in hostile.elements if keys.get("id")]
    assert len(ids) == len(set(ids))
    for picture in hostile.all("svg"):
        assert picture["role"] == "img"
        assert all(name in ids for name in (picture["aria-labelledby"] or "").split())


def test_headings_never_skip_a_level_and_the_contents_name_every_part(hostile: _Page) -> None:
    levels = [int(tag[1]) for tag, _ in hostile.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    parts = [keys["id"] for keys in hostile.all("section")]
    linked = [keys["href"] for keys in hostile.all("a")]
    assert linked[1 : len(parts) + 1] == [f"#{part}" for part in parts]


def test_quality_is_the_mean_over_what_all_models_shown_share() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.4}, collection="x", docs_per_s=10, parameters=1000),
        make_record("a", {"nDCG@10": 0.6}, collection="y", docs_per_s=30, parameters=1000),
        make_record("a", {"nDCG@10": 0.9}, collection="z", docs_per_s=99, parameters=1000),
        make_record("b", {"nDCG@10": 0.7}, collection="x", docs_per_s=5, parameters=2000),
        make_record("b", {"nDCG@10": 0.5}, collection="y", docs_per_s=7, parameters=2000),
    ]
    plot = _plots(records)["quality-speed"]
    assert _rows_without_intervals(plot) == [["b", 6.0, 0.6, "yes"], ["a", 20.0, 0.5, "yes"]]
    assert "over <bdi>x</bdi> and <bdi>y</bdi>" in " ".join(plot.notes)
    assert _rows_without_intervals(_plots(records)["quality-size"]) == [
        ["b", 2000, 0.6, "yes"],
        ["a", 1000, 0.5, "yes"],
    ]


def test_models_without_a_shared_collection_are_named_not_mixed() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.4}, collection="x", docs_per_s=10),
        make_record("b", {"nDCG@10": 0.5}, collection="x", docs_per_s=5),
        make_record("c", {"nDCG@10": 0.9}, collection="y", docs_per_s=50),
    ]
    plot = _plots(records)["quality-speed"]
    assert [row[0] for row in _rows(plot)] == ["b", "a"]
    assert "Not shown, not run on the same collections: <bdi>c</bdi>." in plot.notes


def test_speeds_of_two_machines_never_share_a_plot() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.4}, docs_per_s=10, requests_s=[0.1]),
        make_record("b", {"nDCG@10": 0.5}, docs_per_s=5, requests_s=[0.1]),
        make_record("b", {"nDCG@10": 0.5}, docs_per_s=900, machine="other", requests_s=[0.01]),
        make_record("c", {"nDCG@10": 0.9}, docs_per_s=50, machine="other", requests_s=[0.01]),
        make_record("d", {"nDCG@10": 0.9}, docs_per_s=50, device="cuda", requests_s=[0.01]),
        make_record("e", {"nDCG@10": 0.9}, docs_per_s=50, requests_s=[0.01]),
    ]
    plots = _plots(records)
    assert sorted(str(row[0]) for row in _rows(plots["quality-speed"])) == ["a", "b", "e"]
    assert {row[1] for row in _rows(plots["quality-speed"])} == {10.0, 5.0, 50.0}
    assert sorted(str(row[0]) for row in _rows(plots["latency"])) == ["a", "b", "e"]
    for name in ("quality-speed", "latency"):
        notes = " ".join(plots[name].notes)
        assert "machine-a" in notes
        assert "machine or device: <bdi>c</bdi> and <bdi>d</bdi>." in notes


def test_intervals_are_those_of_the_bootstrap(tmp_path: Path) -> None:
    archive = write_suite(tmp_path, models_of(2), ["scifact"])
    [plot] = [
        plot for part in sections(archive) for plot in part.plots if plot.name == "intervals"
    ]
    for name, _, mean, low, high, queries in _rows(plot):
        [record] = [one for one in archive.records if one.cell.reranker.name == name]
        values = record.per_query["nDCG@10"]
        expected = bootstrap_interval([values[key] for key in sorted(values)])
        assert mean == pytest.approx(fmean(values.values()))
        assert (low, high, queries) == (
            pytest.approx(expected.low),
            pytest.approx(expected.high),
            len(values),
        )


def test_the_interval_of_one_collection_is_the_bootstraps_and_several_have_a_narrower_one(
    tmp_path: Path,
) -> None:
    alone = write_suite(tmp_path / "one", models_of(2), ["scifact"], queries=30)
    for row in _rows(_plots(alone.records)["quality-speed"]):
        [record] = [one for one in alone.records if one.cell.reranker.name == row[0]]
        values = record.per_query["nDCG@10"]
        expected = bootstrap_interval([values[key] for key in sorted(values)])
        assert row[3:5] == [pytest.approx(expected.low), pytest.approx(expected.high)]
    collections = [f"c{number}" for number in range(4)]
    several = write_suite(tmp_path / "four", models_of(2), collections, queries=30)
    for row in _rows(_plots(several.records)["quality-speed"]):
        records = [one for one in several.records if one.cell.reranker.name == row[0]]
        # Means of independent samples: the variance of their mean is that of all, by count².
        variances = [variance(one.per_query["nDCG@10"].values()) / 30 for one in records]
        expected_width = 2 * 1.96 * (sum(variances) / len(records) ** 2) ** 0.5
        width = float(str(row[4])) - float(str(row[3]))
        assert width == pytest.approx(expected_width, rel=0.06)


def test_the_summary_says_who_leads_each_collection_and_the_mean(tmp_path: Path) -> None:
    archive = write_suite(tmp_path, models_of(2), ["scifact", "nfcorpus"], queries=40)
    words = _words(_section(archive.records, "summary"))
    means = {
        (one.cell.reranker.name, one.cell.collection.name): fmean(
            one.per_query["nDCG@10"].values()
        )
        for one in archive.records
    }
    for collection in ("scifact", "nfcorpus"):
        best, second = sorted(
            (name for name, of in means if of == collection and name != "bm25"),
            key=lambda name: -means[name, collection],
        )
        ahead = means[best, collection] - means[second, collection]
        assert f"{best} leads {second} by {ahead:.3f} nDCG@10" in words
    overall = {
        name: fmean(mean for (model, _), mean in means.items() if model == name)
        for name, _ in means
    }
    first, second, _ = sorted(overall, key=lambda name: -overall[name])
    assert (
        f"{first} has the highest mean nDCG@10 over the 2 collections that all were run on: "
        f"{overall[first]:.3f}, {overall[first] - overall[second]:.3f} above {second}."
    ) in words


def test_latencies_are_the_requests_that_were_measured() -> None:
    requests = [0.01 * (1 + at % 17) for at in range(60)]
    record = make_record("a", requests_s=requests)
    [row] = _rows(_plots([record])["latency"])
    assert row[2:] == [*(derived.latency_ms(record, p) for p in (50, 90, 95, 99)), 60]
    assert row[2] == pytest.approx(1000 * median(requests), rel=0.1)


def test_thinning_is_said_where_it_happens() -> None:
    few, many = ([0.01 * (1 + at % 9) for at in range(count)] for count in (50, 2500))
    said = {
        count: "evenly by rank" in " ".join(_plots([record])["latency"].notes)
        for count, record in (
            (50, make_record(requests_s=few)),
            (2500, make_record(requests_s=many)),
        )
    }
    assert said == {50: False, 2500: True}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("trade-offs", "no model has a measured speed"),
        ("trade-offs", "no model says how many parameters"),
        ("trade-offs", "no model has a price"),
        ("latency", "no model has a measured one"),
        ("depth", "b on scifact: its task file is missing; run the cell again"),
        ("slices", "task files are missing beside the records"),
    ],
)
def test_what_cannot_be_drawn_is_explained_in_a_sentence(part: str, reason: str) -> None:
    records = [first_stage_record(0.4), make_record("a"), make_record("b")]
    found = _section(records, part)
    assert found.plots == []
    assert reason in _words(found)


def test_one_model_alone_is_no_trade_off() -> None:
    found = _section([make_record("a", docs_per_s=10)], "trade-offs")
    assert "a is the only model with these figures" in " ".join(_words(found).split())


def test_records_without_any_metric_still_make_a_report() -> None:
    page = _Page(render(sections(RecordSet([replace(make_record("a"), per_query={})]))))
    assert page.all("figure") == []


def test_a_hostile_metric_is_text_too() -> None:
    records = [
        make_record(name, {"<b>m</b>\x00": 0.5}, docs_per_s=10, parameters=10) for name in "ab"
    ]
    page = _Page(render(sections(RecordSet(records))))
    assert not page.all("b") or {} in page.all("b")
    assert any("<b>m</b>" in word for word in page.words)


def test_another_metric_is_taken_by_any_of_its_names(tmp_path: Path) -> None:
    archive = write_suite(tmp_path, models_of(2), ["scifact"])
    plots = [plot for part in sections(archive, metric="map") for plot in part.plots]
    assert any(plot.title == "MAP with 95 % intervals" for plot in plots)
    with pytest.raises(UsageError, match=r"no record holds Recall@100; .*(MAP|nDCG@10)"):
        sections(archive, metric="Recall@100")


def test_distinct_environments_are_listed_once_each() -> None:
    records = [make_record("a"), make_record("b"), make_record("c", machine="other", gpu="H200")]
    commits = [
        replace(record, environment=replace(record.environment, git_sha=name))
        for record, name in zip(records, ("one", "two", "two"), strict=True)
    ]
    words = _words(_section(commits, "environment"))
    assert words.count("Processor") == 2
    assert "one, two" in words
    assert "H200" in words


def test_every_warning_is_listed_with_its_cells() -> None:
    records = [
        make_record("a", warnings=["too slow"]),
        make_record("b", warnings=["too slow", "too hot"]),
    ]
    words = " ".join(_words(_section(records, "warnings")).split())
    assert words.count("too slow") == 1
    assert "a on scifact; b on scifact" in words
    assert "No record has a warning" in _words(_section([make_record()], "warnings"))


def test_every_plot_is_written_as_svg_and_png(tmp_path: Path) -> None:
    archive = write_suite(tmp_path / "results", models_of(2), ["scifact"])
    parts = sections(archive)
    written = export_plots(parts, tmp_path / "plots")
    names = {plot.name for part in parts for plot in part.plots}
    assert {path.name for path in written} == {
        f"{name}.{kind}" for name in names for kind in ("svg", "png")
    }
    assert all(path.stat().st_size > 1000 for path in written)


def test_the_same_records_in_any_order_give_the_same_page(tmp_path: Path) -> None:
    archive = write_suite(tmp_path, models_of(2), ["scifact", "nfcorpus"], requests=5)
    records = list(archive.records)
    assert render(sections(RecordSet(records))) == render(sections(RecordSet(records[::-1])))
