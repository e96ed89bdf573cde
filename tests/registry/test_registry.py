"""Names of plug-ins: built-ins first, then what other packages offer; nothing heavy on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import get_args

import pytest

from rerankbench import registry
from rerankbench.errors import PluginError, UsageError
from rerankbench.registry import Kind

HEAVY = ("torch", "transformers", "bm25s", "ir_datasets", "pytrec_eval", "numpy", "pandas")

Install = Callable[[str, str], None]


def _of_fake_plugins(*, group: str) -> list[EntryPoint]:
    found = entry_points(group=group)
    return [point for point in found if point.dist and point.dist.name == "fake-plugins"]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution `fake-plugins` on sys.path: entry points, and a module's source."""
    site = tmp_path / "site"

    def put(entry_points: str, source: str) -> None:
        info = site / "fake_plugins-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugins\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        (site / "fake_plugin_module.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setattr(registry, "entry_points", _of_fake_plugins)
        registry._installed.cache_clear()

    registry._installed.cache_clear()
    yield put
    sys.modules.pop("fake_plugin_module", None)
    registry._installed.cache_clear()


def _fresh_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_listing_names_imports_no_plugin_and_nothing_heavy() -> None:
    loaded = _fresh_python(
        "import sys; from rerankbench import registry\n"
        "for kind in ('collections', 'firststages', 'rerankers', 'metrics'):\n"
        "    assert registry.names(kind)[: len(registry._BUILT_IN[kind])]\n"
        "print(*sys.modules)"
    ).split()
    plugins = [
        name
        for name in loaded
        if name.startswith(tuple(f"rerankbench.{kind}" for kind in ("collections", "firststage")))
        or name.startswith(("rerankbench.rerankers", "rerankbench.metrics"))
    ]
    assert plugins == []
    assert not set(HEAVY) & set(loaded)


def test_every_built_in_loads_without_torch_or_transformers() -> None:
    loaded = _fresh_python(
        "import sys; from rerankbench import registry\n"
        "for kind in ('collections', 'firststages', 'rerankers', 'metrics'):\n"
        "    for name in registry._BUILT_IN[kind]:\n"
        "        assert registry.load(kind, name) is not None\n"
        "print(*sys.modules)"
    ).split()
    assert not {"torch", "transformers"} & set(loaded)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_names_are_unique(kind: Kind) -> None:
    names = registry.names(kind)
    assert len(names) == len(set(names)) > 0


def test_documented_names_are_known() -> None:
    assert {"bm25", "oracle", "random"} <= set(registry.names("rerankers"))
    assert {"bm25", "rank-bm25", "run"} <= set(registry.names("firststages"))
    assert {"nDCG", "MAP", "MRR", "Recall", "P"} <= set(registry.names("metrics"))
    assert "demo" in registry.names("collections")


def test_another_package_adds_a_plugin_in_one_line(install: Install) -> None:
    source = "def thing(cutoff):\n    return None\n"
    install("[rerankbench.metrics]\nmine = fake_plugin_module:thing\n", source)
    assert registry.names("metrics")[-1] == "mine"
    assert "mine" not in registry.names("rerankers")
    assert "fake_plugin_module" not in sys.modules
    assert callable(registry.load("metrics", "mine"))
    assert "fake_plugin_module" in sys.modules


def test_a_plugin_cannot_replace_a_built_in(install: Install) -> None:
    before = registry.load("metrics", "nDCG")
    install("[rerankbench.metrics]\nnDCG = fake_plugin_module:THING\n", "THING = 'a forgery'")
    assert registry.load("metrics", "nDCG") is before
    assert registry.names("metrics").count("nDCG") == 1
    assert "fake_plugin_module" not in sys.modules


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("rerankers", "orcale", "no reranker 'orcale'; did you mean 'oracle'?"),
        ("firststages", "bm52", "no first stage 'bm52'; did you mean 'bm25'?"),
        ("collections", "dmo", "no collection 'dmo'; did you mean 'demo'?"),
        (
            "metrics",
            "xyz",
            f"no metric 'xyz'; known: {', '.join(sorted(registry.names('metrics')))}",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(kind: Kind, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.load(kind, name)
    assert str(caught.value) == message


def test_names_of_other_packages_are_offered_too(install: Install) -> None:
    install("[rerankbench.rerankers]\nwonderful = fake_plugin_module:THING\n", "THING = 1")
    with pytest.raises(UsageError, match="did you mean 'wonderful'"):
        registry.load("rerankers", "wonderfull")


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_module_anywhere",
        "",
        "raise ImportError('too old')",
        "raise RuntimeError('two\\nlines')",
        "def (",
        "import sys; sys.exit(3)",
        "1 / 0",
    ],
)
def test_a_plugin_that_cannot_be_imported_names_its_package(install: Install, source: str) -> None:
    install("[rerankbench.rerankers]\nmine = fake_plugin_module:THING\n", source)
    with pytest.raises(
        PluginError, match=r"^reranker 'mine' of fake-plugins: cannot be imported"
    ) as caught:
        registry.load("rerankers", "mine")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
