"""Tables on a page."""

from __future__ import annotations
from rerankbench.leaderboard.table import Table
from rerankbench.report.page import Html, tag, text, wide


def table_html(table: Table) -> Html:
    head = tag(
        "tr",
        *(
            tag("th", text(c.text), scope="col", class_="number" if c.align == "right" else None)
            for c in table.columns
        ),
    )
    rows = [
        tag(
            "tr",
            *(
                tag(
                    "th" if i == 0 else "td",
                    text(e.text),
                    scope="row" if i == 0 else None,
                    class_="number" if table.columns[i].align == "right" else None,
                    data_value=e.value,
                )
                for i, e in enumerate(r.entries)
            ),
        )
        for r in table.rows
    ]
    return wide(tag("table", tag("thead", head), tag("tbody", *rows)), table.title or "Table")


def tables_html(tables) -> Html:
    from rerankbench.report.page import join

    return join(
        part
        for t in tables
        for part in (
            tag("h3", text(t.title)) if t.title else "",
            table_html(t),
            *(tag("p", text(n), class_="note") for n in t.notes),
        )
    )
