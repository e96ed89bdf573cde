"""Facts about the machine: plausible, stable, found without torch, whatever nvidia-smi says."""

from __future__ import annotations

import mmap
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rerankbench.run import environment

Smi = Callable[[str], None]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Nothing found for one test is believed in another."""

    def forget() -> None:
        environment.inspect.cache_clear()
        environment._gpus.cache_clear()
        environment._version.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Smi:
    """Puts a script called nvidia-smi first on PATH."""

    def put(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        environment._gpus.cache_clear()
        environment.inspect.cache_clear()

    return put


def _proc(monkeypatch: pytest.MonkeyPatch, files: dict[str, str | None]) -> None:
    """Replaces the text of files under /proc; None makes them unreadable."""
    read, write = Path.read_text, Path.write_text

    def read_text(self: Path, encoding: str | None = None) -> str:
        if str(self) in files:
            text = files[str(self)]
            if text is None:
                raise PermissionError(13, "Permission denied")
            return text
        return read(self, encoding)

    def write_text(self: Path, data: str) -> int:
        if str(self) in files:
            raise PermissionError(13, "Permission denied")
        return write(self, data)

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(Path, "write_text", write_text)


def test_the_machine_id_is_the_same_in_every_process_and_torch_is_not_imported() -> None:
    code = (
        "import sys; from rerankbench.run.environment import inspect, cuda_is_likely\n"
        "machine = inspect().machine_id; cuda_is_likely()\n"
        "print(machine, 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{environment.inspect().machine_id} False False\n"}


def test_facts_are_plausible() -> None:
    found = environment.inspect()
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.memory_bytes > 2**28
    assert found.cpu and found.cpu.strip() == found.cpu
    assert found.python == platform.python_version()
    assert found.packages["rerankbench"]
    assert {"torch", "transformers", "numpy", "pytrec-eval-terrier"} <= set(found.packages)
    assert len(found.machine_id) == 12


def test_packages_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert set(environment.inspect().packages) == {"numpy"}


def test_gpus_are_named_with_their_memory_together(smi: Smi) -> None:
    before = environment.inspect().machine_id
    smi("echo 'NVIDIA H200, 143771'; echo 'Odd, Name, 1024'")
    found = environment.inspect()
    assert found.gpu == "NVIDIA H200, Odd, Name"
    assert found.gpu_memory_bytes == (143771 + 1024) * 2**20
    assert found.machine_id != before


@pytest.mark.parametrize("script", ["exit 9", "", "echo 'NVIDIA H200, 1'; exit 1"])
def test_an_nvidia_smi_that_fails_means_no_gpu(script: str, smi: Smi) -> None:
    smi(script)
    found = environment.inspect()
    assert (found.gpu, found.gpu_memory_bytes) == (None, None)


def test_a_gpu_that_does_not_tell_its_memory_is_still_there(smi: Smi) -> None:
    smi("echo 'NVIDIA GB10, [N/A]'")
    found = environment.inspect()
    assert (found.gpu, found.gpu_memory_bytes) == ("NVIDIA GB10", None)


@pytest.mark.parametrize(
    "error", [subprocess.TimeoutExpired("nvidia-smi", 20), PermissionError(13, "denied")]
)
def test_an_nvidia_smi_that_hangs_or_cannot_start_means_no_gpu(
    error: Exception, smi: Smi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    smi("echo 'NVIDIA H200, 1'")
    monkeypatch.setattr(subprocess, "run", refuse)
    assert environment.inspect().gpu is None


@pytest.mark.parametrize(
    ("visible", "torch", "likely"),
    [
        (None, "2.9.0", True),
        (None, "2.9.0+cu128", True),
        (None, "2.9.0+cpu", False),
        ("0", "2.9.0", True),
        ("", "2.9.0", False),
        ("-1", "2.9.0", False),
    ],
)
def test_cuda_is_likely_with_a_visible_gpu_and_a_torch_for_it(
    visible: str | None, torch: str, likely: bool, smi: Smi, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi("echo 'NVIDIA H200, 143771'")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(environment, "version", lambda _: torch)
    assert environment.cuda_is_likely() is likely


def test_cuda_is_not_likely_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(environment, "version", lambda _: "2.9.0")
    monkeypatch.setenv("PATH", "")
    assert environment.cuda_is_likely() is False


def test_cores_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert environment.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert environment.usable_cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert environment.usable_cores() == 1


def test_busy_seconds_count_all_work_but_not_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    fields = [n * ticks for n in (1, 2, 4, 1000, 2000, 8, 16, 32, 0, 0)]
    text = "cpu  " + " ".join(map(str, fields)) + "\ncpu0 1 1 1\n"
    _proc(monkeypatch, {"/proc/stat": text})
    assert environment.machine_busy_s() == 1 + 2 + 4 + 8 + 16
    _proc(monkeypatch, {"/proc/stat": None})
    assert environment.machine_busy_s() is None


def test_energy_sums_the_packages_and_is_unknown_where_one_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = []
    for name, text in (("a", "1500000\n"), ("b", "500000\n")):
        (tmp_path / name).write_text(text)
        counters.append(tmp_path / name)
    monkeypatch.setattr(Path, "glob", lambda *_: counters)
    assert environment.energy_j() == 2.0
    counters.append(tmp_path / "gone")
    assert environment.energy_j() is None
    counters.clear()
    assert environment.energy_j() is None


def test_peak_memory_is_read_from_the_process_status(monkeypatch: pytest.MonkeyPatch) -> None:
    _proc(monkeypatch, {"/proc/self/status": "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t1 kB\n"})
    assert environment.peak_memory_bytes() == 2 * 2**20


@pytest.mark.parametrize("status", [None, "Name:\tx\n"])
def test_peak_memory_is_asked_of_the_kernel_where_status_is_silent(
    status: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _proc(monkeypatch, {"/proc/self/status": status})
    kibibytes = environment.peak_memory_bytes()
    assert kibibytes is not None
    assert 2**20 < kibibytes < 2**40
    monkeypatch.setattr(sys, "platform", "darwin")
    assert environment.peak_memory_bytes() == pytest.approx(kibibytes / 1024, rel=0.5)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert environment.peak_memory_bytes() is None


def test_counting_peak_memory_anew_says_whether_it_could(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if environment.reset_peak_memory():
        # Pages of its own: what malloc frees may stay with the process.
        with mmap.mmap(-1, 2**26) as big:
            big.write(b"x" * 2**26)
            peak = environment.peak_memory_bytes()
        assert environment.reset_peak_memory()
        after = environment.peak_memory_bytes()
        assert peak is not None and after is not None
        assert after < peak
    _proc(monkeypatch, {"/proc/self/clear_refs": None})
    assert environment.reset_peak_memory() is False


def test_the_cpu_is_named_by_proc_or_by_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor\t: 0\nmodel name\t: A CPU: v2 \nmodel name\t: other\n"
    _proc(monkeypatch, {"/proc/cpuinfo": text})
    assert environment.inspect().cpu == "A CPU: v2"
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    for silent in ("processor\t: 0\n", None):
        _proc(monkeypatch, {"/proc/cpuinfo": silent})
        environment.inspect.cache_clear()
        assert environment.inspect().cpu == "riscv64"


def test_memory_is_unknown_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sysconf_names", {})
    assert environment.inspect().memory_bytes == 0


def test_the_machine_id_ignores_small_changes_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for memory in (8 * 2**30, 8 * 2**30 - 2**20, 9 * 2**30):
        monkeypatch.setattr(environment, "_memory_bytes", lambda size=memory: size)
        environment.inspect.cache_clear()
        found.append(environment.inspect().machine_id)
    assert found[0] == found[1] != found[2]


def test_the_commit_is_told_and_whether_the_package_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e@x", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    module = tmp_path / "rerankbench" / "run" / "environment.py"
    module.parent.mkdir(parents=True)
    module.touch()
    monkeypatch.setattr(environment, "__file__", str(module))
    assert environment.inspect().git_sha is None
    git("init", "-q")
    environment.inspect.cache_clear()
    assert environment.inspect().git_sha is None
    git("add", "rerankbench")
    git("commit", "-q", "-m", "one")
    (tmp_path / "notes.txt").touch()
    environment.inspect.cache_clear()
    sha = environment.inspect().git_sha
    assert sha == git("rev-parse", "HEAD")[:12]
    module.write_text("changed")
    environment.inspect.cache_clear()
    assert environment.inspect().git_sha == f"{sha}-dirty"
