"""The public names: what is promised stays, and importing them stays cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rerankbench
from tests.public_api import KEPT, describe


def test_names_and_signatures_are_those_that_were_promised() -> None:
    assert describe() == KEPT.read_text(encoding="utf-8"), "python -m tests.public_api --write"


def test_type_checkers_see_the_names_that_are_fetched_when_used() -> None:
    tree = ast.parse(Path(rerankbench.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("rerankbench.")]
    seen = {alias.asname or alias.name for node in ours for alias in node.names}
    assert seen | {"__version__", "load_results", "load_per_query"} == set(rerankbench.__all__)
    for node in ours:
        for alias in node.names:
            module = sys.modules.get(node.module or "") or __import__(
                node.module or "", fromlist=["_"]
            )
            public = getattr(rerankbench, alias.asname or alias.name)
            assert public is getattr(module, alias.name)


def test_importing_the_package_imports_no_more_of_it_than_the_empty_room_that_run_hides() -> None:
    code = (
        "import sys, rerankbench; print([m for m in sys.modules if m.startswith('rerankbench.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['rerankbench.run']\n"


def test_the_function_run_stays_what_it_is_whatever_is_imported_from_its_room() -> None:
    code = (
        "import rerankbench.run.plan, rerankbench\n"
        "from rerankbench.run import plan\n"
        "print(plan.make.__module__, rerankbench.run.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "rerankbench.run.plan rerankbench.api.running\n"


def test_using_a_name_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom rerankbench import *\n"
        "heavy = {'torch', 'transformers', 'pandas', 'numpy', 'bm25s', 'ir_datasets'}\n"
        "print(Reranker.__name__, find_model('bge-reranker-v2-m3').name, heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Reranker BAAI/bge-reranker-v2-m3 set()\n"


def test_the_reference_describes_every_public_name() -> None:
    page = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    described = re.findall(r"^::: rerankbench\.(?:api\.\w+\.)?(\w+)$", page, re.M)
    assert sorted(described) == sorted(set(rerankbench.__all__) - {"__version__"})


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rerankbench.nothing  # noqa: B018
    assert set(rerankbench.__all__) <= set(dir(rerankbench))


def test_the_older_path_of_the_known_models_stays() -> None:
    from rerankbench import known_models
    from rerankbench.known import models

    assert known_models.find is models.find
