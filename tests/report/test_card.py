"""A reranker's page: figures of the records, places among what compares, no zero for nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from statistics import fmean

import pytest

from rerankbench.compare.rated import by_name, rate
from rerankbench.errors import UsageError
from rerankbench.known import models
from rerankbench.report.card import words
from rerankbench.report.card.card import Card, make_card
from rerankbench.report.card.places import RankedFigure
from rerankbench.report.card.publish import all_cards, card_text
from rerankbench.types import Measurements, Price, Record, slug

from ..leaderboard.records import make_record

KNOWN = "BAAI/bge-reranker-v2-m3"
HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "a|b`c`*d*",
    "../../etc/x",
    "-h",
]


def _record(
    name: str,
    value: float,
    collection: str = "one",
    requests_s: tuple[float, ...] = (),
    **keys: object,
) -> Record:
    metrics = {
        "nDCG@10": [value, value - 0.1, 0.5, 0.5],
        "nDCG@5": value - 0.05,
        "Recall@10": value + 0.05,
    }
    return make_record(name, metrics, collection=collection, requests_s=requests_s, **keys)  # type: ignore[arg-type]


def _suite() -> list[Record]:
    """Three models on two collections, and the first stage."""
    return [
        _record("slow", 0.8, "one", (0.2, 0.3, 0.4, 0.9)),
        _record("slow", 0.6, "two", (0.5, 0.6, 0.7, 0.8)),
        _record("quick", 0.75, "one", (0.01, 0.02, 0.03)),
        _record("quick", 0.7, "two", (0.02, 0.02, 0.02)),
        _record("last", 0.2, "one"),
        _record("last", 0.1, "two"),
        _record("bm25", 0.3, "one", family="baseline"),
        _record("bm25", 0.3, "two", family="baseline"),
    ]


def _card(records: list[Record], name: str) -> Card:
    return make_card(rate(by_name(records)), name)


def _placed(card: Card) -> dict[str, str]:
    return {
        "rating": words.rank(card.rating),
        "win rate": words.rank(card.win_rate),
        "quality": words.rank(card.quality),
        "latency": words.rank(card.latency),
    }


def test_figures_are_those_of_the_records() -> None:
    card = _card(_suite(), "slow")
    assert [task.title for task in card.tasks] == ["one", "two"]
    one, two = card.tasks
    assert one.metrics == {
        "nDCG@5": 0.75,
        "nDCG@10": pytest.approx(fmean([0.8, 0.7, 0.5, 0.5])),
        "Recall@5": None,
        "Recall@10": pytest.approx(0.85),
    }
    assert (one.queries, one.of) == (4, 3)
    assert one.requests is not None and two.requests is not None
    assert (one.requests.mean_ms, one.requests.p50_ms, one.requests.p90_ms) == pytest.approx(
        (450, 300, 900)
    )
    assert one.requests.count == 4
    assert card.quality.value == pytest.approx(fmean([0.625, 0.525]))
    # The median over the collections of the medians.
    assert card.latency.value == pytest.approx(fmean([300, 600]))
    assert card.win_rate.value == card.standing.win_rate
    assert card.standing.games == 2 * 3 * 4
    assert card.others == ("quick", "bm25", "last")


def test_places_count_what_compares() -> None:
    records = _suite()
    assert _placed(_card(records, "slow")) == {
        "rating": "#1 of 3",
        "win rate": "#1 of 3",
        "quality": "#2 of 3",
        # `last` was not timed.
        "latency": "#2 of 2",
    }
    assert _placed(_card(records, "last")) == {
        "rating": "#3 of 3",
        "win rate": "#3 of 3",
        "quality": "#3 of 3",
        "latency": "not ranked",
    }


def test_the_first_stage_has_a_card_without_ranks() -> None:
    card = _card(_suite(), "bm25")
    assert set(_placed(card).values()) == {"not ranked"}
    assert card.quality.value == pytest.approx(fmean([0.3, 0.2, 0.5, 0.5]))


def test_equal_figures_share_a_place() -> None:
    records = [_record(name, 0.6) for name in ("a", "b")] + [_record("c", 0.2)]
    cards = [_card(records, name) for name in "abc"]
    assert [words.rank(card.quality) for card in cards] == ["#1 of 3", "#1 of 3", "#3 of 3"]
    assert [words.rank(card.rating) for card in cards] == ["#1 of 3", "#1 of 3", "#3 of 3"]


def test_who_lacks_a_collection_has_no_mean_over_all_and_says_so() -> None:
    records = [
        one
        for one in _suite()
        if (one.cell.reranker.name, one.cell.collection.name) != ("slow", "two")
    ]
    card = _card(records, "slow")
    assert card.quality == RankedFigure()
    assert any("not run on two" in caution for caution in card.cautions)
    # It was timed on one collection, on which the other was too.
    assert card.latency == RankedFigure(value=300.0, rank=2, of=2)
    quick = _card(records, "quick")
    assert (words.rank(quick.quality), words.rank(quick.latency)) == ("#1 of 2", "#1 of 1")


def test_latencies_of_other_machines_are_not_compared() -> None:
    records = [
        *_suite(),
        *(_record("elsewhere", 0.5, c, (0.001,), machine="machine-b") for c in ("one", "two")),
    ]
    assert words.rank(_card(records, "quick").latency) == "#1 of 2"
    assert words.rank(_card(records, "elsewhere").latency) == "#1 of 1"


def test_failed_requests_are_told_and_in_no_figure() -> None:
    record = _record("served", 0.8, requests_s=(0.1, 0.1))
    measured = Measurements(latency=record.measurements.latency, failed_attempts_s=(30.0, 30.0))
    records = [replace(record, measurements=measured), _record("other", 0.1)]
    card = _card(records, "served")
    found = card.tasks[0].requests
    assert found is not None
    assert found.mean_ms == pytest.approx(100)
    assert (found.count, found.failed) == (2, 2)
    assert "| 2 (2 failed) |" in card_text(records, "served", "markdown")


def test_facts_come_from_the_record_and_the_list_of_known_models() -> None:
    known = models.find(KNOWN)
    assert known is not None
    records = [_record(KNOWN, 0.8, parameters=123), _record("other", 0.1)]
    card = _card(records, KNOWN)
    assert card.facts["Licence"] == known.licence
    assert card.facts["Provider"] == known.provider
    assert card.facts["Released"] == known.released
    assert card.facts["Params"] == "123"
    assert card.facts["Total evaluations"] == "4 games"
    assert card.description == known.note
    unknown = _card(records, "other").facts
    assert unknown["Licence"] is unknown["Provider"] is unknown["Price"] is None


def test_the_price_of_the_run_is_told_with_its_day() -> None:
    price = Price(amount=0.02, unit="token", per=1e6, date="2026-02-03")
    card = _card([_record("a", 0.8, price=price), _record("b", 0.1)], "a")
    assert card.facts["Price"] == "0.02 USD per 1M tokens (2026-02-03)"


def test_cautions_name_what_could_be_misread() -> None:
    weak = [_record("bm25", 0.9, family="baseline"), _record("weak", 0.2, warnings=["it rained"])]
    sampled = [
        replace(
            one, cell=replace(one.cell, collection=replace(one.cell.collection, sampled_queries=4))
        )
        for one in weak
    ]
    said = "\n".join(_card(sampled, "weak").cautions)
    assert "bm25, the order without any reranking, is rated higher" in said
    assert "only a sample of the queries was run: one (4)" in said
    assert "one: it rained." in said
    assert "would be infinite" not in said
    certain = [
        make_record(name, {"nDCG@10": [value] * 4}) for name, value in (("a", 1.0), ("b", 0.0))
    ]
    assert "their rating would be infinite" in "\n".join(_card(certain, "a").cautions)


def test_every_field_of_the_published_page_is_there() -> None:
    """The labels of the page of an arena of rerankers, in its order of parts."""
    page = card_text(_suite(), "slow", "markdown")
    fields = [
        "# slow", "Leaderboard rank: #1 of 3", "Rating", "Win rate", "Accuracy (nDCG@10)",
        "Latency", "## Model information", "Provider", "Licence", "Price", "Released",
        "Model name", "Total evaluations", "## Performance record", "Wins", "Losses", "Ties",
        "## Performance by collection", "Rating by collection", "Win rate", "W-L-T", "nDCG@5",
        "nDCG@10", "Recall@5", "Recall@10", "Mean", "P50 (median)", "P90", "## Compare",
        "rerankbench compare slow quick",
    ]  # fmt: skip
    at = 0
    for field in fields:
        at = page.find(field, at)
        assert at >= 0, field


@pytest.mark.parametrize("format_name", ["markdown", "html"])
def test_what_was_not_measured_is_a_word_and_never_a_zero(format_name: str) -> None:
    page = card_text(_suite(), "last", format_name)
    assert "0.000" not in page
    assert len(re.findall("not measured", page)) == 1 + 2 + 2 * 3
    assert len(re.findall("not known", page)) == len(
        [value for value in _card(_suite(), "last").facts.values() if value is None]
    )


@pytest.mark.parametrize("format_name", ["markdown", "html"])
def test_pages_are_the_same_whatever_the_order_of_records(format_name: str) -> None:
    records = _suite()
    assert all_cards(records, format_name) == all_cards(records[::-1], format_name)


class _Reader(HTMLParser):
    """Elements with their attributes, and all text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.seen = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_in_html(name: str) -> None:
    records = [_record(name, 0.8, name), _record("other", 0.1, name)]
    for file, page in all_cards(records, "html").items():
        assert re.fullmatch(r"[a-z0-9-]+\.html", file)
        reader = _Reader(page)
        assert "script" not in {element for element, _ in reader.elements}
        assert not any(key.startswith("on") for _, keys in reader.elements for key in keys)
        assert all(
            re.fullmatch(r"#[\w-]+|[a-z0-9-]+\.html", keys["href"] or "")
            for element, keys in reader.elements
            if element == "a"
        )
        assert name in reader.seen


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_in_markdown(name: str) -> None:
    records = [_record(name, 0.8, name), _record("other", 0.1, name)]
    for page in all_cards(records, "markdown").values():
        # What stands in a span of code is shown as it is; everything else is escaped.
        outside = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", page)
        assert "<script" not in outside
        assert "](javascript" not in re.sub(r"\\[\[\]]", "", outside)
        rows = [line for line in page.splitlines() if line.startswith("|")]
        assert all(line.rstrip().endswith("|") for line in rows)


def test_cards_link_to_one_another_and_to_their_list() -> None:
    files = all_cards(_suite(), "html")
    assert set(files) == {"index.html", "slow.html", "quick.html", "last.html", "bm25.html"}
    for page in files.values():
        targets = {keys["href"] for element, keys in _Reader(page).elements if element == "a"}
        pages = {target for target in targets if target and not target.startswith("#")}
        assert pages <= set(files)
        assert len(pages) == 4
    assert not re.search(r'href="[^#]', card_text(_suite(), "slow", "html"))


def test_names_that_would_share_a_file_get_their_own() -> None:
    names = ["a/b", "A-B", "index", "模型", "リランカー"]
    files = all_cards([_record(name, 0.5) for name in names], "markdown")
    assert set(files) == {
        "index.md", "a-b.md", "a-b-2.md", "index-2.md", "reranker.md", "reranker-2.md",
    }  # fmt: skip
    for name in names:
        assert (
            sum(
                page.startswith(f"[{words.BACK}](index.md)\n\n# {name}\n")
                for page in files.values()
            )
            == 1
        )


def test_commands_can_be_pasted() -> None:
    assert words.compare_command("a b", "$(rm)") == "rerankbench compare 'a b' '$(rm)'"
    assert words.compare_command("-h", "x") == "rerankbench compare -- -h x"


def test_unknown_names_and_formats_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no rated reranker 'slwo'; did you mean 'slow'"):
        card_text(_suite(), "slwo", "markdown")
    with pytest.raises(UsageError, match="no format 'htm'; did you mean 'html'"):
        card_text(_suite(), "slow", "htm")


def test_the_chart_has_words_and_a_table_behind_it() -> None:
    card = _card(_suite(), "slow")
    page = _Reader(card_text(_suite(), "slow", "html"))
    pictures = [keys for element, keys in page.elements if element == "svg"]
    assert len(pictures) == 2 and all(keys["role"] == "img" for keys in pictures)
    task = card.tasks[0]
    low, high = task.standing.low, task.standing.high
    assert f"one: {task.standing.rating:.0f} ({low:.0f} to {high:.0f})." in page.seen
    assert f"{task.standing.rating:.0f} ({low:.0f}–{high:.0f})" in page.seen
    assert slug("The figures as a table") in slug(page.seen)
