"""Pages that need nothing but themselves, filled into the templates beside this file.

Style and script lie inside a page, and its policy lets the browser load nothing else. Whatever is
no `Markup` is escaped.
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
    a text out of a file; with it comes a button that changes between light and dark.
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
    """A link to the web or to a page beside this one; for all else the label alone."""
    if not is_address(address):
        return isolated(label)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, isolated(label))


def _policy(script: str) -> str:
    """Nothing is loaded from anywhere; of scripts only ours runs, known by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _style() -> Markup:
    return Markup((_FOLDER / "page.css").read_text(encoding="utf-8"))
