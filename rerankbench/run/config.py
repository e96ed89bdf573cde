"""A run's configuration: strict YAML, options of the command line on top, frozen values out.

Every mistake of a file is named at once, an unknown key together with the nearest known one.
"""

from __future__ import annotations

import os
import shlex
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
    """A collection to run: a BEIR folder, an ir_datasets id, a catalogue name, or `demo`."""

    id: str = Field(
        min_length=1,
        description="a BEIR folder, an ir_datasets id, a known name, or `demo`",
        examples=["path/to/collection"],
    )
    split: str | None = Field(
        default=None,
        description="which judgments; unless named `test`, or the only ones that there are",
        examples=["dev"],
    )
    drop_identical_ids: Literal["auto"] | bool | None = Field(
        default=None, description="goes before the run's own", examples=[True]
    )
    relevance_level: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="the lowest grade that counts as relevant in measures that know only relevant "
        "or not; unless named 1, or as TREC has it",
        examples=[2],
    )


class FirstStageConfig(BaseModel):
    """A first stage; keys besides `name` are its arguments and checked by it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(
        min_length=1, description="`bm25`, `rank-bm25`, `run` or a plug-in's", examples=["bm25"]
    )

    @property
    def arguments(self) -> dict[str, Any]:
        """What the plug-in receives."""
        return dict(self.model_extra or {})


class ModelConfig(_Strict):
    """A reranker: a hub id, a local folder, or a registered name; unset keys follow the run's."""

    model: str = Field(
        min_length=1,
        description="a Hugging Face id, a folder, or a registered name such as `bm25`",
        examples=["cross-encoder/ms-marco-MiniLM-L-6-v2"],
    )
    name: str | None = Field(
        default=None,
        description="what tables call it; unless named the last part of `model`",
        examples=["ours"],
    )
    family: str | None = Field(
        default=None,
        description="how it scores; unless named its files tell",
        examples=["causal-lm"],
    )
    recipe: Mapping[str, Any] = Field(
        default={},
        description="keys of its family: [recipe keys](recipes.md)",
        examples=[{"query_prompt": "query: "}],
    )
    fusion: Annotated[Fusion, named_by("method")] | None = Field(
        default=None,
        description="joins its ranking with the first stage's",
        examples=[{"method": "linear", "weight": 0.7}],
    )
    revision: str | None = Field(
        default=None,
        description="a commit, tag or branch of the model's repository",
        examples=["0123abc"],
    )
    trust_remote_code: bool = Field(
        default=False,
        description="runs code from the model's repository; needs a `revision` unless it is a "
        "folder",
        examples=[True],
    )
    dtype: Dtype | None = Field(
        default=None, description="goes before the run's", examples=["bfloat16"]
    )
    engine: str | None = Field(
        default=None, description="goes before the run's", examples=["torch"]
    )
    batch_tokens: int | None = Field(
        default=None, ge=1, le=MOST, description="goes before the run's", examples=[16384]
    )
    max_length: int | None = Field(
        default=None, ge=8, le=MOST, description="goes before the run's", examples=[256]
    )
    price: PriceEntry | None = Field(
        default=None,
        description="what using it costs, for dollars per 1,000 queries",
        examples=[{"amount": 0.02, "unit": "token", "date": "2026-11-01"}],
    )


class SpeedConfig(_Strict):
    """How speed is measured; `budget_s` seconds a cell cut the sample, never the passes."""

    enabled: bool = Field(default=True, description="whether to measure it", examples=[False])
    passes: int = Field(
        default=3,
        ge=3,
        le=MOST,
        description="how often the sample is timed; every pass is kept",
        examples=[5],
    )
    budget_s: float = Field(
        default=60.0,
        gt=0,
        description="seconds of measuring for a cell; if they are too few, fewer queries are "
        "timed, never fewer passes",
        examples=[20.0],
    )


class RunConfig(_Strict):
    """Everything that `rerankbench run` needs to know."""

    suite: str = Field(
        default="default",
        pattern=plain_names.FORM,
        max_length=_LONGEST_NAME,
        description="the records' folder in `results`; unless named as the config's file",
        examples=["ours-2026"],
    )
    datasets: tuple[Annotated[DatasetConfig, named_by("id")], ...] = Field(
        min_length=1,
        description="the collections",
        examples=[["scifact", {"id": "path/to/ours", "split": "dev"}]],
    )
    models: tuple[Annotated[ModelConfig, named_by("model")], ...] = Field(
        min_length=1,
        description="the rerankers",
        examples=[["bm25", {"model": "path/to/ours", "max_length": 256}]],
    )
    first_stages: tuple[Annotated[FirstStageConfig, named_by("name")], ...] = Field(
        default=(FirstStageConfig(name="bm25"),),
        min_length=1,
        description="where candidates come from; each is a table of its own",
        examples=[["bm25", {"name": "bm25", "k1": 1.2, "b": 0.75}]],
    )
    top_k: int = Field(
        default=100,
        ge=1,
        le=MOST,
        description="the depth: how many candidates of a query are reranked",
        examples=[50],
    )
    metrics: tuple[str, ...] = Field(
        default=("nDCG@10",),
        min_length=1,
        description="measures; the first is the headline",
        examples=[["nDCG@10", "MRR@10", "Recall@100"]],
    )
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = Field(
        default="auto",
        description="where models run; `auto` takes a GPU if there is one",
        examples=["cuda:1"],
    )
    dtype: Dtype = Field(
        default="auto",
        description="what models compute in; `auto` is bfloat16 where the hardware has it, else "
        "float32",
        examples=["float32"],
    )
    engine: str = Field(
        default="auto",
        description="`auto`, `native`, `torch`, `compile`, `onnx` or `openvino`; `auto` takes the "
        "fastest that this machine has",
        examples=["torch"],
    )
    batch_tokens: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="padded tokens in one batch; unless named the engine chooses",
        examples=[16384],
    )
    max_length: int | None = Field(
        default=None,
        ge=8,
        le=MOST,
        description="tokens of a query with its document, which is cut; unless named the model's",
        examples=[512],
    )
    limit_queries: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="run a sample of so many queries, the same each time",
        examples=[50],
    )
    drop_identical_ids: Literal["auto"] | bool = Field(
        default="auto",
        description="whether the document with the query's id is no candidate; `auto` drops it "
        "where it is the query itself",
        examples=[False],
    )
    always_include_positives: bool = Field(
        default=False,
        description="adds relevant documents that the first stage missed; no search reaches such "
        "figures, and they are marked so",
        examples=[True],
    )
    keep_texts: bool = Field(
        default=True,
        description="keeps the queries' texts beside the records; documents' never",
        examples=[False],
    )
    speed: SpeedConfig = Field(
        default=SpeedConfig(),
        description="how speed is measured",
        examples=[{"passes": 5, "budget_s": 20.0}],
    )
    results: Path = Field(
        default=Path("results"),
        description="the folder of all results, seen from where the command runs",
        examples=["results-gpu"],
    )


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
    """A collection or somebody's rows in the place of a config; JSON may be either."""
    if path.is_dir():
        raise UsageError(
            f"{path}: is a folder, and a config is a file; for a collection: "
            f"rerankbench run -d {shlex.quote(str(path))}"
        )
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
