"""Dollars for a thousand queries, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.results import derived
from rerankbench.types import Price, PriceUnit, Record, Throughput

from .records import build, make_record

# 40 queries of 100 documents each; passes of 18, 20 and 30 seconds.
TIMED = Throughput(
    queries=40,
    pairs=4000,
    tokens=1_200_000,
    padded_tokens=1_200_000,
    truncated_pairs=0,
    warmup_passes_s=(99.0,),
    passes_s=(18.0, 30.0, 20.0),
    searches=60.0,
)
PER: dict[PriceUnit, float] = {"token": 1e6, "search": 1e3, "hour": 1.0}


def _price(amount: float, unit: PriceUnit, currency: str = "USD") -> Price:
    return Price(amount=amount, unit=unit, per=PER[unit], date="2026-11-01", currency=currency)


def _record(
    price: Price | None, timed: Throughput | None = TIMED, name: str = "m", **keys: str
) -> Record:
    record = make_record(name, price=price, **keys)  # type: ignore[arg-type]
    return replace(record, measurements=replace(record.measurements, throughput=timed))


def _column(table: Table, head: str) -> list[str]:
    at = [column.text for column in table.columns].index(head)
    return [row.entries[at].text for row in table.rows]


@pytest.mark.parametrize(
    ("price", "dollars"),
    [
        # 30,000 tokens a query are 30 million for a thousand.
        (_price(0.05, "token"), 1.5),
        # One and a half searches a query.
        (_price(2.0, "search"), 3.0),
        # Half a second a query is 500 s for a thousand.
        (_price(3.6, "hour"), 0.5),
        (_price(0.0, "token"), 0.0),
    ],
)
def test_the_cost_is_price_times_what_was_measured(price: Price, dollars: float) -> None:
    assert derived.usd_per_1000_queries(_record(price)) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("price", "timed"),
    [
        (None, TIMED),
        (_price(1.0, "hour"), None),
        (_price(1.0, "hour", "EUR"), TIMED),
        (_price(1.0, "token"), replace(TIMED, tokens=0)),
        (_price(1.0, "search"), replace(TIMED, searches=0.0)),
        (_price(1.0, "hour"), replace(TIMED, passes_s=())),
    ],
)
def test_what_is_not_known_is_blank(price: Price | None, timed: Throughput | None) -> None:
    assert derived.usd_per_1000_queries(_record(price, timed)) is None


def test_default_layouts_show_costs_once_a_record_has_a_price() -> None:
    plain = [_record(None, name="a"), _record(None, name="b")]
    (table,) = build(plain, load_layout("plain"))
    assert "$/1k" not in [column.text for column in table.columns]
    assert not any("Prices" in note for note in table.notes)
    priced = [plain[0], _record(_price(2.0, "search"), name="b")]
    (table,) = build(priced, load_layout("plain"))
    assert _column(table, "$/1k") == ["", "3.000"]
    assert "Prices: b 2 USD per 1,000 searches (2026-11-01)." in table.notes
    (table,) = build(priced, load_layout("wide"))
    assert _column(table, "$/1k") == ["", "3.000"]


def test_a_layout_chooses_head_and_decimals_and_collections_give_their_median() -> None:
    records = [
        _record(_price(amount, "search"), collection=collection)
        for amount, collection in ((2.0, "fiqa"), (4.0, "nq"), (20.0, "scifact"))
    ]
    column = {"kind": "usd_per_1000_queries", "header": "cost", "decimals": 1}
    layout = Layout.model_validate({"tables": [{"columns": [{"kind": "model"}, column]}]})
    (table,) = build(records, layout)
    assert _column(table, "cost") == ["6.0"]


def test_prices_are_told_once_each_with_their_rows() -> None:
    records = [
        _record(_price(0.02, "token"), name="a"),
        _record(_price(1.5, "hour"), name="b"),
        _record(_price(1.5, "hour"), name="c"),
    ]
    (table,) = build(records, load_layout("plain"))
    assert (
        "Prices: a 0.02 USD per 1M tokens (2026-11-01); "
        "b, c 1.5 USD per hour (2026-11-01)." in table.notes
    )


def test_a_service_is_called_one_and_has_no_dtype() -> None:
    record = make_record("m", dtype=None, device="remote", gpu="NVIDIA H200", docs_per_s=10)
    (table,) = build([record], load_layout("plain"))
    assert "Run on a service, called from machine machine-a; engine torch." in table.notes
