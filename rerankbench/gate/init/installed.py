"""How this rerankbench was installed, as a requirement that pip installs elsewhere."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

NAME = "rerankbench"


def requirement(folder: Path, installed: Distribution | None = None) -> str | None:
    """What pip must install on another machine, in a checkout of `folder`, to get this version.

    A release of an index (`rerankbench==0.1.0`), a commit of a repository, an archive's address,
    or a path inside `folder`. None where another machine cannot get it: a folder
    or a file elsewhere on this one, or sources that were never installed. What installers write
    into direct_url.json decides (PyPA's "Recording the Direct URL Origin").
    """
    try:
        installed = installed or distribution(NAME)
    except PackageNotFoundError:
        return None
    recorded = installed.read_text("direct_url.json")
    if recorded is None:
        return f"{NAME}=={installed.version}"
    origin = json.loads(recorded)
    url, subdirectory = origin["url"], origin.get("subdirectory")
    if urlsplit(url).scheme == "file":
        return _inside(folder, Path(url2pathname(urlsplit(url).path)), subdirectory)
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return f"{NAME} @ {url}" + (f"#subdirectory={subdirectory}" if subdirectory else "")


def _inside(folder: Path, path: Path, subdirectory: str | None) -> str | None:
    folder, path = folder.resolve(), (path / (subdirectory or "")).resolve()
    return f"./{path.relative_to(folder).as_posix()}" if path.is_relative_to(folder) else None
