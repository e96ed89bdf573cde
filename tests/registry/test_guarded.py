"""Plug-ins of other packages: what they do wrong is one line that names them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from rerankbench.errors import InputError, PluginError
from rerankbench.progress import Silent
from rerankbench.protocols import (
    EngineChoice,
    FirstStageWarnings,
    GradedMetric,
    Job,
    LevelledCollection,
    LevelledMetric,
    MarkedPairs,
    MarkedQueries,
    ProvidedMetric,
    RerankerSpec,
    ScoredBatch,
    SharedIds,
)
from rerankbench.registry.guarded import Plugin, guard
from rerankbench.run import quality, scoring
from rerankbench.types import (
    CandidateLists,
    CollectionHashes,
    Document,
    EngineRef,
    Hit,
    Query,
    Ranking,
    RerankerRef,
)

from .. import tiny

REF = RerankerRef(name="mine", family="mine", revision="1")
ENGINE = EngineRef(engine="own", device="cpu")
Change = Mapping[str, Any]


def _raising(*_: Any, **__: Any) -> Any:
    raise KeyError("a secret place")


def _thing(parts: Mapping[str, Any], change: Change) -> Any:
    """An object with these parts, some of them changed; those that are `del` are left out."""
    parts = {name: value for name, value in {**parts, **change}.items() if value is not del_}
    return type("Thing", (), {})() if not parts else _Parts(parts)


class _Parts:
    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.__dict__.update(parts)


del_ = object()


def _pairs(job: Job) -> int:
    return sum(len(each.documents) for each in job.candidates)


def _reranker(**change: Any) -> Any:
    def score(job: Job) -> Iterator[ScoredBatch]:
        pairs = [pair for pair in range(_pairs(job)) if pair not in job.done]
        yield ScoredBatch(pairs=pairs, scores=[float(pair) for pair in pairs])

    parts = {
        "ref": REF,
        "engine": ENGINE,
        "attention_kernel": None,
        "prepare": lambda job: job,
        "score": score,
        "warnings": lambda: [],
        "peak_device_bytes": lambda: None,
    }
    inner = _thing(parts, change)
    return _loadable(load=lambda engine: inner)


def _loadable(**change: Any) -> Any:
    """A factory whose `identify` gives these parts."""
    parts = {
        "ref": REF,
        "choose_engine": lambda pairs: EngineChoice(engine=ENGINE),
        "load": lambda engine: None,
    }
    loadable = _thing(parts, change)
    return _Parts({"scores_documents": True, "identify": lambda spec: loadable})


def _factory(**change: Any) -> Any:
    return _thing(vars(_reranker()), change)


def _load(factory: Any) -> Any:
    guarded = guard("rerankers", Plugin("reranker 'mine' of my-package"), factory)
    loadable = guarded.identify(RerankerSpec(model="mine"))
    return loadable.load(loadable.choose_engine(6).engine)


def _use_reranker(factory: Any, folder: Path) -> None:
    candidates = tuple(tiny.mixed(queries=2, documents=3))
    found = scoring.score(
        _load(factory),
        CandidateLists(candidates=candidates),
        {},
        journal_path=folder / "scores.jsonl",
        header={},
        progress=Silent(),
    )
    assert found.pairs == 6


def _batch(**parts: Any) -> Callable[[Job], Iterator[Any]]:
    return lambda job: iter([ScoredBatch(**parts)])


def _words(name: str) -> dict[str, Any]:
    return {name: "many"}


RERANKERS: Mapping[str, tuple[Any, str]] = {
    "no factory": ("a text", "its entry point gave a str, which has no 'identify'"),
    "no load": (_loadable(load=del_), "identify gave a _Parts, which has no 'load'"),
    "speed unknown": (
        _factory(scores_documents=1),
        "scores_documents must give bool, and gave a ",
    ),
    "identify raises": (_factory(identify=_raising), "identify raised KeyError: 'a secret place'"),
    "identify takes nothing": (_factory(identify=lambda: 1), "identify raised TypeError"),
    "identify gives one": (
        _factory(identify=lambda spec: REF),
        "identify gave a RerankerRef, which has no 'ref'",
    ),
    "ref is another": (_loadable(ref=(1, 2)), "identify must give RerankerRef"),
    "load gives nothing": (_loadable(), "load gave None, which has no 'ref'"),
    "load ends the process": (
        _loadable(load=lambda engine: sys.exit(5)),
        "load raised SystemExit: 5",
    ),
    "not callable": (_reranker(prepare=3), "its prepare is not a function but a int"),
    "prepare raises": (_reranker(prepare=_raising), "prepare raised KeyError"),
    "score raises": (_reranker(score=_raising), "score raised KeyError"),
    "score gives nothing": (_reranker(score=lambda job: None), "score gave None, which cannot"),
    "score gives numbers": (_reranker(score=lambda job: [1.0]), "must give ScoredBatch, and gave"),
    "parameters in words": (
        _loadable(ref=replace(REF, **_words("parameters"))),
        "the parameters of identify is 'many'; Input should be a valid integer",
    ),
    "fewer than none": (
        _loadable(ref=replace(REF, parameters=-3)),
        "the parameters of identify is -3; Input should be greater than or equal to 0",
    ),
    "threads in words": (
        _loadable(
            choose_engine=lambda pairs: EngineChoice(engine=replace(ENGINE, **_words("threads")))
        ),
        "the threads of choose_engine is 'many'",
    ),
    "an engine without a choice": (
        _loadable(choose_engine=lambda pairs: ENGINE),
        "choose_engine must give EngineChoice, and gave a EngineRef",
    ),
    "a warning in numbers": (
        _loadable(choose_engine=lambda pairs: EngineChoice(engine=ENGINE, warning=cast("str", 3))),
        "the warning of choose_engine must give str, and gave a int",
    ),
    "two lines for a name": (
        _loadable(ref=replace(REF, name="a\nb")),
        "the name of identify is 'a\\nb'; it must be one line",
    ),
    "no name": (
        _loadable(ref=replace(REF, name=" ")),
        "the name of identify is ' '; it must be one line",
    ),
    "checks in numbers": (
        _reranker(checks={"padding": 1}),
        "checks must give str, and gave a int",
    ),
    "checks in a list": (_reranker(checks=[1]), "checks must give Mapping, and gave a list"),
    "tokens in words": (
        _reranker(score=_batch(pairs=[0], scores=[1.0], tokens="x")),
        "the tokens of score must be a count, and is 'x'",
    ),
    "endless searches": (
        _reranker(score=_batch(pairs=[0], scores=[1.0], searches=float("inf"))),
        "the searches of score gave",
    ),
    "one attempt": (
        _reranker(score=_batch(pairs=[0], scores=[1.0], failed_attempts_s=3)),
        "the failed_attempts_s of score gave a int, which cannot be iterated",
    ),
    "answers of no kind": (
        _reranker(score=_batch(pairs=[0], scores=[1.0], answers=4)),
        "the answers of score must give Mapping, and gave a int",
    ),
    "too few": (
        _reranker(score=_batch(pairs=[0, 1], scores=[1.0, 2.0])),
        "score left 4 of 6 pairs without a score",
    ),
    "not as many": (
        _reranker(score=_batch(pairs=[0, 1], scores=[1.0])),
        "score gave 1 scores for 2 pairs",
    ),
    "twice": (
        _reranker(score=_batch(pairs=[0, 0], scores=[1.0, 1.0])),
        "score gave a score for pair 0, not requested",
    ),
    "beyond": (
        _reranker(score=_batch(pairs=[6], scores=[1.0])),
        "score gave a score for pair 6, not requested",
    ),
    "not finite": (
        _reranker(score=_batch(pairs=[0], scores=[float("nan")])),
        "score gave the score nan, which is not a finite number",
    ),
    "no number": (_reranker(score=_batch(pairs=[0], scores=["1"])), "gave the score '1'"),
    "pairs no list": (_reranker(score=_batch(pairs=3, scores=[1.0])), "score gave a int, which"),
    "pairs by name": (
        _reranker(score=_batch(pairs=["d"], scores=[1.0])),
        "the pair 'd', which is",
    ),
    "a number for a name": (
        _loadable(ref=replace(REF, name=3)),  # type: ignore[arg-type]
        "the name of identify must give str, and gave a int",
    ),
    "lists by the recipe alone": (
        _loadable(ref=replace(REF, recipe={"scores_lists": True})),
        "the recipe of identify says scores_lists; say reads='lists' instead",
    ),
    "a recipe of objects": (
        _loadable(ref=replace(REF, recipe={"at": object()})),  # type: ignore[dict-item]
        "the recipe of identify gave a value that is not JSON",
    ),
    "no kernel's name": (_reranker(attention_kernel=3), "attention_kernel must give str"),
}


@pytest.mark.parametrize("case", RERANKERS)
def test_a_reranker_that_breaks_its_contract_is_named(case: str, tmp_path: Path) -> None:
    factory, message = RERANKERS[case]
    with pytest.raises(PluginError) as caught:
        _use_reranker(factory, tmp_path)
    _check_line(str(caught.value), "reranker 'mine' of my-package: ", message)


def _check_line(line: str, start: str, message: str) -> None:
    assert line.startswith(start)
    assert message in line
    assert line.endswith("; mend the plug-in, or uninstall it")
    assert "\n" not in line
    assert len(line) <= 300


def test_a_good_reranker_is_used_as_it_is(tmp_path: Path) -> None:
    factory = _reranker(about={"labels": "one"})
    _use_reranker(factory, tmp_path)
    loaded = _load(factory)
    assert loaded.about == {"labels": "one"}
    assert loaded.checks == {}


def test_what_a_plugin_says_of_its_pairs_is_passed_on() -> None:
    job = Job(candidates=tuple(tiny.mixed(queries=2, documents=3)))
    marked = _Parts({"truncated": [True] * job.starts[-1], "cut_queries": {"q0"}})
    for given, truncated, cut_queries in (
        (marked, [True] * job.starts[-1], {"q0"}),
        ("pairs without marks", [False] * job.starts[-1], set()),
    ):
        factory = _reranker(prepare=lambda _, given=given: given)
        loaded = _load(factory)
        prepared = loaded.prepare(job)
        assert isinstance(prepared, MarkedPairs)
        assert isinstance(prepared, MarkedQueries)
        assert prepared.truncated == truncated
        assert set(prepared.cut_queries) == cut_queries


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    batch = _batch(pairs=np.arange(6), scores=np.linspace(0, 1, 6, dtype=np.float32))
    _use_reranker(_reranker(score=batch), tmp_path)


def test_what_a_plugin_says_on_purpose_is_said(tmp_path: Path) -> None:
    def load(_: Any) -> Any:
        raise InputError("weights.bin", "is cut short", remedy="fetch it again")

    with pytest.raises(InputError, match=r"^weights\.bin: is cut short; fetch it again$"):
        _use_reranker(_loadable(load=load), tmp_path)


# --- the other three kinds ---------------------------------------------------------------------

HASHES = CollectionHashes(corpus="a", queries="b", qrels="c")
COLLECTION = {
    "name": "mine",
    "source": "mine",
    "split": "test",
    "drops_identical_ids": False,
    "hashes": lambda: HASHES,
    "documents": lambda: iter([Document(doc_id="d", title="", text="tide")]),
    "document_count": lambda: 1,
    "queries": lambda: [Query(query_id="q", text="tide")],
    "qrels": lambda: {"q": {"d": 1}},
    "lookup": lambda doc_ids: {"d": Document(doc_id="d", title="", text="tide")},
    "warnings": lambda: [],
}
STAGE = {
    "describe": lambda: {"flavour": "own"},
    "retrieve": lambda collection, queries, depth, *, progress: [
        Ranking(query_id="q", hits=(Hit("d", 1.0),))
    ],
}
METRIC = {"name": "mine", "per_query": lambda qrels, run: dict.fromkeys(qrels, 0.5)}


def _use(kind: str, made: Any) -> None:
    found = guard(kind, Plugin(f"{kind} of my-package"), lambda *arguments: made)("a", "b")
    if kind == "collections":
        assert len(list(found.documents())) == found.document_count() == 1
        assert (found.hashes(), len(found.queries())) == (HASHES, 1)
        assert list(found.qrels()) == ["q"]
        assert list(found.lookup({"d"})) == ["d"]
        assert found.warnings() == []
        assert found.identical_ids() == {}
    elif kind == "firststages":
        assert found.describe() == {"flavour": "own"}
        assert len(found.retrieve(None, [], 3, progress=Silent())) == 1
        assert list(found.warnings()) == []
    else:
        assert found.per_query({"q": {"d": 1}}, {}) == {"q": 0.5}
        if isinstance(found, LevelledMetric):
            found.at_level(2)


OTHERS: Mapping[str, Mapping[str, Any]] = {
    "collections": COLLECTION,
    "firststages": STAGE,
    "metrics": METRIC,
}


def _ranking(*hits: Any) -> Callable[..., Any]:
    return lambda *_, **__: [Ranking(query_id="q", hits=hits)]


WRONG: list[tuple[str, Change, str]] = [
    *(("collections", {name: del_}, f"no '{name}'") for name in COLLECTION if name[:2] != "dr"),
    *(
        ("collections", {n: _raising}, f"{n} raised")
        for n in COLLECTION
        if callable(COLLECTION[n])
    ),
    *(
        ("collections", {n: 3}, f"its {n} is not a func")
        for n in COLLECTION
        if callable(COLLECTION[n])
    ),
    ("collections", {"name": None}, "name must give str, and gave None"),
    ("collections", {"hashes": lambda: {}}, "must give CollectionHashes"),
    ("collections", {"documents": lambda: ["a text"]}, "documents must give Document"),
    ("collections", {"document_count": lambda: "1"}, "must give int, and gave a str"),
    ("collections", {"queries": lambda: None}, "queries gave None, which cannot be iterated"),
    ("collections", {"qrels": lambda: {"q": {"d": "1"}}}, "qrels must give int, and gave a str"),
    ("collections", {"qrels": lambda: {"q": ["d"]}}, "qrels must give Mapping, and gave a list"),
    ("collections", {"lookup": lambda ids: {"d": "text"}}, "lookup must give Document"),
    ("collections", {"warnings": lambda: [1]}, "warnings must give str, and gave a int"),
    (
        "collections",
        {"warnings": lambda: "text"},
        "warnings must give several texts, and gave one",
    ),
    ("collections", {"relevance_level": "2"}, "relevance_level must give int, and gave a str"),
    ("collections", {"relevance_level": 0}, "relevance_level must be 1 or more, and is 0"),
    ("collections", {"identical_ids": lambda: ["q"]}, "must give Mapping, and gave a list"),
    ("collections", {"identical_ids": lambda: {"q": 1}}, "identical_ids must give bool"),
    ("firststages", {"warnings": lambda: "text"}, "must give several texts, and gave one"),
    ("firststages", {"retrieve": del_}, "no 'retrieve'"),
    (
        "firststages",
        {"describe": lambda: {"at": object()}},
        "describe gave a value that is not JSON",
    ),
    (
        "firststages",
        {"describe": lambda: {"k1": float("nan")}},
        "describe gave a value that is not JSON",
    ),
    ("firststages", {"retrieve": lambda queries: []}, "retrieve raised TypeError"),
    ("firststages", {"retrieve": lambda *_, **__: {"q": 1}}, "must give Ranking, and gave a str"),
    ("firststages", {"retrieve": _ranking(("d", 1.0))}, "must give Hit, and gave a tuple"),
    ("firststages", {"retrieve": _ranking(Hit("d", float("inf")))}, "the score inf"),
    ("firststages", {"retrieve": _ranking(Hit(3, 1.0))}, "must give str, and gave a int"),  # type: ignore[arg-type]
    ("metrics", {"name": del_}, "no 'name'"),
    ("metrics", {"is_graded": 1}, "is_graded must give bool, and gave a int"),
    ("metrics", {"at_level": lambda level: None}, "at_level gave None, which has no 'name'"),
    ("metrics", {"per_query": _raising}, "per_query raised KeyError"),
    ("metrics", {"per_query": lambda qrels, run: 0.5}, "must give Mapping, and gave a float"),
    ("metrics", {"per_query": lambda qrels, run: {}}, "gave no value for the query 'q'"),
    ("metrics", {"per_query": lambda qrels, run: {"q": None}}, "gave the score None"),
    ("metrics", {"per_query": lambda qrels, run: {"q": float("nan")}}, "gave the score nan"),
]


@pytest.mark.parametrize("kind", OTHERS)
def test_good_plugins_of_the_other_kinds_work(kind: str) -> None:
    _use(kind, _Parts(OTHERS[kind]))


def _guarded(kind: str, parts: Change) -> Any:
    return guard(kind, Plugin("x"), lambda: _Parts({**OTHERS[kind], **parts}))()


def test_optional_abilities_of_a_plugin_are_used() -> None:
    abilities = {"relevance_level": 2, "identical_ids": lambda: {"q": True}}
    collection = _guarded("collections", abilities)
    assert isinstance(collection, LevelledCollection)
    assert collection.relevance_level == 2
    assert isinstance(collection, SharedIds)
    assert collection.identical_ids() == {"q": True}

    stage = _guarded("firststages", {"warnings": lambda: ["odd"]})
    assert isinstance(stage, FirstStageWarnings)
    assert stage.warnings() == ["odd"]

    levels = {"at_level": lambda level: _Parts({**METRIC, "name": f"mine(rel={level})"})}
    metric = _guarded("metrics", {**levels, "is_graded": True})
    assert isinstance(metric, GradedMetric)
    assert metric.is_graded
    assert isinstance(metric, LevelledMetric)
    assert metric.at_level(2).name == "mine(rel=2)"


class _Provider:
    """Computes its metrics together and counts how often it was asked to."""

    passes = 0

    def per_query(self, metrics: Any, qrels: Any, run: Any) -> Any:
        self.passes += 1
        return {metric.name: {"q": metric.value} for metric in metrics}


def test_metrics_of_one_provider_are_computed_in_one_pass() -> None:
    provider = _Provider()
    metrics = [
        _guarded("metrics", {"name": name, "provider": provider, "value": value})
        for name, value in (("mine@1", 0.25), ("mine@2", 0.75))
    ]
    values = quality.evaluate({"q": {"d": 1}}, [], [*metrics, _guarded("metrics", {})])
    assert values == {"mine@1": {"q": 0.25}, "mine@2": {"q": 0.75}, "mine": {"q": 0.5}}
    assert provider.passes == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "per_query gave no values for the metric 'mine'"),
        ({"mine": {}}, "per_query gave no value for the query 'q'"),
        ({"mine": {"q": float("nan")}}, "per_query gave the score nan"),
        (3, "per_query must give Mapping, and gave a int"),
    ],
)
def test_a_provider_that_breaks_its_contract_is_named(values: Any, message: str) -> None:
    provider = _Parts({"per_query": lambda metrics, qrels, run: values})
    metric = _guarded("metrics", {"provider": provider})
    with pytest.raises(PluginError, match=re.escape(message)):
        quality.evaluate({"q": {"d": 1}}, [], [metric])


def test_a_plugin_without_optional_abilities_has_the_usual_ones() -> None:
    collection = _guarded("collections", {})
    assert (collection.relevance_level, collection.identical_ids()) == (1, {})
    assert list(_guarded("firststages", {}).warnings()) == []
    metric = _guarded("metrics", {})
    assert not isinstance(metric, LevelledMetric)
    assert not isinstance(metric, ProvidedMetric)
    assert not metric.is_graded


@pytest.mark.parametrize(("kind", "change", "message"), WRONG)
def test_others_that_break_their_contract_are_named(
    kind: str, change: Change, message: str
) -> None:
    with pytest.raises(PluginError) as caught:
        _use(kind, _thing(OTHERS[kind], change))
    _check_line(str(caught.value), f"{kind} of my-package: ", message)


@pytest.mark.parametrize("kind", OTHERS)
def test_an_entry_point_that_is_no_function_is_named(kind: str) -> None:
    with pytest.raises(PluginError, match="its entry point must be a function, and is a int"):
        guard(kind, Plugin("x"), 3)


class _Unreadable:
    """Any of its attributes is a property that fails."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} is not ready")


@pytest.mark.parametrize("kind", [*OTHERS, "rerankers"])
def test_an_attribute_that_cannot_be_read_is_the_plugins_fault(kind: str) -> None:
    made = _Unreadable()
    target = made if kind == "rerankers" else lambda *arguments: made
    with pytest.raises(PluginError, match="is not ready") as caught:
        guarded = guard(kind, Plugin("x"), target)
        guarded({})
    assert str(caught.value).endswith("; mend the plug-in, or uninstall it")


# --- from the command line ---------------------------------------------------------------------

_SOURCE = """
def metric(cutoff):
    raise ValueError("the cutoff\\nis odd")
"""


@pytest.mark.parametrize("asked", [False, True])
def test_the_command_line_says_one_line_and_where_if_asked(tmp_path: Path, asked: bool) -> None:
    info = tmp_path / "fake_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rerankbench.metrics]\nodd = broken_one:metric\n")
    (tmp_path / "broken_one.py").write_text(_SOURCE)
    code = "import os, sys; sys.path.insert(0, sys.argv.pop(1))\n"
    code += "os.environ.update(RERANKBENCH_TRACEBACK=sys.argv.pop(1))\n"
    code += "from rerankbench.cli import main; main()"
    arguments = ["evaluate", "qrels.tsv", "run.trec", "--metric", "odd@3"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "1" if asked else "", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    told = "error: metric 'odd' of fake-plugins: its function raised ValueError: the cutoff"
    assert done.stderr.splitlines()[-1].startswith(told)
    assert ("Traceback" in done.stderr) is asked
    assert ("broken_one.py" in done.stderr) is asked
