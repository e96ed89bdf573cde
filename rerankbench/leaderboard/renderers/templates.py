"""HTML templates: every inserted value is escaped and stays on one line.

`Markup` alone is left as it is, so that a text which was forgotten shows as text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rerankbench.leaderboard.table import printable

_FOLDER = Path(__file__).with_name("templates")


def fill(name: str, folder: Path = _FOLDER, /, **values: object) -> Markup:
    """A template of `folder`, or else of the leaderboard, filled with these values."""
    return Markup(_environment(folder).get_template(name).render(values))


def isolated(text: str) -> Markup:
    """A name or text from a file, escaped, with its text direction isolated."""
    return Markup("<bdi>{}</bdi>").format(printable(text))


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(isolated=isolated, raw=repr)
    return environment


def _one_line(value: object) -> str:
    return value if isinstance(value, Markup) else printable(str(value))
