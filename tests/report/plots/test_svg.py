"""Figures as SVG: the same bytes every time, text as text, colours and names of the page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rerankbench.report.plots import curves, intervals, latency, trade_off
from rerankbench.report.plots.look import NARROW, SERIES, VARIABLES, WIDE, Size, log_ticks, short
from rerankbench.report.plots.svg import inline, png_file, svg_file
from rerankbench.report.plots.trade_off import Reference, TradeOffPoint, best
from tests.report.suite import HOSTILE


def _point(name: str, cost: float, quality: float) -> TradeOffPoint:
    low, high = quality - 0.02, quality + 0.03
    return TradeOffPoint(name=name, cost=cost, quality=quality, low=low, high=high)


POINTS = [
    _point(name, 10.0 * (at + 1), 0.3 + 0.05 * (at % 4))
    for at, name in enumerate((*HOSTILE, "plain", "文字化け", "a\x00b\x1b[31m"))
]
TRADE_OFF = partial(
    trade_off.draw,
    POINTS,
    cost_label="Docs/s",
    quality_label="nDCG@10",
    more_is_better=True,
    reference=Reference(name="bm25 alone", quality=0.31),
)
ESTIMATE = intervals.Estimate(mean=0.5, low=0.4, high=0.6, queries=20)
NAMES = [point.name for point in POINTS]
INTERVALS = partial(
    intervals.draw,
    [
        intervals.IntervalPanel(
            title=name, estimates=dict.fromkeys(NAMES, ESTIMATE), reference=0.3
        )
        for name in HOSTILE
    ],
    NAMES,
    quality_label="nDCG@10",
)
LATENCY = partial(
    latency.draw,
    [latency.LatencyPanel(title=HOSTILE[0], requests_ms={key: [5.0, 7.0, 90.0] for key in NAMES})],
    NAMES,
)
CURVES = [
    curves.CurvePanel(
        title=HOSTILE[1],
        curves=tuple(
            curves.Curve(name=name, line=((0, 0.4), (10, 0.5), (20, 0.45)), points=((3, 0.1),))
            for name in NAMES
        ),
    )
]
KINDS = [
    TRADE_OFF,
    INTERVALS,
    LATENCY,
    partial(curves.depths, CURVES),
    partial(curves.by_length, CURVES),
]


def _page_svg(draw: partial[Figure], size: Size = WIDE, name: str = "plot") -> str:
    return inline(
        draw,
        size,
        identifier=name,
        title="A <title>",
        description="What & how",
        labels={"point-0": "<script>hint</script>"},
    )


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=lambda size: size.name)
@pytest.mark.parametrize(
    "draw", KINDS, ids=["trade-off", "intervals", "latency", "depth", "length"]
)
def test_every_plot_is_sound_svg_with_hostile_names_as_text(
    draw: partial[Figure], size: Size
) -> None:
    root = ElementTree.fromstring(_page_svg(draw, size))
    assert {element.tag for element in root.iter()} <= {
        "svg", "g", "defs", "path", "use", "text", "clipPath", "rect", "title", "desc"
    }  # fmt: skip
    shown = " ".join(element.text or "" for element in root.iter("text"))
    assert short(HOSTILE[4], size.longest) in shown or short(HOSTILE[4]) in shown
    assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)


@pytest.mark.parametrize(
    "draw", KINDS, ids=["trade-off", "intervals", "latency", "depth", "length"]
)
def test_the_same_values_give_the_same_bytes(draw: partial[Figure]) -> None:
    files = [(svg_file(draw, NARROW, "x"), png_file(draw, NARROW, "x")) for _ in range(2)]
    assert files[0] == files[1]
    assert files[0][1].startswith(b"\x89PNG")
    assert b"<dc:date" not in files[0][0]


def test_a_picture_on_a_page_takes_the_pages_colours_and_font() -> None:
    made = _page_svg(TRADE_OFF)
    assert not re.search(r"#[0-9a-f]{6}\b", made)
    assert "font-family" not in made
    assert "var(--accent)" in made
    assert "<style" not in made
    assert "rgb(" not in made


def test_the_stylesheet_knows_every_colour_by_the_same_name() -> None:
    sheet = (Path(trade_off.__file__).parents[1] / "page.css").read_text(encoding="utf-8")
    light, dark = sheet.split("@media (prefers-color-scheme: dark)", 1)
    for colour, name in VARIABLES.items():
        assert f"{name}: {colour}" in light
        assert f"{name}: " in dark


def test_a_picture_has_a_name_a_description_and_hints() -> None:
    root = ElementTree.fromstring(_page_svg(TRADE_OFF, name="speed"))
    assert root.get("role") == "img"
    labels = (root.get("aria-labelledby") or "").split()
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert [by_id[label] for label in labels] == ["A <title>", "What & how"]
    hints = [element.text for element in root.findall(".//g/title")]
    assert hints == ["<script>hint</script>"]


def test_two_pictures_share_no_identifier_and_refer_to_their_own() -> None:
    roots = [ElementTree.fromstring(_page_svg(INTERVALS, name=name)) for name in ("a", "b")]
    found = [[e.get("id") for e in root.iter() if e.get("id")] for root in roots]
    assert not set(found[0]) & set(found[1])
    for root, names in zip(roots, found, strict=True):
        assert len(names) == len(set(names))
        used = {e.get("href", "")[1:] for e in root.iter("use")}
        used |= {
            match for e in root.iter() for match in re.findall(r"#([^)]+)", e.get("clip-path", ""))
        }
        assert used <= set(names)


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    _page_svg(LATENCY)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("low", [0.001, 0.9, 3.0, 47.0, 980.0])
@pytest.mark.parametrize("factor", [1.05, 1.3, 2.0, 8.0, 100.0, 1e5, 1e9])
def test_a_logarithmic_axis_has_few_round_numbers(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor, 6)
    assert 2 <= len(ticks) <= 7
    assert ticks == sorted(ticks)
    assert all(low <= tick <= low * factor for tick in ticks)


def test_a_name_is_shortened_to_the_model_and_cut_in_the_middle() -> None:
    assert short("owner/model-v2") == "model-v2"
    assert short("a </b> c") == "a </b> c"
    assert short("x" * 30 + "y" * 30, 11) == "xxxxx…yyyyy"
    assert short("a\x00b") == "a\ufffdb"


def test_on_the_front_cheaper_and_better_both_count() -> None:
    points = [
        _point("dear", 10, 0.6),
        _point("cheap", 1, 0.4),
        _point("beaten", 5, 0.4),
    ]
    assert [points[at].name for at in best(points, more_is_better=False)] == ["cheap", "dear"]
    assert [points[at].name for at in best(points, more_is_better=True)] == ["dear"]


@pytest.mark.parametrize(
    ("quality", "names"), [(0.39, ["cheap", "dear"]), (0.4, ["dear"]), (0.6, [])]
)
def test_what_is_no_better_than_the_first_stage_is_not_on_the_front(
    quality: float, names: list[str]
) -> None:
    points = [_point("dear", 10, 0.6), _point("cheap", 1, 0.4)]
    reference = Reference(name="bm25 alone", quality=quality)
    found = best(points, more_is_better=False, reference=reference)
    assert [points[at].name for at in found] == names
    drawn = partial(
        trade_off.draw,
        points,
        cost_label="$/1k",
        quality_label="nDCG@10",
        more_is_better=False,
        reference=reference,
    )
    # Where the front is empty there is no line to draw.
    assert "bm25 alone" in _page_svg(drawn)


@pytest.mark.parametrize("count", [2, 19, 20, 21, 5000])
def test_requests_are_thinned_evenly_and_keep_their_ends(count: int) -> None:
    values: Sequence[float] = [float(at) for at in range(count)]
    found = latency.thinned(values[::-1], 20)
    assert len(found) == min(count, 20)
    assert (found[0], found[-1]) == (0, count - 1)
    gaps = {round(b - a) for a, b in itertools.pairwise(found)}
    assert max(gaps) - min(gaps) <= 1


def test_no_two_lines_of_a_plot_look_alike() -> None:
    from rerankbench.report.plots.look import style

    styles = [(s["color"], str(s["linestyle"]), s["marker"]) for s in map(style, range(60))]
    assert len(set(styles)) == 60
    assert len({(dashes, marker) for _, dashes, marker in styles[: len(SERIES)]}) == len(SERIES)


@pytest.mark.parametrize("dpi", [72, 144])
def test_names_stand_beside_their_points_at_any_resolution(dpi: int) -> None:
    points = [
        _point("one model", 10, 0.4),
        _point("b", 90, 0.6),
    ]
    figure = trade_off.draw(points, WIDE, cost_label="c", quality_label="q", more_is_better=True)
    figure.set_dpi(dpi)
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    (axes,) = figure.axes
    for point in points:
        (text,) = [each for each in axes.texts if each.get_text() == point.name]
        x, y = axes.transData.transform((point.cost, point.quality))
        extent = text.get_window_extent()
        away = max(extent.x0 - x, x - extent.x1, extent.y0 - y, y - extent.y1) * 72 / dpi
        assert 3 < away < 20
