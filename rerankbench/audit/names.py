"""What the names of rows, columns and tables mean."""

from __future__ import annotations

import re
from functools import lru_cache

from rerankbench.known import collections

# "Mean reciprocal rank" and "average precision" are metrics, "mean pooling" is a kind of model,
# and "mean of 5 seeds" says how each figure was measured.
_NO_AVERAGE = (
    r"(?!\.?[\s-]*(pool|word|embed|rank|length|len\b|token|(average\s+)?precision|reciprocal|quer"
    r"|doc|latenc|time|±|\+/-|\(?std\b|\(?sd\b|(of|over)\s+\S+\s+(run|seed|trial|fold|repeat)))"
)
_AVERAGE = re.compile(
    rf"(?<![^\W_])(m?(avg|average|averaged|mean|means)|[μµ])(?![^\W_]){_NO_AVERAGE}"
    r"|[Ø⌀]|\b(durchschnitt|mittelwert|moyenne|promedio)\b|平均",
    re.I,
)
_MAYBE_AVERAGE = re.compile(
    r"\W*(overall|all|total|combined|macro)(\s+(score|ndcg\S*|average))?\W*"
    # Of the columns beside it, or of runs that are not printed.
    r"|\W*(avg\.?|average|mean|[μµ])\s*\(?(±|\+/-)\s*(std\.?|sd|st\.? ?dev\.?|se|ci|σ)?\W*",
    re.I,
)
_AVERAGE_FIRST = re.compile(
    rf"\W*((un)?weighted|micro|macro|grand|overall|total)?[\s-]*({_AVERAGE.pattern})", re.I
)
_AVERAGE_LAST = re.compile(r".*(?<![^\W_])(avg|average|mean)\W*", re.I)
_ASIDE_IN_NAME = re.compile(r"\(.*?\)|\[.*?\]|\b(w/o|without|excl|except)\b.*", re.I)
_COLLECTIONS = re.compile(
    r"\W*(corpus|corpora|data ?-?sets?|tasks?|collections?|benchmarks?|domains?|languages?|lang"
    r"|subsets?|splits?|test ?sets?|topics?|categor(y|ies)|subtasks?|tracks?|sources?|quer(y|ies)"
    r"|seeds?|folds?|trials?"
    r"|datens[aä]tze?|conjuntos? de datos|数据集|資料集|任务|データセット)\b.*",
    re.I,
)
_SYSTEMS = re.compile(
    r"\W*((re-?)?rank(er|ing)s?|models?|methods?|systems?|retrievers?|encoders?|approach(es)?|runs?"
    r"|fusions?|variants?|settings?|configs?|backbones?|pooling|aggregat\w*|strateg(y|ies)|techniques?"
    r"|scoring|heads?|losses|combinations?|baselines?)\b.*",
    re.I,
)
_STATISTIC = re.compile(
    r"(?<!\w)(min|max|minimum|maximum|median|std|sd|stdev|st\.? ?dev\.?|variance|var|range|cls|sum"
    r"|p\d\d|q[13]|worst|best|rrf|comb\w+|interpolation|concat\w*|last|σ)(?!\w)",
    re.I,
)
_OTHER_MEAN = re.compile(r"weighted|micro|\((by )?(task|query|queries|document)s?\)", re.I)
_COUNT = re.compile(
    r"\bof (\d+)\b|[(\[]\s*(\d+)(?:\s*(?:data ?)?(?:sets?|tasks?|collections?|corpora|lang\w*"
    r"|benchmarks?|subsets?))?\s*[)\]]",
    re.I,
)
_WITHOUT = re.compile(r"(?:\bw/o\b|\bwithout\b|\bexcl(?:uding\b|\.)|\bexcept\b|\bex\.)(.*)", re.I)
_SAYS_LITTLE = re.compile(
    r"(?<![^\W_])((ndcg|m?rr|map|recall|precision|accuracy|acc|f1|hits?|hit rate|success|wer|cer"
    r"|r|p)(@\d+)?|scores?|all|total|overall|over|of|the|across|on|(data)?sets?|tasks?|macro|micro"
    r"|(un)?weighted|grand|results?|quality|performance|\d+)(?![^\W_])|%",
    re.I,
)
_ROW_ASIDE = re.compile(
    r"\W*(#|Δ|delta\b|(rel(ative|\.)?|abs(olute|\.)?)?\s*(gain|improvement|diff(erence)?|change)s?\b"
    r"|(num(ber)?\.? of |no\. of )?(quer(y|ies)|documents|docs|params?|parameters)\W*$"
    r"|p[- ]?values?\b|std\b|st\.? ?dev)",
    re.I,
)

# The same few names come up for every cell.
_remembered = lru_cache(maxsize=4096)


@_remembered
def names_average(name: str) -> bool:
    """Whether a column of this name contains means over others."""
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
    """Overall, all, macro, mean ± std: a mean if its figures agree."""
    return _MAYBE_AVERAGE.fullmatch(name) is not None


@_remembered
def names_collections(name: str) -> bool:
    """Whether rows under this heading are collections, so that columns are systems or metrics."""
    return _COLLECTIONS.fullmatch(name) is not None


@_remembered
def is_known_collection(name: str) -> bool:
    """Whether a row has the name of one of the field's collections, in any spelling."""
    return _letters(name) in _collections()


@lru_cache(maxsize=1)
def _collections() -> frozenset[str]:
    known = collections.known()
    return frozenset(
        _letters(name)
        for collection in known
        for name in (collection.name, collection.slug, *collection.aliases)
    )


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


@_remembered
def names_systems(name: str) -> bool:
    """Whether rows under this heading are systems."""
    return _SYSTEMS.fullmatch(name) is not None


@_remembered
def names_statistic(name: str) -> bool:
    """Whether a mean beside this name may be something else: minimum, median, a way of pooling."""
    return _STATISTIC.search(name) is not None


@_remembered
def names_other_mean(name: str) -> bool:
    """Whether the name says that the mean is over something other than the columns."""
    return _OTHER_MEAN.search(name) is not None


@_remembered
def is_aside(name: str) -> bool:
    """Whether a row contains counts or differences instead of figures."""
    return _ROW_ASIDE.match(name) is not None


@_remembered
def names_others(name: str) -> bool:
    """Whether a mean's name says what it is over: `BEIR avg`; a metric's name does not."""
    return bool(same_name(_SAYS_LITTLE.sub("", _ASIDE_IN_NAME.sub("", name.replace("_", " ")))))


@_remembered
def count_in(name: str) -> int | None:
    """`Average (13)`, `average of 16`, `Retrieval (15 datasets)`: the number of its terms."""
    match = _COUNT.search(name)
    return int(match[1] or match[2]) if match else None


@_remembered
def left_out(name: str) -> str:
    """The part of a mean's name about what it excludes: `Avg. w/o ArguAna`; else empty."""
    match = _WITHOUT.search(name)
    return match[1] if match else ""


@_remembered
def same_name(text: str) -> frozenset[str]:
    """The words of a name, to compare names across tables."""
    words = re.sub(r"[^\w@/%]+", " ", text.lower()).split()
    return frozenset(word for word in words if not _AVERAGE.fullmatch(word))
