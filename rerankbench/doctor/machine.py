"""What this machine is, and what it can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rerankbench import registry
from rerankbench.files.whole import cache_home
from rerankbench.types import Environment

Facts = Sequence[tuple[str, str]]


def facts(machine: Environment, device: str, threads: int) -> Facts:
    """Name and value of each fact, in reading order; takes about a second."""
    engines: Mapping[str, str | None] = registry.load("probes", "engines")(device)
    products: Mapping[str, float] = registry.load("probes", "products")(device, threads)
    gpu = "none"
    if machine.gpu is not None:
        gpu = f"{machine.gpu}, {(machine.gpu_memory_bytes or 0) / 2**30:.0f} GiB"
    speeds = [f"{name} {flops / 1e9:,.0f} GFLOP/s" for name, flops in products.items()]
    return [
        ("processor", f"{machine.cpu}, {machine.cores} cores"),
        ("memory", f"{machine.memory_bytes / 2**30:.1f} GiB"),
        ("gpu", gpu),
        ("device", f"{device}, {threads} threads" if device == "cpu" else device),
        ("products", ", ".join(speeds)),
        *((f"engine {name}", lack or "runs") for name, lack in engines.items()),
        ("python", f"{machine.python}, {machine.system}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in machine.packages.items())),
        *caches(cache_home()),
    ]


def caches(home: Path) -> Facts:
    """Each folder of the cache with its size; all can be deleted safely."""
    rows = [("caches", str(home))]
    if home.is_dir():
        for folder in sorted(path for path in home.iterdir() if path.is_dir()):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            rows.append((f"  {folder.name}", f"{size / 2**20:,.1f} MiB"))
    return rows
