"""The native engine under the address and the undefined-behaviour sanitizer: `make sanitize`.

The library is built with both sanitizers, and with plain matrix products in place of torch's
(sanitized_product.cpp), whose own code cannot be watched. Then the shapes of the engine's tests
and random ones are run, in float32 and bfloat16, through the same Python as any run. Each result
is compared with what transformers makes of the same model in float32. What a sanitizer sees ends
the process with its report; results that differ are printed. `--break` changes the source first,
to see that both would be noticed.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRODUCTS = Path(__file__).with_name("sanitized_product.cpp")
OPTIONS = (
    *("-std=c++17", "-O1", "-g1", "-march=native", "-fPIC", "-shared", "-fopenmp-simd"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-omit-frame-pointer"),
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
)
_LIBRARY = "SANITIZED_LIBRARY"
# What rounding explains of a difference: these logits are around 1.
TOLERANCE = {"float32": 2e-5, "bfloat16": 0.05}
# Below, at and above a vector, a padding step, a block of rows, and a group together.
LENGTHS = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 160, 3, 1, 160)
BATCHES_A_MODEL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A model's sizes and the lengths of the pairs in each batch that it is given."""

    name: str
    dtype: str
    sizes: Mapping[str, Any]
    batches: Sequence[Sequence[int]]
    kind: str = "Bert"
    table: bool = True
    group_tokens: int = 512
    threads: int = 2
    spoilt: bool = False
    """Whether one of its weights is no number: then no logit is one."""


@dataclass(slots=True)
class Tally:
    """What came of all jobs."""

    shapes: int = 0
    pairs: int = 0
    wrong: int = 0
    largest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TOLERANCE, 0.0))


def main() -> int:
    """Build, then run everything in a process that the sanitizer watches from its start."""
    parser = argparse.ArgumentParser(description="Run the native engine under the sanitizers.")
    parser.add_argument("--shapes", type=int, default=2000, help="how many random shapes")
    parser.add_argument("--seed", type=int, default=1, help="of the random shapes")
    parser.add_argument("--break", nargs=2, metavar=("FROM", "TO"), dest="broken")
    options = parser.parse_args()
    if _LIBRARY in os.environ:
        return _run(options.shapes, options.seed)
    runtimes = [_runtime(name) for name in ("libasan.so", "libstdc++.so.6")]
    if None in runtimes:
        print("no g++ with libasan: sanitize skipped")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library, source = Path(folder) / "encoder.so", Path(folder) / "encoder.cpp"
        source.write_text(_source(options.broken))
        subprocess.run(["g++", *OPTIONS, "-o", library, source], check=True)
        environment = os.environ | {
            _LIBRARY: str(library),
            "LD_PRELOAD": " ".join(map(str, runtimes)),
            # Python and torch free little at their end.
            "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


def _runtime(name: str) -> str | None:
    """Path of one of g++'s runtime libraries; None where it, or g++, is missing."""
    try:
        done = subprocess.run(
            ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if "/" in done.stdout else None


def _source(broken: tuple[str, str] | None) -> str:
    from rerankbench.rerankers.engines.native_library import SOURCE

    whole = SOURCE.read_text()
    if broken is not None:
        before, after = broken
        if before not in whole:
            raise SystemExit(f"the source does not hold '{before}'")
        whole = whole.replace(before, after)
    return whole + PRODUCTS.read_text()


def _run(shapes: int, seed: int) -> int:
    """All jobs; 1 if any result differs."""
    import torch

    _take_sanitized_library()
    torch.set_num_threads(1)
    began_s, tally = time.perf_counter(), Tally()
    for job in [*_named(), *_random(shapes, random.Random(seed))]:
        _do(job, random.Random(f"{seed} {job.name}"), tally)
    figures = ", ".join(f"{found:.1e} in {dtype}" for dtype, found in tally.largest.items())
    print(
        f"{tally.shapes:,} shapes, {tally.pairs:,} pairs under the sanitizers in "
        f"{time.perf_counter() - began_s:.0f} s: {tally.wrong} wrong, largest difference {figures}"
    )
    return int(tally.wrong > 0)


def _take_sanitized_library() -> None:
    from rerankbench.rerankers.engines import native_library
    from rerankbench.rerankers.engines.native_structs import check_layout

    library = ctypes.CDLL(os.environ[_LIBRARY])
    check_layout(library)

    def products(dtype: str) -> tuple[int, int]:
        functions = (getattr(library, f"product_{name}") for name in (dtype, "release"))
        product, release = (ctypes.cast(each, ctypes.c_void_p).value for each in functions)
        return int(product or 0), int(release or 0)

    changed: Any = native_library
    changed.library, changed.products = lambda: library, products


def _named() -> Iterator[Job]:
    from tests.rerankers.engines.test_engines import SHAPES

    sizes = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    for name, changes in SHAPES.items():
        for dtype in TOLERANCE:
            whole = sizes | {"intermediate_size": 80} | changes
            yield Job(name=f"{name}, {dtype}", dtype=dtype, sizes=whole, batches=[LENGTHS])
    for dtype in TOLERANCE:
        yield Job(name="no number", dtype=dtype, sizes=sizes, batches=[LENGTHS], spoilt=True)


def _random(shapes: int, numbers: random.Random) -> Iterator[Job]:
    for start in range(0, shapes, BATCHES_A_MODEL):
        heads, head_size = numbers.randint(1, 5), 2 * numbers.randint(1, 16)
        sizes = {
            "hidden_size": heads * head_size,
            "num_attention_heads": heads,
            "num_hidden_layers": numbers.randint(1, 3),
            "intermediate_size": 2 * numbers.randint(1, 80),
            "vocab_size": numbers.randint(2, 97),
            "type_vocab_size": numbers.randint(1, 3),
            "num_labels": numbers.randint(1, 2),
            "hidden_act": numbers.choice(("gelu", "gelu_new", "relu")),
            "layer_norm_eps": numbers.choice((1e-12, 1e-5, 0.1)),
        }
        count = min(BATCHES_A_MODEL, shapes - start)
        yield Job(
            name=f"random {start}",
            dtype=numbers.choice(list(TOLERANCE)),
            sizes=sizes,
            batches=[
                [_length(numbers) for _ in range(numbers.randint(1, 8))] for _ in range(count)
            ],
            kind=numbers.choice(("Bert", "Bert", "Roberta")),
            table=numbers.random() < 0.7,
            group_tokens=numbers.choice((1, 40, 512)),
            threads=numbers.randint(1, 3),
            spoilt=numbers.random() < 0.03,
        )


def _length(numbers: random.Random) -> int:
    return numbers.randint(1, 160) if numbers.random() < 0.1 else numbers.randint(1, 40)


def _do(job: Job, numbers: random.Random, tally: Tally) -> None:
    """Run a job's batches natively and compare each with transformers'."""
    import numpy as np

    from rerankbench.rerankers.engines import native

    changed: Any = native
    changed.GROUP_TOKENS = job.group_tokens
    changed._MOST_TABLE_BYTES = 2**27 if job.table else 0
    model = _model(job, numbers.randrange(2**31))
    batches = [_rows(lengths, model.config, numbers) for lengths in job.batches]
    expected = [_expected(model, rows) for rows in batches]
    engine = native.NativeEngine(model, dtype=job.dtype, threads=job.threads)
    for rows, logits in zip(batches, expected, strict=True):
        found = engine.submit(rows, 0)()
        tally.shapes += 1
        tally.pairs += len(logits)
        equal = found.shape == logits.shape and np.array_equal(np.isnan(found), np.isnan(logits))
        difference = float(np.nanmax(np.abs(found - logits), initial=0.0)) if equal else np.inf
        tally.largest[job.dtype] = max(tally.largest[job.dtype], difference)
        if difference > TOLERANCE[job.dtype] or np.isnan(found).all() != job.spoilt:
            tally.wrong += 1
            print(f"differs by {difference:.2g}: {job}, lengths {rows.lengths.tolist()}")


def _model(job: Job, seed: int) -> Any:
    """A seeded classifier whose every bias and norm is away from its initial value."""
    import torch
    import transformers

    config = getattr(transformers, f"{job.kind}Config")(
        # RoBERTa counts positions from 2 on.
        **{
            "vocab_size": 97,
            "max_position_embeddings": 162,
            "initializer_range": 0.2,
            **job.sizes,
        },
        **{"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 0},
    )
    torch.manual_seed(seed)
    model = getattr(transformers, f"{job.kind}ForSequenceClassification")(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    if job.spoilt:
        with torch.no_grad():
            model.base_model.encoder.layer[0].attention.self.query.bias.fill_(float("nan"))
    return model


def _rows(lengths: Sequence[int], config: Any, numbers: random.Random) -> Any:
    import numpy as np

    from rerankbench.rerankers.engines.contract import TokenRows

    def ids(most: int) -> Any:
        return np.array([numbers.randrange(most) for _ in range(sum(lengths))], dtype=np.int32)

    return TokenRows(
        ids=ids(config.vocab_size),
        types=ids(config.type_vocab_size) if numbers.random() < 0.8 else None,
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
    )


def _expected(model: Any, rows: Any) -> Any:
    """What transformers makes of the pairs, padded and masked, in float32."""
    import torch

    from rerankbench.rerankers.engines.padded import inputs

    padded = inputs(rows, int(rows.lengths.max()), int(model.config.pad_token_id))
    with torch.no_grad():
        return model(**{name: torch.from_numpy(x) for name, x in padded.items()}).logits.numpy()


if __name__ == "__main__":
    sys.exit(main())
