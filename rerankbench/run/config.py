"""A run's configuration: strict YAML, options of the command line on top, frozen values out.

Every mistake of a file is named at once, an unknown key together with the nearest known one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from rerankbench.errors import UsageError
from rerankbench.files import explain, plain_names, yaml_file
from rerankbench.files.explain import named_by
from rerankbench.files.part_files import convert_line, suffix_of
from rerankbench.known.prices import PriceEntry
from rerankbench.run.fusion import Fusion

Dtype: TypeAlias = Literal["auto", "float32", "bfloat16", "float16", "int8"]

_LONGEST_NAME = 200
"""A folder's name may have 255 bytes; some of them go to what is made beside it."""
MOST = 2**31 - 1
"""Beyond any length, depth or count, and what records can hold."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, protected_namespaces=(), allow_inf_nan=False
    )


class DatasetConfig(_Strict):
    """A collection to run: a BEIR folder, an ir_datasets id, a catalogue name, or `demo`.

    `drop_identical_ids` goes before the run's own; `relevance_level` is the lowest grade that
    counts as relevant in measures that know only relevant or not.
    """

    id: str = Field(min_length=1)
    split: str | None = None
    drop_identical_ids: Literal["auto"] | bool | None = None
    relevance_level: int | None = Field(default=None, ge=1, le=MOST)


class FirstStageConfig(BaseModel):
    """A first stage; keys besides `name` are its arguments and checked by it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the plug-in receives."""
        return dict(self.model_extra or {})


class ModelConfig(_Strict):
    """A reranker: a hub id, a local folder, or a registered name; unset keys follow the run's."""

    model: str = Field(min_length=1)
    name: str | None = None
    family: str | None = None
    recipe: Mapping[str, Any] = {}
    fusion: Annotated[Fusion, named_by("method")] | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    dtype: Dtype | None = None
    engine: str | None = None
    batch_tokens: int | None = Field(default=None, ge=1, le=MOST)
    max_length: int | None = Field(default=None, ge=8, le=MOST)
    price: PriceEntry | None = None


class SpeedConfig(_Strict):
    """How speed is measured; `budget_s` seconds a cell cut the sample, never the passes."""

    enabled: bool = True
    passes: int = Field(default=3, ge=3, le=MOST)
    budget_s: float = Field(default=60.0, gt=0)


class RunConfig(_Strict):
    """Everything that `rerankbench run` needs to know."""

    suite: str = Field(default="default", pattern=plain_names.FORM, max_length=_LONGEST_NAME)
    datasets: tuple[Annotated[DatasetConfig, named_by("id")], ...] = Field(min_length=1)
    models: tuple[Annotated[ModelConfig, named_by("model")], ...] = Field(min_length=1)
    first_stages: tuple[Annotated[FirstStageConfig, named_by("name")], ...] = Field(
        default=(FirstStageConfig(name="bm25"),), min_length=1
    )
    top_k: int = Field(default=100, ge=1, le=MOST)
    metrics: tuple[str, ...] = Field(default=("nDCG@10",), min_length=1)
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    dtype: Dtype = "auto"
    engine: str = "auto"
    batch_tokens: int | None = Field(default=None, ge=1, le=MOST)
    max_length: int | None = Field(default=None, ge=8, le=MOST)
    limit_queries: int | None = Field(default=None, ge=1, le=MOST)
    drop_identical_ids: Literal["auto"] | bool = "auto"
    always_include_positives: bool = False
    keep_texts: bool = True
    speed: SpeedConfig = SpeedConfig()
    results: Path = Path("results")


def load(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """The config of a file, or of nothing for None, with the given keys put over its own.

    Relative paths inside a file are relative to where the command runs, as on the command line.
    Raises ConfigError or InputError.
    """
    if path is None:
        values, source = {}, "the command line"
    else:
        _refuse_data(path)
        values, source = read_yaml(path), str(path)
    merged = _merged(values, overrides)
    if path is not None and "suite" not in merged:
        merged["suite"] = plain_names.name_of(path, "default")
    return validated(merged, source)


def _refuse_data(path: Path) -> None:
    """Somebody's rows in the place of a config; JSON may be either."""
    line = convert_line(path) if path.is_file() and suffix_of(path) != ".json" else None
    if line is not None:
        raise UsageError(f"{path}: is no config; make a collection of it: {line}")


def _merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides that are set, over the values; mappings are merged key by key."""
    merged = dict(values)
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            inner = merged.get(key) or {}
            chosen = _merged(inner, value) if isinstance(inner, Mapping) else inner
            if chosen:
                merged[key] = chosen
        elif value is not None:
            merged[key] = value
    return merged


def demo_path() -> Path:
    """The config that `rerankbench run` uses when it is given nothing."""
    return Path(str(package_files("rerankbench") / "run" / "demo.yaml"))


def read_yaml(path: Path) -> dict[str, Any]:
    """The keys of a file as they are written. Raises InputError for what is no YAML mapping."""
    return yaml_file.read_mapping(path, remedy="start from one of configs/*.yaml")


def validated(values: Mapping[str, Any], source: str) -> RunConfig:
    """Validate; raises ConfigError with one line for every mistake."""
    return explain.validated(RunConfig, dict(values), source, expected=_EXPECTED, options=_OPTIONS)


_EXPECTED: Mapping[str, str] = {
    "device": "auto, cpu, cuda or cuda:N",
    "currency": "three capital letters, as in USD",
    "date": "a date, as in 2026-11-01",
}
_OPTIONS: Mapping[str, str] = {"datasets": "-d DATASET", "models": "-m MODEL"}


def threads_wanted(cores: int) -> int:
    """Threads to compute with: OMP_NUM_THREADS where it is a number, else all cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else cores
