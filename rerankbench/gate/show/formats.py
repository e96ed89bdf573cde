"""A gate as JSON, JUnit XML, Markdown, and GitHub's annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from xml.etree import ElementTree as Xml

from rerankbench.errors import UsageError, nearest
from rerankbench.gate.show import terminal, words
from rerankbench.gate.show.tables import tables
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.renderers import markdown as table_markdown
from rerankbench.leaderboard.table import printable

_BAD = ("failed", "refused")


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
    }
    return json.dumps(body, indent=2, ensure_ascii=True) + "\n"


def as_junit(gate: Gate) -> str:
    """One test case for each verdict; an inconclusive one is skipped, with its reason."""
    cases = list(_cases(gate))
    failures = sum(outcome in _BAD for _, _, outcome, _ in cases)
    skipped = sum(outcome == "unclear" for _, _, outcome, _ in cases)
    counts = {"tests": len(cases), "failures": failures, "skipped": skipped, "errors": 0}
    numbers = {name: str(count) for name, count in counts.items()}
    suites = Xml.Element("testsuites", numbers)
    suite = Xml.SubElement(suites, "testsuite", {"name": "rerankbench gate", **numbers})
    for name, kind, outcome, line in cases:
        case = Xml.SubElement(suite, "testcase", {"classname": name, "name": kind})
        if outcome in _BAD:
            Xml.SubElement(case, "failure", {"message": line}).text = line
        elif outcome == "unclear":
            Xml.SubElement(case, "skipped", {"message": line})
    notes = "\n".join(words.notes(gate))
    Xml.SubElement(suite, "system-out").text = notes
    Xml.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(suites, encoding="unicode")}\n'


def _cases(gate: Gate) -> Iterator[tuple[str, str, str, str]]:
    """Cell, kind, outcome and line of every verdict; a missing cell counts as failed."""
    for verdict in gate.quality:
        name = printable(str(verdict.name))
        yield name, verdict.metric, verdict.outcome, words.quality_line(verdict)
    for measured in gate.speed:
        name = printable(str(measured.name))
        yield name, measured.kind, measured.outcome, words.speed_line(measured)
    for missing in gate.missing:
        name = printable(str(missing))
        yield name, "cell", "failed", f"{name}: missing in the new results"


def as_markdown(gate: Gate) -> str:
    """A summary for a merge request: the conclusion, what failed, the tables."""
    lines = [
        f"- **{outcome}** {table_markdown.escape(line)}"
        for _, _, outcome, line in _cases(gate)
        if outcome not in ("same", "passed")
    ]
    head = f"### {words.headline(gate)}\n"
    return "\n".join([head, *lines, *([""] if lines else []), table_markdown.render(tables(gate))])


def as_github(gate: Gate) -> str:
    """Workflow commands, which GitHub Actions shows as annotations; the summary is Markdown."""
    lines = []
    for name, kind, outcome, line in _cases(gate):
        if outcome not in ("same", "passed"):
            level = "error" if outcome in _BAD else "warning"
            title = _property(f"{kind}: {name}")
            lines.append(f"::{level} title={title}::{_data(line)}\n")
    return "".join([*lines, f"::notice title=rerankbench gate::{_data(words.headline(gate))}\n"])


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
