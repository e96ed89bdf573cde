"""Reads YAML that people write: plain values, unique keys, bounded size.

A few lines of anchors can stand for more values than a memory holds. The reader itself shares
them, but whatever looks at the values afterwards, such as a check or a message, sees each one.
So they are counted as they would be seen, before any is made.

PyYAML reads YAML 1.1, in which 010 is 8, 1:30 is 90 and 1e-3 is a text. In files that people write
for rerankbench the first two are refused, and the third is the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from rerankbench.errors import InputError
from rerankbench.files.whole import read_lines

MOST_BYTES = 256 * 2**10
"""PyYAML reads this in a few seconds; configs have a hundredth of it."""
MOST_VALUES = 20_000
DEEPEST = 50
_TEXT = 64
"""This many characters of a text count as one more value."""


def read_yaml(path: Path) -> Any:
    """The values in a file. Raises InputError naming the line of a mistake."""
    try:
        text = "\n".join(_with_blanks(read_lines(path, most_bytes=MOST_BYTES))) + "\n"
        return yaml.load(text, Loader=_PlainNumbers)
    except _MisreadError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(path, str(error.problem), line=line, remedy=error.remedy) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split()) or "too deep"
        line = mark.line + 1 if mark else None
        raise InputError(
            path, f"not readable as YAML ({problem})", line=line, remedy="mend the YAML"
        ) from None


def read_mapping(path: Path, *, remedy: str) -> dict[str, Any]:
    """A file's keys and their values. Raises InputError, with the remedy where there are none."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise InputError(path, "is no mapping of keys to values", remedy=remedy)
    return {str(key): value for key, value in values.items()}


def parse(text: str) -> Any:
    """The values in a text, numbers as YAML 1.1 has them. Raises YAMLError, or RecursionError."""
    return yaml.load(text, Loader=_Loader)


def _with_blanks(lines: Iterable[tuple[int, str]]) -> Iterable[str]:
    """Restore blank lines, so that line numbers are the file's and block texts are complete."""
    expected = 1
    for number, line in lines:
        yield from [""] * (number - expected)
        yield line
        expected = number + 1


class _Loader(yaml.SafeLoader):
    """Safe and bounded; refuses a repeated key instead of dropping the first."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._counts: dict[int, int] = {}
        """How many values each node stands for, including those behind aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        is_alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        if len(self._counts) >= MOST_VALUES:
            raise _refused(f"stands for more than {MOST_VALUES:,} values", mark)
        if self._depth > DEEPEST:
            raise _refused(f"nested deeper than {DEEPEST} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._counts:
            raise _refused("an anchor that holds itself", mark)
        if node is not None and not is_alias:
            self._counts[id(node)] = self._count(node)
            if self._counts[id(node)] > MOST_VALUES:
                raise _refused(f"stands for more than {MOST_VALUES:,} values", mark)
        return node

    def _count(self, node: yaml.Node) -> int:
        if isinstance(node, yaml.MappingNode):
            return 1 + sum(self._counts[id(item)] for pair in node.value for item in pair)
        if isinstance(node, yaml.SequenceNode):
            return 1 + sum(self._counts[id(item)] for item in node.value)
        return 1 + len(node.value) // _TEXT

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _refused(f"the key '{key.value:.40}' is given twice", key.start_mark)
            seen.add(str(key.value))
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError):
            # Such as month 13, or `!!bool maybe`: PyYAML lets the error of the type through.
            raise _refused("a value that its type does not have", node.start_mark) from None
        if isinstance(value, str) and any(_is_broken(character) for character in value):
            # PyYAML does not join the two escapes by which JSON writes a character such as 😀.
            problem = "a character that no file can hold (write it itself, not as an escape)"
            raise _refused(problem, node.start_mark)
        return value


class _MisreadError(ConstructorError):
    """A number that YAML 1.1 reads otherwise than its writer."""

    def __init__(self, problem: str, mark: Any, remedy: str) -> None:
        super().__init__(None, None, problem, mark)
        self.remedy = remedy


class _PlainNumbers(_Loader):
    """Refuses numbers that mean another one than they seem to; reads 1e3 as a number."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        value = super().construct_object(node, deep=deep)
        if node.tag in _NUMBERS and isinstance(node, yaml.ScalarNode):
            text = node.value
            meant = [value, int(text)] if _WITH_LEADING_ZERO.fullmatch(text) else [value]
            if len(meant) > 1 or ":" in text or ("_" in text and not _THOUSANDS.fullmatch(text)):
                problem = f"{text:.40} means {value} in YAML"
                numbers = " or ".join(dict.fromkeys(map(str, meant)))
                remedy = f"write {numbers}, or '{text:.40}' for text"
                raise _MisreadError(problem, node.start_mark, remedy)
        return value


_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_WITH_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]*[0-9]")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(_[0-9]{3})+(\.[0-9]*)?")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,3}(\.[0-9]*)?[eE][-+]?[0-9]{1,2}$")
"""So short that no abbreviated commit is one: those have seven characters or more."""
_PlainNumbers.add_implicit_resolver(_NUMBERS[1], _EXPONENT, list("-+0123456789"))


def _is_broken(character: str) -> bool:
    return character == "\0" or "\ud800" <= character <= "\udfff"


def _refused(problem: str, mark: Any) -> ConstructorError:
    return ConstructorError(None, None, problem, mark)
