"""What is in the package that users install: every file of the tree, and nothing besides."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import rerankbench

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    # Without the compiled engine, so that no CMake is needed: scripts/prove_wheel.sh builds it.
    command += ["--config-settings=wheel.cmake=false", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if name.startswith("rerankbench/")}
    ignored = {"__pycache__", "libraries"}
    tree = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rerankbench").rglob("*")
        if path.is_file() and not ignored & set(path.parts)
    }
    assert packed == tree
    others = {name.split("/")[0] for name in wheel.namelist()} - {"rerankbench"}
    assert others == {f"rerankbench-{rerankbench.__version__}.dist-info"}


def test_the_wheel_says_what_it_is_and_keeps_the_users_torch(wheel: zipfile.ZipFile) -> None:
    (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    about = HeaderParser().parsestr(wheel.read(path).decode())
    assert about["Version"] == rerankbench.__version__
    assert about["License-Expression"] == "Apache-2.0 AND CC-BY-NC-2.0"
    needed = [line for line in about.get_all("Requires-Dist", []) if line.startswith("torch")]
    assert needed and all("<" not in line and "==" not in line for line in needed)
