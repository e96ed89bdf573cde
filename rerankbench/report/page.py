"""The shell of a page, and how text becomes HTML.

A page is one file: style and script are inside it, and its policy lets the browser load nothing
else. What is `Html` is markup already; `tag` escapes every other string, so that a text which was
forgotten shows as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from rerankbench.leaderboard.table import is_address, printable

_VOID = frozenset({"br", "col", "hr", "img", "meta"})

Attribute: TypeAlias = "str | int | float | bool | None"


class Html(str):
    """Markup that needs no escaping any more."""

    __slots__ = ()


def text(value: str) -> Html:
    """A name or text out of a file: one printable line, escaped, its direction kept to itself."""
    return Html(f"<bdi>{html.escape(printable(value))}</bdi>")


def join(parts: Iterable[str]) -> Html:
    """Markup in a row; what is no `Html` is escaped."""
    return Html("".join(map(_escaped, parts)))


def tag(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element: `tag("p", "as of ", text(day), class_="muted")`.

    Strings among the children are escaped unless they are `Html`. `class_` is `class` and
    `aria_label` is `aria-label`. True is an attribute without a value, None and False none at all.
    """
    opened = f"<{name}{''.join(_attribute(*each) for each in attributes.items())}>"
    return Html(opened if name in _VOID else f"{opened}{join(children)}</{name}>")


def link(address: str, label: str) -> Html:
    """A link to the web, within the page or to a page beside it; for all else the label alone."""
    shown = label if isinstance(label, Html) else text(label)
    within = address.startswith("#")
    if not within and not is_address(address):
        return shown
    return tag("a", shown, href=address, rel=None if within else "noreferrer")


def wide(content: Html, label: str) -> Html:
    """A frame in which a wide table scrolls by itself, with the keyboard as well."""
    return tag("div", content, class_="wide", role="region", tabindex=0, aria_label=label)


def section(identifier: str, title: str, *children: str) -> Html:
    """A part of the page under a heading, which the contents can link to."""
    heading = tag("h2", title, id=f"{identifier}-title")
    return tag("section", heading, *children, id=identifier, aria_labelledby=f"{identifier}-title")


def page(
    title: str,
    body: Html,
    *,
    description: str,
    contents: Sequence[tuple[str, str]] = (),
    script: str = "",
) -> str:
    """A whole page: heading, the description as its first paragraph, then `body`.

    `contents` are the identifier and the title of every section. `script` is our own code, never
    a text out of a file; with it comes a button that changes between light and dark.
    """
    head = join(
        (
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("meta", name="description", content=description),
            tag("title", printable(title)),
            tag("style", Html(_style())),
        )
    )
    main = tag(
        "main",
        tag("header", tag("h1", text(title)), tag("p", text(description), class_="lead")),
        body,
        id="main",
        tabindex=-1,
    )
    content = join(
        (
            tag("a", "Skip to the content", class_="skip", href="#main"),
            _bar(contents, script),
            main,
            tag("script", Html(script)) if script else "",
        )
    )
    return "<!doctype html>\n" + tag("html", tag("head", head), tag("body", content), lang="en")


def _bar(contents: Sequence[tuple[str, str]], script: str) -> Html:
    """The way through the page, which stays in sight, and the button for light and dark."""
    items = [tag("li", link(f"#{place}", Html(_escaped(name)))) for place, name in contents]
    nav = tag("nav", tag("ul", *items), aria_label="Sections") if items else ""
    toggle = tag("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True)
    return tag("div", nav, toggle if script else "", class_="bar") if items or script else Html()


def _policy(script: str) -> str:
    """Nothing is loaded from anywhere; of scripts only ours runs, known by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _escaped(part: str) -> str:
    if isinstance(part, Html):
        return part
    seen = (c if c.isprintable() or c in "\n\t\u00a0" else "\ufffd" for c in part)
    return html.escape("".join(seen))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{html.escape(printable(str(value)))}"'
