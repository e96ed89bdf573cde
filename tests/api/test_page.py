"""docs/python.md: every example runs, and prints what the page shows.

`python -m tests.api.test_page` writes what they print into the page anew.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from contextlib import chdir, redirect_stdout
from importlib.resources import files
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.M | re.S)


def printed(page: str) -> list[str]:
    """What each example prints, run one after the other in the folder that the page speaks of."""
    model = Path(str(files("rerankbench"))) / "rerankers" / "demo-cross-encoder"
    Path("my-model").symlink_to(model, target_is_directory=True)
    names: dict[str, object] = {"__name__": "page"}
    found = []
    for at, (code, _) in enumerate(_EXAMPLE.findall(page)):
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(code, f"example {at + 1}", "exec"), names)
        found.append("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))
    return found


def test_examples_print_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    shown = [text for _, text in _EXAMPLE.findall(page)]
    assert len(shown) >= 10
    assert printed(page) == shown


def _write() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.environ["RERANKBENCH_HOME"] = str(Path(folder) / "home")
        outputs = iter(printed(page))
    written = _EXAMPLE.sub(lambda found: _filled(found, next(outputs)), page)
    PAGE.write_text(written, encoding="utf-8")


def _filled(found: re.Match[str], output: str) -> str:
    block = f"```python\n{found[1]}```\n"
    return f"{block}\n```text\n{output}```\n" if output else block


if __name__ == "__main__":
    _write()
