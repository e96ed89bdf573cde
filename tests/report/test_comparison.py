"""Two models side by side on paper: every format shows the same, and no text becomes markup."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rerankbench.compare.pairs import pair_places, pair_rerankers
from rerankbench.compare.side_by_side import Comparison, QueryDifference, RankedDocument, compare
from rerankbench.report.comparison import html
from rerankbench.report.comparison import json as comparison_json
from rerankbench.report.comparison import markdown as as_markdown
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Document
from tests.leaderboard.records import make_record

HOSTILE = (
    "<script>alert(1)</script>",
    "# a heading",
    "1. one 2) two",
    "x " * 40 + "- a list",
    "x " * 36 + "12. twelve",
    "=== \n---\n```\ncode",
    "| a | b |\x1b[31m\u202eevil",
    "[link](javascript:alert(1)) ![i](http://x) *b* _u_ `c` $m$ &amp;",
    "x" * 5000,
    "مرحبا بالعالم",
    "",
)


def _comparison(**changes: Any) -> Comparison:
    a = make_record("a", {"nDCG@10": [0.0, 0.5, 1.0]}, docs_per_s=100, requests_s=[0.1] * 3)
    b = make_record("b", {"nDCG@10": [0.9, 0.5, 0.7]}, docs_per_s=50, requests_s=[0.2] * 3)
    (found,) = compare(pair_rerankers(RecordSet([a, b]), "a", "b").pairs, "nDCG@10", queries=2)
    return replace(found, **changes)


def _query(text: str | None, doc_id: str = "d1") -> QueryDifference:
    return QueryDifference(
        query_id="q",
        text=text,
        judged=True,
        a=0.0,
        b=0.9,
        first_a=(RankedDocument(doc_id=doc_id, grade=None, first_stage_rank=None),),
        first_b=(RankedDocument(doc_id="d2", grade=2, first_stage_rank=7),),
    )


class _Outline(HTMLParser):
    """Elements in order, and all text outside of style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside != "style" else ""


def _kinds(markdown: str) -> list[str]:
    """The blocks and inline elements that Markdown sees, without the words."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        inline = [child.type for child in token.children or () if child.type != "softbreak"]
        found += [token.type, *(kind for kind in inline if kind != "text")]
    return found


def test_markdown_says_what_the_records_say_within_eighty_columns() -> None:
    text = as_markdown.render([_comparison()], ["only here"])
    assert "| scifact    | 0.500 | 0.700 | +0.200 |" in text
    assert re.search(r"^\| A +\| +100 \| +100 \| +100 \|$", text, re.M)
    assert re.search(r"^\| B +\| +50 \| +200 \| +200 \|$", text, re.M)
    assert "- B is better on 1 of 3 queries, worse on 1, equal on 1" in text
    assert "- only here" in text
    assert "- q0: (text not kept)\n  nDCG@10 0.000 and 0.900 (+0.900)\n" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_documents_show_what_is_known_of_them() -> None:
    documents = {"d2": Document(doc_id="d2", title="Title", text="word " * 100)}
    text = as_markdown.render([_comparison(differing=(_query("what?"),), documents=documents)], [])
    assert "    1. d1 (unjudged)\n" in text
    assert "    1. d2 (grade 2, first stage 7)\n       Title — word" in text
    assert "word…" in text
    unknown = replace(_query("what?"), judged=False, first_b=())
    text = as_markdown.render([_comparison(differing=(unknown,))], [])
    assert "    1. d1\n" in text
    assert "  - b (B) ranked nothing\n" in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_becomes_markdown(hostile: str) -> None:
    documents = {"d2": Document(doc_id="d2", title=hostile, text=hostile)}
    plain_documents = {"d2": Document(doc_id="d2", title="plain", text="plain")}
    plain = as_markdown.render(
        [_comparison(differing=(_query("plain", "plain"),), documents=plain_documents)], ["plain"]
    )
    found = as_markdown.render(
        [_comparison(differing=(_query(hostile, hostile or "x"),), documents=documents)],
        [hostile or "x"],
    )
    assert _kinds(found) == _kinds(plain)
    assert all(character.isprintable() or character == "\n" for character in found)


@pytest.mark.parametrize(
    "mark", ["-", "+", "#", "######", "1.", "12)", "---", "- - -", "===", "=", "-1", ".", ">", "*"]
)
def test_no_mark_at_the_start_of_a_line_becomes_markdown(mark: str) -> None:
    plain = _kinds(as_markdown.render([_comparison(differing=(_query("a " * 40),))], []))
    for length in (0, *range(66, 80)):
        text = f"{'x' * length} {mark} word {'y' * 40}" if length else f"{mark} word {'y' * 90}"
        found = as_markdown.render([_comparison(differing=(_query(text),))], [])
        assert _kinds(found) == plain


@given(st.text(st.characters(codec="utf-8"), max_size=120))
def test_no_query_becomes_markdown(text: str) -> None:
    found = as_markdown.render([_comparison(differing=(_query(f"a {text}"),))], [])
    assert _kinds(found) == _kinds(as_markdown.render([_comparison(differing=(_query("a"),))], []))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_becomes_html(hostile: str) -> None:
    documents = {"d2": Document(doc_id="d2", title=f"t{hostile}", text=hostile)}
    found = _Outline(
        html.render(
            [_comparison(differing=(_query(hostile, hostile),), documents=documents)], ["n"]
        )
    )
    plain = {"d2": Document(doc_id="d2", title="plain", text="plain")}
    expected = _Outline(
        html.render([_comparison(differing=(_query("plain"),), documents=plain)], ["plain"])
    )
    assert found.tags == expected.tags
    assert "\x1b" not in found.text and "\u202e" not in found.text
    assert len(found.text) < 2500


def test_html_shows_both_with_their_queries() -> None:
    page = _Outline(html.render([_comparison(differing=(_query("what is it?"),))], []))
    for part in ("what is it?", "0.500", "0.700", "+0.200", "d1 unjudged", "d2 grade 2, first"):
        assert part in page.text
    assert "nav" not in page.tags, "one collection needs no contents"
    assert "script" not in page.tags


def test_several_collections_have_contents_and_one_adjusted_p() -> None:
    records = [
        make_record(name, {"nDCG@10": values}, collection=collection)
        for collection in ("nq", "fiqa")
        for name, values in (("a", [0.0, 0.1]), ("b", [0.5, 0.2]))
    ]
    pairing = pair_rerankers(RecordSet(records), "a", "b")
    found = compare(pairing.pairs, "nDCG@10", queries=1)
    text = as_markdown.render(found, pairing.notes)
    assert "p: two-sided paired randomisation test, after Holm over 2 comparisons." in text
    assert text.index("### fiqa (test), bm25 top-100\n") < text.index("### nq (test), bm25")
    page = _Outline(html.render(found, pairing.notes))
    assert page.tags.count("section") == 2 and "nav" in page.tags


def test_places_name_the_reranker_in_every_row() -> None:
    a, b = make_record("model", docs_per_s=1), make_record("model", machine="m2", docs_per_s=1)
    pairs = pair_places((RecordSet([a]), RecordSet([b])), ("main", "branch")).pairs
    text = as_markdown.render(compare(pairs, "nDCG@10", queries=1), [])
    assert "## main and branch, nDCG@10" in text
    assert "| scifact: model |" in text
    assert "### scifact (test), bm25 top-100: model" in text
    assert "- speeds compare only on one machine and device: A ran on Test CPU, 8 cores" in text


def test_json_holds_every_figure_and_text() -> None:
    documents = {"d2": Document(doc_id="d2", title="T", text="long " * 99)}
    comparison = _comparison(differing=(_query("was\nanders"),), documents=documents)
    found = json.loads(comparison_json.render([comparison], ["n"]))
    (one,) = found["comparisons"]
    assert (found["a"], found["b"], found["metric"], found["notes"]) == (
        "a",
        "b",
        "nDCG@10",
        ["n"],
    )
    assert one["difference"] == pytest.approx(one["mean_b"] - one["mean_a"])
    assert (one["wins"], one["losses"], one["ties"], one["queries"]) == (1, 1, 1, 3)
    assert one["docs_per_s"] == [100, 50]
    assert one["latency_ms"]["p50"] == pytest.approx([100, 200])
    (query,) = one["differing"]
    assert query["text"] == "was\nanders"
    assert query["first_b"][0] == {
        "doc_id": "d2",
        "grade": 2,
        "first_stage_rank": 7,
        "title": "T",
        "text": "long " * 99,
    }
