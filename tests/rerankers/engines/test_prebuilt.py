"""The native engine that a wheel brings: which library is taken, and no compiler is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.engines import choice, cpu, native_library, prebuilt

from .test_engines import AVX512, BERT, needs_native

ROOT = Path(__file__).resolve().parents[3]
V4 = AVX512 | {"avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def _built_for() -> dict[str, list[str]]:
    """What CMakeLists.txt builds, and for which processor."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    calls = re.findall(r"^add_engine\((\S+) (.+)\)$", text, flags=re.MULTILINE)
    return {name: options.split() for name, options in calls}


def _options() -> list[str]:
    """The compiler's other options in CMakeLists.txt."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    (options,) = re.findall(r"PRIVATE \$\{ARGN\} ([^)]+)\)", text)
    return str(options).split()


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "libraries"
    folder.mkdir()
    monkeypatch.setattr(prebuilt, "FOLDER", folder)
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "compiler", lambda: None)


def test_what_is_built_is_what_is_looked_for() -> None:
    assert list(_built_for()) == list(reversed(prebuilt.NEEDED_FLAGS))
    machine_independent = set(native_library.OPTIONS) - {"-march=native"}
    implied = {"-std=c++17", "-fPIC", "-shared"}  # Said by CMake's own properties.
    assert set(_options()) == machine_independent - implied


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (V4 | {"avx512_bf16"}, "x86-64-v4-bf16"),
        (V4, "x86-64-v4"),
        (AVX512, None),
        (frozenset[str](), None),
    ],
)
def test_the_best_that_the_processor_runs_is_taken(
    flags: frozenset[str], name: str | None, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "flags", lambda: flags)
    assert prebuilt.library() is None
    for each in prebuilt.NEEDED_FLAGS:
        (libraries / f"{each}.so").touch()
    assert prebuilt.library() == (None if name is None else libraries / f"{name}.so")


@needs_native
@pytest.mark.usefixtures("no_compiler")
def test_a_library_of_the_wheel_needs_no_compiler(
    libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = RerankerSpec(model="", dtype="float32")
    assert choice.obstacle("native", spec, BERT) == "no C++ compiler; install g++"
    name, target = next(iter(_built_for().items()))
    if not prebuilt.NEEDED_FLAGS[name] <= cpu.flags():
        pytest.skip(f"the processor does not run {name}")
    built = libraries / f"{name}.so"
    compiler = shutil.which("g++") or shutil.which("clang++")
    assert compiler is not None
    command = [compiler, *_options(), *target, "-std=c++17", "-fPIC", "-shared"]
    subprocess.run([*command, "-o", str(built), str(native_library.SOURCE)], check=True)
    assert choice.obstacle("native", spec, BERT) is None
    library = native_library.library.__wrapped__()
    assert library._name == str(built)
    assert library.encode_float32 and library.encode_bfloat16


@pytest.mark.usefixtures("no_compiler")
def test_a_library_that_does_not_load_is_said(
    libraries: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cpu, "flags", lambda: V4)
    (libraries / "x86-64-v4.so").write_bytes(b"no library")
    with pytest.raises(ModelError, match=r"no C\+\+ compiler; install g\+\+"):
        native_library.library.__wrapped__()
    (message,) = caplog.messages
    assert "x86-64-v4.so cannot be loaded (" in message and "\n" not in message
