"""Decides from the labels' names which label of a classifier means relevant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rerankbench.errors import ModelError, UsageError

_RELEVANT = frozenset(
    {"relevant", "relevance", "rel", "isrelevant", "related", "useful", "helpful", "good"}
    | {"entailment", "entailed", "entails", "entail", "supported", "supports", "support"}
    | {"yes", "y", "true", "positive", "pos", "correct", "accept", "accepted"}
    | {"match", "matches", "matched", "matching", "similar", "equivalent"}
    | {"duplicate", "isduplicate", "paraphrase", "isparaphrase"}
    | {"answer", "answers", "answered", "hasanswer", "answerable"}
)
_OTHER = frozenset(
    {"irrelevant", "useless", "bad", "none", "no", "n", "false", "negative", "neg"}
    | {"contradiction", "contradicts", "contradictory", "refuted", "refutes", "refute"}
    | {"incorrect", "wrong", "reject", "rejected"}
    | {"mismatch", "different", "dissimilar", "distinct"}
)
_UNDECIDED = frozenset(
    {"neutral", "unknown", "undecided", "maybe", "other", "nei", "notenoughinfo"}
)
_DENIALS = ("not", "non", "no", "un", "in", "ir", "dis", "isnot", "doesnot", "without")
_DENYING_WORDS = frozenset({"not", "non", "no", "isnt", "doesnt", "without"})
# Words that leave a name's meaning as it is.
_BESIDES = frozenset(
    {"is", "are", "it", "a", "the", "label", "class", "score", "pair", "sample", "example"}
    | {"text", "passage", "passages", "document", "documents", "doc", "query", "result"}
)
_WORDS = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Numbers for names: of two labels the second is the relevant one.
_NUMBERED = re.compile(r"(?:label|class)?([01])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The label that is scored, and the number of labels.

    `name` is empty if it is no more than a number. `caution` is for users
    if the choice is a guess.
    """

    index: int
    count: int
    name: str = ""
    caution: str | None = None

    @property
    def score(self) -> str:
        """How the score is computed, as records show it."""
        if self.count == 1:
            return "logit"
        if self.count == 2:
            return f"logit{self.index} - logit{1 - self.index}"
        rest = ", ".join(f"logit{i}" for i in range(self.count) if i != self.index)
        return f"logit{self.index} - logsumexp({rest})"

    def as_recipe(self) -> dict[str, str]:
        """The label's entry in a record's recipe, if its name is informative."""
        return {"label": self.name} if self.name else {}


def names_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels' names in the order of the logits, as config.json has them, else transformers'.

    As there, names count only if there are `num_labels` of them. Raises ModelError for names
    that are not numbered from 0 on.
    """
    named = config.get("id2label")
    count = config.get("num_labels", 2 if named is None else len(named))
    if named is None or len(named) != count:
        turned = config.get("label2id") or {}
        by_index = {str(index): name for name, index in turned.items()}
        return tuple(str(by_index.get(str(i), f"LABEL_{i}")) for i in range(count))
    try:
        by_number = {int(key): str(name) for key, name in named.items()}
    except ValueError:
        by_number = {}
    if not by_number or sorted(by_number) != list(range(len(named))):
        raise ModelError(
            f"its id2label numbers its labels {', '.join(map(str, named))!s:.80}, and not from 0 "
            "on; mend its config.json"
        )
    return tuple(by_number[i] for i in range(len(by_number)))


def of(config: Mapping[str, Any], requested: str | int | None, *, model: str) -> Label:
    """The label to score of a classifier with this config.json, as `scored` chooses it.

    Where `label2id` contradicts `id2label`, which transformers follows, a caution says so.
    """
    try:
        names = names_of(config)
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from None
    label = scored(names, requested, model=model)
    by_name = config.get("label2id") or {}
    contradicted = any(str(by_name.get(name, i)) != str(i) for i, name in enumerate(names))
    if len(names) == 1 or not contradicted or label.caution is not None or requested is not None:
        return label
    caution = (
        f"its id2label and label2id contradict each other; {names[label.index]:.40} "
        f"({label.index}) was scored, after id2label; {_REMEDY}"
    )
    return replace(label, caution=caution)


def scored(names: Sequence[str], requested: str | int | None, *, model: str) -> Label:
    """The label to score: the one requested by name or index, else the one that names imply.

    Raises UsageError for an unknown label, ModelError if names do not imply which of
    three or more is relevant.
    """
    if requested is not None:
        return _asked(names, requested, model)
    if len(names) == 1:
        return Label(index=0, count=1)
    meanings = [_meaning(name) for name in names]
    if len(names) == 2:
        return _of_two(names, meanings)
    if meanings.count(True) == 1 and None not in meanings:
        index = meanings.index(True)
        return Label(index=index, count=len(names), name=names[index])
    example = next(
        (
            n
            for n, meaning in zip(names[::-1], meanings[::-1], strict=True)
            if meaning is not False
        ),
        names[-1],
    )
    raise ModelError(
        f"{model}: {len(names)} labels ({', '.join(names)!s:.80}), and nothing tells which one "
        "is relevant; name it in a config: "
        f"{{model: {model}, recipe: {{label: {_written(example)}}}}}"
    )


def _asked(names: Sequence[str], requested: str | int, model: str) -> Label:
    # YAML reads yes and no as true and false.
    flags = {True: ("yes", "true"), False: ("no", "false")} if isinstance(requested, bool) else {}
    if flags:
        matches = [i for i, name in enumerate(names) if _plain(name) in flags[bool(requested)]]
        index = matches[0] if len(matches) == 1 else None
    else:
        index = int(requested) if isinstance(requested, int) else _place(names, requested)
    if index is None or not 0 <= index < len(names):
        raise UsageError(
            f"{model}: no label {requested!r:.60}; its labels are "
            + f"{', '.join(f'{i}: {name}' for i, name in enumerate(names))!s:.150}"
        )
    name = "" if len(names) == 1 or _number(names[index]) is not None else names[index]
    return Label(index=index, count=len(names), name=name)


def _place(names: Sequence[str], requested: str) -> int | None:
    """The one label of that name, as written, else without regard to case and spacing."""
    for same in (str, _plain):
        matches = [i for i, name in enumerate(names) if same(name) == same(requested)]
        if len(matches) == 1:
            return matches[0]
    return int(requested) if requested.isascii() and requested.isdigit() else None


def _of_two(names: Sequence[str], meanings: Sequence[bool | None]) -> Label:
    numbers = [_number(name) for name in names]
    if sorted(n for n in numbers if n is not None) == [0, 1]:
        index = numbers.index(1)
        turned = (
            f"its labels are numbered the other way round ({names[0]}, {names[1]}): {names[index]}"
            f", the first, was scored; {_REMEDY}"
        )
        return Label(index=index, count=2, caution=None if index == 1 else turned)
    first, second = meanings
    if first is not None and second is not None and first != second:
        index = 0 if first else 1
    elif (first is None and second is None) or first == second:
        index = 0 if _denies(names[1], names[0]) else 1
        return Label(index=index, count=2, name=names[index], caution=_unclear(names, index))
    else:
        # One name is understood: the other is its opposite.
        index = 0 if first is True or second is False else 1
    return Label(index=index, count=2, name=names[index])


_REMEDY = "name another as 'label' in the recipe of a config if that is wrong"


def _unclear(names: Sequence[str], index: int) -> str:
    return (
        f"its labels, {names[0]:.40} and {names[1]:.40}, do not say which is relevant: the "
        f"{('first', 'second')[index]} was scored; {_REMEDY}"
    )


def _denies(name: str, other: str) -> bool:
    """Whether one name is the other one with a negation before it."""
    return any(_plain(name) == denial + _plain(other) for denial in _DENIALS)


def _plain(name: str) -> str:
    """Without case, spacing and marks; letters of all scripts stay."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _number(name: str) -> int | None:
    """The number of a label whose name is just a number."""
    match = _NUMBERED.fullmatch(_plain(re.sub(r"\.0+$", "", name.strip())))
    return int(match[1]) if match else None


def _meaning(name: str) -> bool | None:
    """Whether a name means relevant (True), or the contrary or neither (False); else None."""
    meaning = _meaning_of_word(_plain(name))
    if meaning is not None:
        return meaning
    words = [word.casefold() for word in _WORDS.findall(_HUMPS.sub(" ", name))]
    telling = [word for word in words if word not in _BESIDES]
    denied = any(word in _DENYING_WORDS for word in telling)
    meanings = {_meaning_of_word(word) for word in telling if word not in _DENYING_WORDS}
    if meanings == {True}:
        return not denied
    # "not" before a contrary says nothing that could be relied on.
    return False if meanings == {False} and not denied else None


def _meaning_of_word(plain: str) -> bool | None:
    if plain in _RELEVANT:
        return True
    if plain in _OTHER or plain in _UNDECIDED:
        return False
    denied = any(plain.removeprefix(d) in _RELEVANT for d in _DENIALS if plain.startswith(d))
    return False if denied else None


def _written(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) and not name.isdigit() else repr(name)
