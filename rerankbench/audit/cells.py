"""Reads one cell of a printed table: its text, and its figure if it has one.

Much around a figure is not part of it: markup, footnotes, medals, arrows, intervals, the
difference to another row. Nothing is corrected here.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_RAISED = re.compile(r"<(sup)\b[^>]*>.*?</\1>", re.I)
_LOWERED = re.compile(r"<(sub|small)\b[^>]*>.*?</\1>", re.I)
_TAG = re.compile(r"<(?=[a-z/!])[^>]*>", re.I)
_BOLD = re.compile(
    r"<(b|strong)\b[^>]*>|\*\*[^*\s].*?\*\*|(?<!\w)__[^_\s].*?__(?!\w)|\\(textbf|mathbf|bf)\b",
    re.I,
)
_EMPHASIS = re.compile(r"<(b|strong|i|em)>|(?<!\\)[*]|(?<![\w\\])_|\\text(bf|it)", re.I)
_MARKUP = re.compile(r"\\([\\`*\[\]|~$_])|\*+|`|(?<!\w)_+|_+(?!\w)")
_STRUCK = re.compile(r"~~.*?~~|<(del|s|strike)>.*?</\1>", re.I)

# Markup of LaTeX and GitHub around a figure: `$0.41_{\pm 0.02}$`, `\textbf{0.41}`, `:trophy:`.
_PLUS_MINUS = re.compile(r"\\pm\b|\+/-|\+-")
_UP_OR_DOWN = re.compile(r"\\(?:uparrow|downarrow|Uparrow|Downarrow)\b")
_RAISED_IN_TEX = re.compile(r"(?<=[\d%)}])[_^]\s*(?:\{[^{}]*\}|\\?\w)")
_COMMAND = re.compile(r"\\[a-zA-Z]+\s*\{([^{}]*)\}|\\(?:bf|it|em)\b|\\(?=[%#&])")
_COLOUR = re.compile(r"\\(?:text)?color\s*(?:\[[^\[\]]*\])?\s*\{[^{}]*\}")
_SHORT_NAME = re.compile(r":(?=[^:]*[a-z])[a-z0-9_+-]+:")
_ARROWS = "↑↓↗↘⇑⇓▲▼△▽⬆⬇🔺🔻"
_CHANGE = re.compile(rf"(?<=[\d%)\]])\s*[{_ARROWS}]\ufe0f?\s*[+−–-]?\d[\d.,]*\s*%?\s*$")
_EDGE_ARROW = re.compile(r"^\s*[\u2190-\u21ff]+|[\u2190-\u21ff]+\s*$")
_LONGEST_FIGURE, _LONGEST_CELL = 200, 2000

_GROUPED = r"\d{1,3}(?:[%s'’\u00a0\u2009\u202f]\d{3})+"
_SIGN = r"[+−–-]?"
_FIGURES = {
    point: re.compile(
        rf"(?P<about>[~≈]?)\s*(?P<currency>[$€£]?)\s*"
        rf"(?P<number>{_SIGN}(?:{_GROUPED % comma}|\d+)?(?:{re.escape(point)}\d+)?)"
        r"(?P<exponent>[eE][+−-]?\d{1,3})?"
        r"\s*(?P<unit>%|ms|µs|min|[KMGT]i?B(?!\w)|[KMBT](?!\w)|[sh](?!\w)|[x×](?!\w))?"
    )
    for point, comma in ((".", ","), (",", "."))
}
# What leaderboards print after a figure: an interval, letters of significance, footnotes.
_PIECE = r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|±[^()\[\]±]*|[*∗†‡§¶#^]|[ᵃ-ᶻ⁰¹²³⁴-⁹⁺⁻ⁿ])"
_BEHIND = re.compile(rf"(?:{_PIECE})*(?:\s*[a-j]{{1,4}}(?!\w))?(?:{_PIECE})*\s*")
_FIRST_FIGURE = re.compile(r"\d[\d.,]*\d|[.,]\d+")
_BOUND = re.compile(r"[<>≤≥]")
_MISSING = re.compile(
    r"\W*|n\W?a\W?|nan|none|null|oom|oot|tbd|tba|x|err(or)?|fail(ed)?|timeout|pending|missing",
    re.I,
)
_FIGURES_ALONE = re.compile(r"[\W\d_]*\d[.,]\d[\W\d_]*|\W*\d*[.,]\d.*\W\d*[.,]\d.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCell:
    """The content of one cell: its text without markup, and its number if it has one.

    `decimals` are the digits printed behind the decimal `point`; `unit` is %, ms, s, K, M, B, T or
    a currency's sign, and the like. `emphasised` is bold or italic.
    """

    text: str = ""
    number: float | None = None
    decimals: int = 0
    unit: str = ""
    bold: bool = False
    emphasised: bool = False
    point: str = "."

    @property
    def value(self) -> float:
        """The number, or 0 if there is none."""
        return self.number or 0.0

    @property
    def half_unit(self) -> float:
        """The largest error that rounding can have caused."""
        return 0.5 * 10.0**-self.decimals

    @property
    def is_unread(self) -> bool:
        """Whether it has digits, but no single figure; a bound such as `<5` does not count."""
        return (
            self.number is None
            and any(character.isdecimal() for character in self.text)
            and not _BOUND.match(html.unescape(self.text))
        )

    @property
    def holds_figures(self) -> bool:
        """Whether these digits are figures, and not part of a name or a text.

        It has decimals, and either no words or more decimals at the end.
        """
        return self.is_unread and _FIGURES_ALONE.fullmatch(self.text) is not None

    @property
    def is_missing(self) -> bool:
        """Whether it is blank, or states that nothing was measured."""
        return self.number is None and _MISSING.fullmatch(self.text) is not None

    def shows(self, value: float) -> str:
        """Another value, printed in the same form."""
        return f"{value:.{self.decimals}f}".replace(".", self.point)


BLANK = PrintedCell()


def read_cell(raw: str, point: str = ".") -> PrintedCell:
    """Read a cell without its markup; raised text (significance, footnotes) is left out.

    `point` is the decimal point of ambiguous cells (1,234 and 1.234).
    """
    raw = raw[:_LONGEST_CELL]
    shown = _shown(raw)
    text = " ".join(_MARKUP.sub(r"\1", shown).split())
    bold, emphasised = bool(_BOLD.search(raw)), bool(_EMPHASIS.search(raw))
    figure = _figure(raw)
    point = _point_of(figure) or point
    match = _FIGURES[point].match(figure)
    digits = "" if match is None else _plain(match["number"], point)
    if match is None or not digits.strip("-") or not _BEHIND.fullmatch(figure[match.end() :]):
        return PrintedCell(text=text, bold=bold, emphasised=emphasised)
    power = (match["exponent"] or "").replace("−", "-")
    return PrintedCell(
        text=text,
        number=float(digits + power),
        decimals=max(0, len(digits.partition(".")[2]) - int(power[1:] or 0)),
        unit=match["unit"] or match["currency"],
        bold=bold,
        emphasised=emphasised,
        point=point,
    )


def own_point(raw: str) -> str:
    """The decimal point that the first figure of a cell implies; empty if it is ambiguous.

    0,41 and 1.234,5 have a comma, 0.412 and 1,234.5 a point; 1,234 and 1.234 may be either.
    """
    return _point_of(_figure(raw[:_LONGEST_CELL]))


def _point_of(text: str) -> str:
    match = _FIRST_FIGURE.search(text)
    figure = match[0] if match else ""
    commas, points = figure.count(","), figure.count(".")
    if commas and points:
        return max(",.", key=figure.rfind) if min(commas, points) == 1 else ""
    mark = "," if commas else "."
    if commas + points > 1:
        groups = figure.split(mark)[1:]
        return {",": ".", ".": ","}[mark] if all(len(group) == 3 for group in groups) else ""
    before, separator, after = figure.partition(mark)
    whole_groups = len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0"
    return mark if separator and not whole_groups else ""


def _shown(raw: str) -> str:
    """The text of a cell; text that is struck out counts only if there is nothing else."""
    not_struck = _STRUCK.sub("", raw)
    return _TAG.sub(
        "", _LINK.sub(r"\1", _RAISED.sub("", not_struck if not_struck.strip() else raw))
    )


@lru_cache(maxsize=4096)
def _figure(raw: str) -> str:
    """The cell without decorations of its figure; empty if it is too long to be one."""
    shown = _shown(_LOWERED.sub("", raw))
    if len(shown) > _LONGEST_FIGURE:
        return ""
    text = _UP_OR_DOWN.sub("↑", _PLUS_MINUS.sub("±", html.unescape(shown)))
    text = text.replace("$", "") if text.count("$") == 2 else text
    text = _COLOUR.sub("", text)
    while text != (inner := _COMMAND.sub(r"\1", text)):
        text = inner
    text = _MARKUP.sub(_price_alone, _SHORT_NAME.sub("", _RAISED_IN_TEX.sub("", text)))
    text = _CHANGE.sub("", re.sub(r"[{}]", "", text).strip())
    text = _EDGE_ARROW.sub("", "".join(mark for mark in text if not _decorates(mark))).strip()
    text = text.lstrip("∗*†‡§¶ ")
    bracketed = re.fullmatch(r"\(([^()]*)\)|\[([^\[\]]*)\]", text)
    return (bracketed[1] or bracketed[2] or "").strip() if bracketed else text


def _price_alone(markup: re.Match[str]) -> str:
    """Of all escaped characters only `$` belongs to a figure, as a currency."""
    return "$" if markup[1] == "$" else ""


def _decorates(character: str) -> bool:
    """Whether it is a medal, a star or the like, or a mark that selects its form."""
    return (
        unicodedata.category(character) in ("So", "Sk", "Mn", "Me", "Cf") and character not in "^`"
    )


def _plain(number: str, point: str) -> str:
    """The digits as Python reads them."""
    kept = re.sub(r"[−–]", "-", number).lstrip("+")
    # Digits of any script are digits to Python too.
    return "".join(
        "." if mark == point else mark for mark in kept if mark.isdecimal() or mark in f"-{point}"
    )
