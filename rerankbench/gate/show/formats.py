"""A gate as JSON, JUnit XML, Markdown, and GitHub's annotations."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from xml.etree import ElementTree as Xml

from rerankbench.errors import UsageError, nearest
from rerankbench.gate.show import terminal, words
from rerankbench.gate.show.tables import tables
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.renderers import markdown as table_markdown
from rerankbench.leaderboard.table import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One verdict: the cell, what was judged, the outcome, why in a line, the worst queries."""

    name: str
    kind: str
    outcome: str
    line: str
    queries: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The line, then one for each of the worst queries."""
        head = ["Worst queries:"] if self.queries else []
        return [self.line, *head, *(f"- {query}" for query in self.queries)]


def as_json(gate: Gate) -> str:
    """Every verdict with all its figures; `docs/gate.md` names the keys."""
    body = {
        "conclusion": gate.conclusion,
        "limits": asdict(gate.limits),
        "quality": [{**asdict(verdict), "name": str(verdict.name)} for verdict in gate.quality],
        "speed": [{**asdict(verdict), "name": str(verdict.name)} for verdict in gate.speed],
        "drift": [asdict(fact) for fact in gate.drift],
        "missing": [str(name) for name in gate.missing],
        "added": [str(name) for name in gate.added],
        "untimed": [str(name) for name in gate.untimed],
        "compare_command": shlex.join(words.compare_command(gate)) or None,
    }
    return json.dumps(body, indent=2, ensure_ascii=True) + "\n"


def as_junit(gate: Gate) -> str:
    """One test case for each verdict; an unclear one is skipped, with its reason."""
    cases = list(_cases(gate))
    failures = sum(case.outcome in words.BAD for case in cases)
    skipped = sum(case.outcome == "unclear" for case in cases)
    counts = {"tests": len(cases), "failures": failures, "skipped": skipped, "errors": 0}
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Xml.Element("testsuites", numbers)
    suite = Xml.SubElement(suites, "testsuite", {"name": "rerankbench gate", **numbers})
    for case in cases:
        element = Xml.SubElement(suite, "testcase", {"classname": case.name, "name": case.kind})
        if case.outcome in words.BAD:
            failure = Xml.SubElement(element, "failure", {"message": case.line})
            failure.text = "\n".join(case.lines)
        elif case.outcome == "unclear":
            Xml.SubElement(element, "skipped", {"message": case.line})
    notes = [words.headline(gate), *words.notes(gate), *_command(gate)]
    Xml.SubElement(suite, "system-out").text = "\n".join(notes)
    Xml.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(suites, encoding="unicode")}\n'


def _cases(gate: Gate) -> Iterator[_Case]:
    """Every verdict; a missing cell is a failed one."""
    for verdict in gate.quality:
        yield _Case(
            name=printable(str(verdict.name)),
            kind=verdict.metric,
            outcome=verdict.outcome,
            line=words.quality_line(verdict),
            queries=tuple(words.worst_queries(verdict)),
        )
    for measured in gate.speed:
        yield _Case(
            name=printable(str(measured.name)),
            kind=measured.kind,
            outcome=measured.outcome,
            line=words.speed_line(measured),
        )
    for missing in gate.missing:
        name = printable(str(missing))
        line = f"{name}: missing in the new results"
        yield _Case(name=name, kind="cell", outcome="failed", line=line)


def _noteworthy(gate: Gate) -> list[_Case]:
    return [case for case in _cases(gate) if case.outcome not in ("same", "passed")]


def _command(gate: Gate) -> list[str]:
    """What the command shows, and the command; nothing where there is none."""
    command = words.compare_command(gate)
    return [words.COMMAND_HEAD, printable(shlex.join(command))] if command else []


def as_markdown(gate: Gate) -> str:
    """A summary for a merge request: the conclusion, what failed, the tables."""
    lines = []
    for case in _noteworthy(gate):
        line, *others = case.lines
        lines.append(f"- **{case.outcome}** {table_markdown.escape(line)}")
        # Below the item: a list of its own, under its head.
        lines += [f"  {'- ' * (at > 0)}{_item(other)}" for at, other in enumerate(others)]
    command = _command(gate)
    if command:
        # Indented by four, it is code, whatever is in it.
        lines += ["", command[0], "", f"    {command[1]}"]
    head = f"### {words.headline(gate)}\n"
    return "\n".join([head, *lines, *([""] if lines else []), table_markdown.render(tables(gate))])


def _item(line: str) -> str:
    return table_markdown.escape(line.removeprefix("- "))


def as_github(gate: Gate) -> str:
    """Workflow commands, which GitHub Actions shows as annotations; Markdown is its summary."""
    found = []
    for case in _noteworthy(gate):
        level = "error" if case.outcome in words.BAD else "warning"
        title = _property(f"{case.kind}: {case.name}")
        found.append(f"::{level} title={title}::{_data(chr(10).join(case.lines))}\n")
    notice = "\n".join([words.headline(gate), *_command(gate)])
    return "".join([*found, f"::notice title=rerankbench gate::{_data(notice)}\n"])


def _data(text: str) -> str:
    """The message of a workflow command, as actions/toolkit escapes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property of a workflow command, in which colon and comma are escaped too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_FORMATS: Mapping[str, Callable[[Gate], str]] = {
    "text": terminal.render,
    "json": as_json,
    "junit": as_junit,
    "markdown": as_markdown,
    "github": as_github,
}


def render(gate: Gate, format_name: str) -> str:
    """The gate in one of the formats. Raises UsageError for an unknown one."""
    formatter = _FORMATS.get(format_name)
    if formatter is None:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, _FORMATS)}")
    return formatter(gate)
