"""A leaderboard between two markers of a document that people write; the rest stays untouched."""

from __future__ import annotations

import re
from pathlib import Path

from rerankbench.errors import InputError, UsageError
from rerankbench.files import partials
from rerankbench.files.plain_names import is_plain
from rerankbench.files.whole import read_whole, rewrite

_ANY_MARKER = re.compile(r"<!--\s*rerankbench:(begin|end)\b")


def inject(path: Path, name: str, body: str) -> bool:
    """Replace what stands between the markers of that name; True if the file changed.

    Everything else in the file stays byte for byte as it is; the block gets the line ends of
    its begin marker. Raises InputError unless the markers are one pair in order, UsageError for
    a name or a body that would break them.
    """
    try:
        path.stat()
    except FileNotFoundError:
        remedy = f"make the file, with two lines in it: {_both(name)}"
        raise InputError(path, "no such file", remedy=remedy) from None
    except OSError:
        pass  # Reading it below says what is wrong.
    before = read_whole(path)
    after = replace_block(before, name, body, path=path)
    if after == before:
        partials.clear(path.resolve().parent)
        return False
    rewrite(path, after)
    return True


def replace_block(text: bytes, name: str, body: str, *, path: Path) -> bytes:
    """The same text with `body` between the markers; raises as `inject` does."""
    if not is_plain(name):
        raise UsageError(f"'{name}' cannot name a block; use letters, digits, '.', '_' and '-'")
    if _ANY_MARKER.search(body):
        raise UsageError("the text to inject holds a rerankbench marker itself; take it out")
    begin, end = _markers(text, name, path)
    newline = "\r\n" if text[begin.start() : begin.end()].endswith(b"\r\n") else "\n"
    lines = ["", *body.strip("\n").split("\n"), ""]
    block = "".join(line + newline for line in lines) if body.strip("\n") else newline
    return text[: begin.end()] + block.encode() + text[end.start() :]


def _markers(text: bytes, name: str, path: Path) -> tuple[re.Match[bytes], re.Match[bytes]]:
    """The two lines that hold nothing but the markers."""
    markers = {side: list(_marker(side, name).finditer(text)) for side in ("begin", "end")}
    for side, matches in markers.items():
        if not matches:
            side_of_table = "above" if side == "begin" else "below"
            remedy = f"add a line `{_written(side, name)}` {side_of_table} the table's place"
            raise InputError(path, f"no {side} marker of the block '{name}'", remedy=remedy)
        if len(matches) > 1:
            lines = " and ".join(str(_line_number(text, match)) for match in matches)
            problem = f"the {side} marker of the block '{name}' stands on lines {lines}"
            raise InputError(path, problem, remedy="keep one, or rename the others")
    begin, end = markers["begin"][0], markers["end"][0]
    if end.start() < begin.end():
        problem = f"the end marker of the block '{name}' stands above its begin marker"
        line = _line_number(text, end)
        raise InputError(path, problem, line=line, remedy=f"put them in order: {_both(name)}")
    return begin, end


def _marker(side: str, name: str) -> re.Pattern[bytes]:
    # Alone on its line, so that a sentence about markers is not taken for one. The line end
    # after the end marker belongs to the text below, which stays; a file may end without one.
    form = rf"^[ \t]*<!--\s*rerankbench:{side}\s+{re.escape(name)}\s*-->[ \t]*(?:\r?\n|\r?\Z)"
    return re.compile(form.encode(), re.MULTILINE)


def _written(side: str, name: str) -> str:
    return f"<!-- rerankbench:{side} {name} -->"


def _both(name: str) -> str:
    return f"`{_written('begin', name)}` and `{_written('end', name)}`"


def _line_number(text: bytes, match: re.Match[bytes]) -> int:
    return text.count(b"\n", 0, match.start()) + 1
