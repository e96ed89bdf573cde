"""Figures as SVG: inline in a page with its colours and fonts, or as files."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

from rerankbench.leaderboard.table import printable
from rerankbench.report.plots.look import VARIABLES, Size, look

_PNG_DPI = 144
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_NO_TURN = re.compile(r"^rotate\(-?0 [^)]*\)$")
_FAMILY = re.compile(r"\s*font-family:[^;]*;?")
_REFERENCE = re.compile(r"#([^)\s]+)")
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBERS = ("d", "x", "y", "width", "height", "transform", "points", "style")


def svg_file(draw: Callable[[Size], Figure], size: Size, salt: str) -> bytes:
    """The figure as an SVG file; the same figure gives the same bytes."""
    buffer = BytesIO()
    with _drawing(draw, size, salt) as figure:
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return buffer.getvalue()


def png_file(draw: Callable[[Size], Figure], size: Size, salt: str) -> bytes:
    """The figure as a PNG file, two pixels for each of the page's."""
    buffer = BytesIO()
    with _drawing(draw, size, salt) as figure:
        figure.savefig(buffer, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def inline(
    draw: Callable[[Size], Figure],
    size: Size,
    *,
    identifier: str,
    title: str,
    description: str,
    labels: Mapping[str, str],
) -> Markup:
    """The figure as an SVG element of a page, with title and description for screen readers.

    `labels` maps a group's name in the figure to its tooltip.
    """
    buffer = BytesIO()
    with _drawing(draw, size, identifier) as figure:
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA, transparent=True)
    root = ElementTree.fromstring(buffer.getvalue())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        if element.tag != "text":
            element.text = None
        for key in _NUMBERS:
            if key in element.attrib:
                element.set(key, _LONG_NUMBER.sub(_rounded, " ".join(element.attrib[key].split())))
        _restyle(element)
    _drop_global_style(root)
    _rename(root, identifier, labels)
    _describe(root, identifier, title, description)
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True))


@contextmanager
def _drawing(draw: Callable[[Size], Figure], size: Size, salt: str) -> Iterator[Figure]:
    with look(size, salt), warnings.catch_warnings():
        # matplotlib measures with its own font; the page's font has the missing letters.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield draw(size)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _restyle(element: ElementTree.Element) -> None:
    """Use the page's colour variables and font, and drop rotations by zero."""
    style = element.get("style")
    if style is not None:
        named = _COLOUR.sub(lambda match: _variable(match[0]), _FAMILY.sub("", style))
        element.set("style", named.strip())
    if _NO_TURN.match(element.get("transform", "")):
        del element.attrib["transform"]


def _variable(colour: str) -> str:
    name = VARIABLES.get(colour)
    return colour if name is None else f"var({name})"


def _drop_global_style(root: ElementTree.Element) -> None:
    """Restrict matplotlib's style sheet, which styles every element of a page, to the picture."""
    for parent in root.iter():
        for child in [element for element in parent if element.tag in ("style", "metadata")]:
            parent.remove(child)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")


def _rename(root: ElementTree.Element, prefix: str, labels: Mapping[str, str]) -> None:
    """Keep only identifiers that are referenced, made unique within the page."""
    used = {
        name
        for element in root.iter()
        for key in (_HREF, "clip-path")
        for name in _REFERENCE.findall(element.get(key, ""))
    }
    new = {name: f"{prefix}-{number}" for number, name in enumerate(sorted(used))}
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in new:
            element.set("id", new[identifier])
        if identifier is not None and identifier in labels:
            hint = ElementTree.Element("title")
            hint.text = printable(labels[identifier])
            element.insert(0, hint)
        if _HREF in element.attrib:
            element.set("href", f"#{new[element.attrib.pop(_HREF)[1:]]}")
        if "clip-path" in element.attrib:
            element.set("clip-path", f"url(#{new[element.attrib['clip-path'][5:-1]]})")


def _describe(root: ElementTree.Element, identifier: str, title: str, description: str) -> None:
    for at, (name, words) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(name, {"id": f"{identifier}-{name}"})
        element.text = printable(words)
        root.insert(at, element)
    for key in ("version", "width", "height"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{identifier}-title {identifier}-desc")
