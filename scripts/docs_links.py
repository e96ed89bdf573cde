"""A hook of mkdocs: links from a page to files of the repository that are no pages.

On a code host `[faults](../benchmarks/faults.py)` works as it stands. The site holds only docs/,
so there the link becomes its text with the path behind it, or a link to the host where mkdocs.yml
names a `repo_url`. A path that does not exist fails a strict build.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s:#]+)(?:#[^)]*)?\)")
_log = logging.getLogger("mkdocs.hooks.docs_links")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Called by mkdocs with the text of each page before it becomes HTML."""
    docs = Path(config.docs_dir)
    folder = (docs / page.file.src_uri).parent
    return _LINK.sub(lambda link: _outside(link, folder, docs, config.repo_url), markdown)


def _outside(link: re.Match[str], folder: Path, docs: Path, host: str | None) -> str:
    """The link as it stands where it leads to a page or a picture; else what replaces it."""
    text, target = link.groups()
    file = Path(os.path.normpath(folder / target))
    if file.is_relative_to(docs) and file.suffix in (".md", ".png", ".svg"):
        return link.group()
    path = os.path.relpath(file, docs.parent)
    if not file.exists():
        _log.warning(
            "%s links to %s, which is not in the repository",
            os.path.relpath(folder, docs.parent),
            path,
        )
    if host:
        return f"[{text}]({host.rstrip('/')}/blob/HEAD/{path})"
    return text if text.strip("`/") == path.strip("/") else f"{text} (`{path}` in the repository)"
