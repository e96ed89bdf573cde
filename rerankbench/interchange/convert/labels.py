"""What a cell says of relevance, as a whole grade."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from rerankbench.errors import UsageError
from rerankbench.files.trec import HIGHEST_GRADE, whole_grade

_YES = ("true", "t", "yes", "y", "relevant", "positive", "correct")
_NO = ("false", "f", "no", "n", "irrelevant", "not relevant", "non relevant", "negative")
_NOTHING = ("", "nan", "null", "none", "n/a", "na")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", flags=re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How labels are read: numbers from `threshold` on are relevant, `words` have their grade."""

    threshold: float | None = None
    words: Mapping[str, int] = field(default_factory=dict)

    def grade(self, value: object) -> int | None:
        """The grade; None where the cell is empty. Raises ValueError saying what to do."""
        if value is None:
            return None
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, (int, float, Decimal)):
            return None if value != value else self._number(str(value))
        if not isinstance(value, str):
            raise ValueError("the label is no number and no word; choose the column with --label")
        text = " ".join(value.split())
        word = text.casefold().replace("-", " ").replace("_", " ")
        if word in self.words:
            return self.words[word]
        if text.casefold() in _NOTHING:
            return None
        if word in _YES + _NO:
            return int(word in _YES)
        if not _NUMBER.fullmatch(text):
            raise ValueError(
                f"label '{text[:40]}' is no number and no word such as true; "
                f"say its grade: --grade '{text[:40]}=1', or choose another column: --label"
            )
        return self._number(text)

    def _number(self, text: str) -> int:
        if self.threshold is not None and math.isfinite(float(text)):
            return int(float(text) >= self.threshold)
        try:
            return whole_grade(text)
        except ValueError:
            if not _NUMBER.fullmatch(text):
                problem, remedy = f"label '{text}' is no number", "mend it, or leave the row out"
            elif abs(Decimal(text)) > HIGHEST_GRADE:
                problem, remedy = f"label '{text[:40]}' is beyond what can be counted", "scale it"
            else:
                problem = f"label '{text[:40]}' is no whole number"
                remedy = "--threshold 0.5 takes what is at least 0.5 as relevant; or scale them"
            raise ValueError(f"{problem}; {remedy}") from None


def parse_words(pairs: list[str] | None) -> dict[str, int]:
    """`WORD=GRADE` as given by options. Raises UsageError."""
    found = {}
    for pair in pairs or []:
        word, equals, grade = pair.rpartition("=")
        try:
            if not (word.strip() and equals):
                raise ValueError("no word")
            found[" ".join(re.split(r"[\s_-]+", word.casefold().strip()))] = whole_grade(grade)
        except ValueError:
            raise UsageError(f"--grade {pair}: expected WORD=GRADE, such as exact=3") from None
    return found
