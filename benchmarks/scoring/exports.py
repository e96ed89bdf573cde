"""The checkpoint in the forms that other runtimes read, made once in processes of their own.

Attention is exported written out ("eager"): the runtimes recognise and fuse it, which they do not
do, or not as well, with torch's fused operator (on ONNX Runtime in int8 that costs 40 % of speed).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.scoring import talk
from rerankbench.errors import RerankbenchError
from rerankbench.files.whole import cache_home
from rerankbench.protocols import RerankerSpec
from rerankbench.registry.naming import find_factory

# Raise it when what is exported changes, so that older files are not taken.
_RECIPE = 1
_NAMES = ("input_ids", "attention_mask", "token_type_ids")
_PACKAGES = ("torch", "transformers", "onnx", "onnxruntime", "openvino", "nncf")
FILES = {
    "onnx": "model.onnx",
    "onnx-int8": "model.int8.onnx",
    "openvino": "model.xml",
    "openvino-int8": "model.int8.xml",
}


class ExportError(RerankbenchError):
    """A form that could not be made."""


def folder_for(model: Path) -> Path:
    """Where the exports of a checkpoint lie: below the cache, by content and package versions."""
    ref = find_factory(str(model)).identify(RerankerSpec(model=str(model))).ref
    made_by = "-".join(found for name in _PACKAGES if (found := _version(name)))
    folder = cache_home() / "benchmark-exports" / f"{model.name}-{ref.revision[:12]}"
    return folder / f"{_RECIPE}-{made_by}"


def make(kind: str, model: Path, folder: Path, calibration: Path) -> float:
    """Make one form where it is missing; returns the seconds that it took. Raises ExportError."""
    if (folder / FILES[kind]).exists():
        return 0.0
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    command = [sys.executable, "-m", __name__, kind, str(model), str(folder), str(calibration)]
    done = subprocess.run(command, cwd=talk.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExportError((done.stderr.strip().splitlines() or ["export failed"])[-1])
    return time.perf_counter() - began


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _main(kind: str, model: str, folder: str, calibration: str) -> None:
    warnings.simplefilter("ignore")
    try:
        _FORMS[kind](Path(model), Path(folder), Path(calibration))
    except Exception as error:  # whatever a package raises is its row's text
        raise SystemExit(talk.reason(error)) from error


def _classifier(model: Path) -> Any:
    """The checkpoint as a torch module from three tensors to logits."""
    import torch
    from transformers import AutoModelForSequenceClassification

    loaded = AutoModelForSequenceClassification.from_pretrained(
        model, attn_implementation="eager", dtype=torch.float32
    ).eval()

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = loaded

        def forward(
            self, input_ids: Any, attention_mask: Any, token_type_ids: Any
        ) -> torch.Tensor:
            found: torch.Tensor = self.model(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).logits
            return found

    return Classifier()


def _example() -> dict[str, Any]:
    import torch

    return {name: torch.ones(2, 16, dtype=torch.long) for name in _NAMES}


def _onnx(model: Path, folder: Path, _: Path) -> None:
    import torch

    partial = folder / "partial.onnx"
    with torch.no_grad():
        torch.onnx.export(
            _classifier(model),
            tuple(_example().values()),
            str(partial),
            input_names=list(_NAMES),
            output_names=["logits"],
            dynamic_axes={name: {0: "pairs", 1: "tokens"} for name in _NAMES},
            opset_version=17,
            dynamo=False,
        )
    partial.replace(folder / FILES["onnx"])


def _onnx_int8(model: Path, folder: Path, calibration: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not (folder / FILES["onnx"]).exists():
        _onnx(model, folder, calibration)
    partial = folder / "partial.int8.onnx"
    quantize_dynamic(
        folder / FILES["onnx"], partial, weight_type=QuantType.QInt8, per_channel=True
    )
    partial.replace(folder / FILES["onnx-int8"])


def _openvino(model: Path, folder: Path, _: Path) -> None:
    import openvino

    _save(_converted(model), folder, openvino, FILES["openvino"])


def _openvino_int8(model: Path, folder: Path, calibration: Path) -> None:
    import nncf
    import openvino

    from benchmarks.scoring.contenders.tokens import Tokens

    texts = [(query, document) for query, document in json.loads(calibration.read_text())]
    examples = [inputs for _, inputs in Tokens(model).batches(texts, 1, frozenset(_NAMES))]
    quantised = nncf.quantize(
        _converted(model),
        nncf.Dataset(examples),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(examples),
    )
    _save(quantised, folder, openvino, FILES["openvino-int8"])


def _converted(model: Path) -> Any:
    import openvino
    import torch

    with torch.no_grad():
        return openvino.convert_model(_classifier(model), example_input=_example())


def _save(converted: Any, folder: Path, openvino: Any, name: str) -> None:
    """Weights stay float32; the .bin beside it comes first, so the .xml says that it is whole."""
    openvino.save_model(converted, folder / f"partial.{name}", compress_to_fp16=False)
    for suffix in (".bin", ".xml"):
        made = (folder / f"partial.{name}").with_suffix(suffix)
        made.replace((folder / name).with_suffix(suffix))


_FORMS = {
    "onnx": _onnx,
    "onnx-int8": _onnx_int8,
    "openvino": _openvino,
    "openvino-int8": _openvino_int8,
}


if __name__ == "__main__":
    _main(*sys.argv[1:])
