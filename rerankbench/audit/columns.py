"""What columns and rows hold, told by their names and by the figures in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from rerankbench.audit.cells import Cell

Kind: TypeAlias = Literal["text", "average", "speed", "rank", "quality", "number", "other"]
"""`number`: figures of which neither the heading nor their size says what they are; `other`: what
the heading says to be none of the checks' business."""

_SPEED = re.compile(
    r"docs?\s*/\s*s|pairs\s*/\s*s|tokens\s*/\s*s|/\s*sec|\blatenc(y|ies)\b|\bthroughput\b|\bqps\b"
    r"|\bspeed(s|-?ups?)?\b|\bruntime\b|\bp(50|75|90|95|99)\b|(?-i:\bms\b)|\bseconds?\b|\btimes?\b",
    re.I,
)
# "Mean reciprocal rank" and "average precision" are metrics, "mean pooling" is a kind of model,
# and "mean of 5 seeds" says how each figure was measured.
_NO_AVERAGE = (
    r"(?!\.?[\s-]*(pool|word|embed|rank|length|len\b|token|(average\s+)?precision|reciprocal|quer"
    r"|doc|latenc|time|±|\+/-|\(?std\b|\(?sd\b|(of|over)\s+\S+\s+(run|seed|trial|fold|repeat)))"
)
_AVERAGE = re.compile(
    rf"(?<![^\W_])m?(avg|average|averaged|mean|means)(?![^\W_]){_NO_AVERAGE}"
    r"|[Ø⌀]|\b(durchschnitt|mittelwert|moyenne|promedio)\b|平均",
    re.I,
)
_MAYBE_AVERAGE = re.compile(
    r"\W*(overall|all|total|combined)(\s+(score|ndcg\S*|average))?\W*", re.I
)
_AVERAGE_FIRST = re.compile(
    rf"\W*((un)?weighted|micro|macro|grand|overall|total)?[\s-]*({_AVERAGE.pattern})", re.I
)
_AVERAGE_LAST = re.compile(r".*(?<![^\W_])(avg|average|mean)\W*", re.I)
_ASIDE_IN_NAME = re.compile(r"\(.*?\)|\[.*?\]|\b(w/o|without|excl|except)\b.*", re.I)
_RANK = re.compile(r"rank|#|place|no\.?|position", re.I)
_OTHER = re.compile(
    r"Δ|\bdelta|\bdiff(s|\.|erences?)?\b|(?<!cumulative )\bgains?\b|\bchanges?\b"
    r"|\bimprovements?\b|\bp[- ]?values?\b|\bparams?\b|\bparameters?\b|\bsizes?\b"
    r"|\bdepth\b|\blengths?\b|\breleased?\b|\byear\b|\bdates?\b|\bprices?\b|\bcosts?\b"
    r"|\$|€|\belo\b|\bratings?\b|\bwins?\b|\bloss(es)?\b|\bties?\b|\bwin rate\b|\bdims?\b"
    r"|\bdimensions?\b|\btruncat|\bworse\b|\bheadroom\b|\blicen[cs]es?\b|\bversions?\b|\bmemory\b"
    r"|\bvram\b|\bstd\b|\bst\.? ?dev|\bvariance\b|\bepochs?\b|\bsteps?\b|\bborda\b"
    r"|(?<!reciprocal )\brank\b(?!@)",
    re.I,
)
_OF_COLLECTION = re.compile(
    r"\W*(num(ber)? of|no\.? of)?\s*(quer(y|ies)|documents|docs|passages|pairs)\W*", re.I
)
_LOWER = re.compile(
    r"\blower( is| =|:)?( the)? better\b|\bperplexit(y|ies)\b|\bppl\b|\berrors?\b"
    r"|\bhallucinations?\b|\btoxicity\b|\b(miss|failure|violation)s?( rate)?\b|\bbrier\b"
    r"|\bregret\b|\b(wer|cer|rmse|mse|mae|nll|eer|ece|bpb|bpc)\b|(?-i:\b(MER|TER|DER|FID|FPR|FNR)\b)",
    re.I,
)
_HIGHER = re.compile(
    r"\bhigher( is| =|:)?( the)? better\b|\bndcg|\bm?rr\b|\bmrr|\bmap\b|\brecall\b"
    r"|\bprecision\b|\bacc(uracy|\.)?\b|\bf1\b|\bhit|\bsuccess\b|\bauc\b|\bauroc\b|\bbleu\b|\brouge",
    re.I,
)
_COLLECTIONS = re.compile(
    r"\W*(corpus|corpora|data ?-?sets?|tasks?|collections?|benchmarks?|domains?|languages?|lang"
    r"|subsets?|splits?|test ?sets?|topics?|categor(y|ies)|subtasks?|track|sources?)\b.*",
    re.I,
)
_SYSTEMS = re.compile(
    r"\W*((re-?)?rank(er|ing)s?|models?|methods?|systems?|retrievers?|encoders?|approach(es)?|runs?"
    r"|fusions?|variants?|settings?|configs?|backbones?)\b.*",
    re.I,
)
_STATISTIC = re.compile(
    r"(?<!\w)(min|max|minimum|maximum|median|std|sd|stdev|st\.? ?dev\.?|variance|var|range|cls|sum"
    r"|p\d\d|q[13]|worst|best|rrf|comb\w+|interpolation|concat\w*|last)(?!\w)",
    re.I,
)
_OTHER_MEAN = re.compile(r"weighted|micro|\((by )?(task|query|queries|document)s?\)", re.I)
_COUNT = re.compile(
    r"\bof (\d+)\b|[(\[]\s*(\d+)(?:\s*(?:data ?)?(?:sets?|tasks?|collections?|corpora|lang\w*"
    r"|benchmarks?|subsets?))?\s*[)\]]",
    re.I,
)
_WITHOUT = re.compile(r"(?:\bw/o\b|\bwithout\b|\bexcl(?:uding\b|\.)|\bexcept\b|\bex\.)(.*)", re.I)
_ROW_ASIDE = re.compile(
    r"\W*(#|Δ|delta\b|(rel(ative|\.)?|abs(olute|\.)?)?\s*(gain|improvement|diff(erence)?|change)s?\b"
    r"|(num(ber)?\.? of |no\. of )?(quer(y|ies)|documents|docs|params?|parameters)\W*$"
    r"|p[- ]?values?\b|std\b|st\.? ?dev)",
    re.I,
)

# The same few names are asked about for every cell.
_remembered = lru_cache(maxsize=4096)


def kind_of(headings: Sequence[str], cells: Sequence[Cell]) -> Kind:
    """What a column holds: first by its heading, then by its numbers."""
    filled = [cell for cell in cells if not cell.is_missing]
    numbers = [cell for cell in filled if cell.number is not None]
    figures = len(numbers) + sum(cell.holds_figures for cell in filled)
    if not numbers or 2 * figures < len(filled):
        return "text"
    name, own = " ".join(headings), headings[-1]
    if _RANK.fullmatch(own.strip()):
        return "rank"
    if _SPEED.search(name) or any(cell.unit in ("ms", "s", "µs", "min", "h") for cell in numbers):
        return "speed"
    if (
        _OF_COLLECTION.fullmatch(own)
        or _OTHER.search(name)
        or any(cell.unit not in ("", "%") for cell in numbers)
    ):
        return "other"
    if names_average(name) and all(0 <= (cell.number or 0.0) <= 100 for cell in numbers):
        return "average"
    return "quality" if _is_share(numbers) else "number"


def _is_share(numbers: Sequence[Cell]) -> bool:
    """Whether they can be shares of 1 or of 100: none is negative, and not all are whole."""
    values = [cell.number for cell in numbers if cell.number is not None]
    told = any(cell.decimals or cell.unit == "%" for cell in numbers)
    return min(values) >= 0 and max(values) <= 100 and told


@_remembered
def names_average(name: str) -> bool:
    """Whether a column of this name holds means over others."""
    return _AVERAGE.search(name) is not None


@_remembered
def names_average_row(name: str) -> bool:
    """Whether a row of this name does; "average word embeddings" is a model."""
    bare = _ASIDE_IN_NAME.sub("", name).strip()
    if not names_average(bare):
        return False
    return bool(_AVERAGE_FIRST.match(bare) or _AVERAGE_LAST.fullmatch(bare))


@_remembered
def may_name_average(name: str) -> bool:
    """Overall, all, total: a mean where its figures say so."""
    return _MAYBE_AVERAGE.fullmatch(name) is not None


@_remembered
def names_collections(name: str) -> bool:
    """Whether rows under this heading are collections, so that columns are systems or metrics."""
    return _COLLECTIONS.fullmatch(name) is not None


@_remembered
def names_systems(name: str) -> bool:
    """Whether rows under this heading are systems."""
    return _SYSTEMS.fullmatch(name) is not None


@_remembered
def names_statistic(name: str) -> bool:
    """Whether a mean beside it may be another thing: minimum, median, a way to fuse or to pool."""
    return _STATISTIC.search(name) is not None


@_remembered
def names_other_mean(name: str) -> bool:
    """Whether the name says that the mean is over something else than the columns."""
    return _OTHER_MEAN.search(name) is not None


@_remembered
def is_aside(name: str) -> bool:
    """Whether a row holds counts or differences among rows of figures."""
    return _ROW_ASIDE.match(name) is not None


@_remembered
def direction(name: str) -> Literal["higher", "lower", ""]:
    """Which values of a metric are better; empty where the name does not say."""
    arrows = {each for each in "↑↓" if each in name}
    if arrows == {"↓"}:
        return "lower"
    if arrows or _HIGHER.search(name):
        return "higher"
    return "lower" if _LOWER.search(name) else ""


@_remembered
def count_in(name: str) -> int | None:
    """`Average (13)`, `average of 16`, `Retrieval (15 datasets)`: of how many it is the mean."""
    match = _COUNT.search(name)
    return int(match[1] or match[2]) if match else None


@_remembered
def left_out(name: str) -> str:
    """What a mean says that it leaves out: `Avg. w/o ArguAna`; empty where it says nothing."""
    match = _WITHOUT.search(name)
    return match[1] if match else ""


@_remembered
def same_name(text: str) -> frozenset[str]:
    """The words of a name, to tell whether two tables mean the same by it."""
    words = re.sub(r"[^\w@/%]+", " ", text.lower()).split()
    return frozenset(word for word in words if not _AVERAGE.fullmatch(word))
