"""Ways in which a file or folder goes wrong: bits, lines, values, keys, and whole files.

Every choice is drawn from a `random.Random`: a seed repeats it, and Hypothesis can steer it.
"""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

MOST_MUTATIONS = 3
_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\t",
    b'"',
    b"{",
    b"]",
    b"-",
    b"9" * 30,
)
_NUMBERS = (
    b"-1",
    b"0",
    b"1e308",
    b"-1e400",
    b"NaN",
    b"0.5",
    b"4294967296",
    b"99999999999999999999",
)
_STRINGS = ("", " ", "x" * 400, "\x1b[2J", "../up", "a/b", "&amp;<b>", "ü\u202e", "0", "true")
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, -(2**70), 0.5, -0.0, 1e308, 1e-320,
    float("nan"), float("inf"), [], {}, [[]], [None], ["x", 1], {"x": {"y": [1]}},
)  # fmt: skip


def mutate_folder(random: Random, folder: Path) -> list[str]:
    """Change one to three things in the files of a folder; what was done, in words."""
    done = []
    for _ in range(random.randint(1, MOST_MUTATIONS)):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            break
        path = random.choice(files)
        change = random.choice(_WAYS)
        done.append(f"{path.relative_to(folder)}: {change(random, path)}")
    return done


def _bytes(random: Random, path: Path) -> str:
    body = bytearray(_unpacked(path))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(body) + 1)
        match random.randrange(4):
            case 0 if at < len(body):
                body[at] ^= 1 << random.randrange(8)
            case 1:
                body[at:at] = random.choice(_BYTES)
            case 2:
                del body[at : at + random.randint(1, 40)]
            case _:
                body[at:at] = body[at : at + random.randint(1, 200)]
    _pack(path, bytes(body))
    return "bytes changed"


def _number(random: Random, path: Path) -> str:
    body = _unpacked(path)
    places = [at for at in range(len(body)) if body[at : at + 1].isdigit()]
    if not places:
        return "no number to change"
    start = end = random.choice(places)
    while start and body[start - 1 : start] in b"0123456789.-":
        start -= 1
    while end < len(body) and body[end : end + 1] in b"0123456789.e+-":
        end += 1
    value = random.choice(_NUMBERS)
    _pack(path, body[:start] + value + body[end:])
    return f"a number became {value.decode()}"


def _lines(random: Random, path: Path) -> str:
    lines = _unpacked(path).split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            lines[at], lines[other] = lines[other], lines[at]
            what = "lines swapped"
        case 1:
            lines.insert(other, lines[at])
            what = "a line twice"
        case 2:
            del lines[at]
            what = "a line less"
        case _:
            del lines[at:]
            what = "cut off at a line"
    _pack(path, b"\n".join(lines))
    return what


def _value(random: Random, path: Path) -> str:
    """Another value, a key less, a key renamed: where the file is JSON, JSON lines or YAML."""
    text = _unpacked(path).decode(errors="replace")
    tree, write = _parsed(random, path, text)
    if write is None:
        return _bytes(random, path)
    places = list(_places(tree))
    if not places:
        return _bytes(random, path)
    holder, key = random.choice(places)
    if isinstance(holder, dict) and random.randrange(4) == 0:
        value = holder.pop(key)
        if random.randrange(2):
            holder[f"{key}_"] = value
        what = f"no {key!r}"
    else:
        value = random.choice((*_VALUES, *_STRINGS))
        holder[key] = value
        what = f"{key!r} became {str(value)[:20]!r}"
    _pack(path, write(tree).encode(errors="replace"))
    return what


def _whole(random: Random, path: Path) -> str:
    """The file as a whole is gone, empty, a folder, another file, packed, or cut."""
    body = path.read_bytes()
    match random.randrange(6):
        case 0:
            path.unlink()
            return "gone"
        case 1:
            path.write_bytes(b"")
            return "empty"
        case 2:
            path.unlink()
            path.mkdir()
            return "a folder"
        case 3:
            others = sorted(other for other in path.parent.iterdir() if other.is_file())
            other = random.choice(others)
            if other != path:
                shutil.copy(other, path)
            return f"{other.name} in its place"
        case 4:
            path.write_bytes(gzip.compress(body, mtime=0))
            return "packed"
        case _:
            path.write_bytes(body[: random.randrange(len(body) + 1)])
            return "cut off"


_WAYS: tuple[Callable[[Random, Path], str], ...] = (
    _bytes,
    _number,
    _lines,
    _value,
    _value,
    _whole,
)


def _unpacked(path: Path) -> bytes:
    body = path.read_bytes()
    if not _is_packed(path):
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, OSError, zlib.error):
        return body  # Broken by an earlier mutation.


def _pack(path: Path, body: bytes) -> None:
    path.write_bytes(gzip.compress(body, mtime=0) if _is_packed(path) else body)


def _is_packed(path: Path) -> bool:
    return path.suffix == ".gz"


def _parsed(random: Random, path: Path, text: str) -> tuple[Any, Callable[[Any], str] | None]:
    """The tree of a file and how it is written again; no way where it is neither kind."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    try:
        if kind == "json":
            return json.loads(text), json.dumps
        if kind == "jsonl":
            lines = text.split("\n")
            at = random.randrange(len(lines))
            return json.loads(lines[at]), lambda tree: "\n".join(
                [*lines[:at], json.dumps(tree), *lines[at + 1 :]]
            )
        if kind in ("yaml", "yml"):
            return yaml.safe_load(text), lambda tree: str(yaml.safe_dump(tree, allow_unicode=True))
    except (ValueError, RecursionError, yaml.YAMLError):
        pass  # Broken by an earlier mutation: its bytes are changed instead.
    return None, None


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    keys: list[Any] = []
    if isinstance(tree, dict):
        keys = list(tree)
    elif isinstance(tree, list):
        keys = list(range(len(tree)))[:50]
    return [(tree, key) for key in keys] + [place for key in keys for place in _places(tree[key])]
