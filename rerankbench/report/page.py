"""Self-contained pages, filled into the templates beside this file.

Style and script are part of the page, and its policy lets the browser load nothing else. All
text except `Markup` is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import fill, isolated
from rerankbench.leaderboard.table import is_address

_FOLDER = Path(__file__).parent
TEMPLATES = _FOLDER / "templates"


def page(
    template: str,
    title: str,
    *,
    description: str,
    contents: Sequence[tuple[str, str]] = (),
    script: str = "",
    **values: object,
) -> str:
    """A whole page: heading, the description as its first paragraph, then the template's body.

    `contents` are the identifier and the title of every section. `script` is our own code, never
    text from a file; it adds a button that switches between light and dark.
    """
    markup = fill(
        template,
        TEMPLATES,
        title=title,
        description=description,
        contents=contents,
        script=Markup(script),
        policy=_policy(script),
        style=_style(),
        link=link,
        **values,
    )
    return str(markup)


def link(address: str, label: str) -> Markup:
    """A link to the web or to a page beside this one; anything else becomes the label alone."""
    if not is_address(address):
        return isolated(label)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, isolated(label))


def _policy(script: str) -> str:
    """A policy under which nothing is loaded, and only our script runs, known by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _style() -> Markup:
    return Markup((_FOLDER / "page.css").read_text(encoding="utf-8"))
