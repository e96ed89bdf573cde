"""Facts about the machine and the installed packages, found without importing torch."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rerankbench.types import Environment

PACKAGES = (
    "rerankbench",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "bm25s",
    "PyStemmer",
    "rank-bm25",
    "ir-datasets",
    "pytrec-eval-terrier",
)


@cache
def inspect() -> Environment:
    """This machine, now. `machine_id` hashes CPU, cores, memory (to the GiB), GPU and system."""
    gpus = _gpus()
    cpu, cores, memory_bytes = _cpu_name(), usable_cores(), _memory_bytes()
    system = f"{platform.system()} {platform.machine()}"
    gpu = ", ".join(name for name, _ in gpus) or None
    facts = "|".join((cpu, str(cores), str(round(memory_bytes / 2**30)), gpu or "no GPU", system))
    return Environment(
        machine_id=hashlib.sha256(facts.encode()).hexdigest()[:12],
        cpu=cpu,
        cores=cores,
        memory_bytes=memory_bytes,
        gpu=gpu,
        gpu_memory_bytes=sum(size for _, size in gpus) or None,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: installed for name in PACKAGES if (installed := _version(name))},
        git_sha=_git_sha(),
    )


def cuda_is_likely() -> bool:
    """Whether an NVIDIA GPU is visible and the installed torch was built for CUDA."""
    built_for_cpu = (_version("torch") or "").endswith("+cpu")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return not built_for_cpu and not hidden and bool(_gpus())


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_busy_s() -> float | None:
    """Core-seconds that all processes together have used since boot (None off Linux)."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq = (int(field) for field in fields[:7])
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / ticks


def energy_j() -> float | None:
    """Joules counted by the CPU packages (RAPL) since some moment; None if unreadable."""
    total = 0
    for counter in sorted(Path("/sys/class/powercap").glob("intel-rapl:?/energy_uj")):
        try:
            total += int(counter.read_text())
        except OSError:
            return None
    return total / 1e6 if total else None


def reset_peak_memory() -> bool:
    """Reset the count of peak memory (Linux: /proc/self/clear_refs); False if impossible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory_bytes() -> int | None:
    """Most host memory this process held since `reset_peak_memory`, or since its start."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # Not Linux: getrusage below gives the peak since the process started.
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # Not Linux: platform knows.
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0


@cache
def _gpus() -> tuple[tuple[str, int], ...]:
    """Name and memory in bytes of every NVIDIA GPU."""
    out = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    gpus = []
    for line in out.splitlines():
        name, _, mebibytes = line.rpartition(",")
        # "[N/A]" where GPU and CPU share their memory.
        size = int(mebibytes) * 2**20 if mebibytes.strip().isdecimal() else 0
        gpus.append((name.strip(), size))
    return tuple(gpus)


def _git_sha() -> str | None:
    """Commit of this package's checkout, `-dirty` if changed; None outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    sha = _output("git", "-C", str(root), "rev-parse", "--short=12", "HEAD").strip()
    changed = _output("git", "-C", str(root), "status", "--porcelain", "--", "rerankbench")
    return f"{sha}-dirty" if sha and changed.strip() else sha or None


def _output(*command: str) -> str:
    """The output of a command; empty if it is not installed, fails or hangs."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        completed = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout if completed.returncode == 0 else ""
