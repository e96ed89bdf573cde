"""sentence-transformers' `CrossEncoder.predict`."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring import pairs
from benchmarks.scoring.contenders.contract import Setup
from rerankbench.types import Candidates

_USUAL_BATCH_SIZE = 32


class Predict:
    """A `CrossEncoder` on the CPU; it sorts by text length itself."""

    def __init__(
        self, setup: Setup, *, dtype: str, settings: str, batch_size: int | None = None
    ) -> None:
        """Load the checkpoint in a number format."""
        import torch
        from sentence_transformers import CrossEncoder

        torch.set_num_threads(setup.threads)
        chosen = {} if dtype == "float32" else {"model_kwargs": {"dtype": dtype}}
        self._model = CrossEncoder(str(setup.model), device="cpu", **chosen)
        self.batch_size = batch_size
        self.dtype = dtype
        self.settings = settings

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """All pairs in one call."""
        found: list[float] = self._model.predict(
            pairs.texts(candidates),
            batch_size=self.batch_size or _USUAL_BATCH_SIZE,
            show_progress_bar=False,
        ).tolist()
        return found


def plain(setup: Setup) -> Predict:
    """As its documentation begins: float32, batches of 32."""
    return Predict(setup, dtype="float32", settings="its defaults, batches of 32")


def bfloat16(setup: Setup) -> Predict:
    """Its documented half precision, batches of 32."""
    return Predict(setup, dtype="bfloat16", settings="batches of 32")


def best(setup: Setup) -> Predict:
    """The fastest that it documents for CPUs and that can be installed.

    Its ONNX and OpenVINO backends need optimum, whose exporters import names that transformers
    5.23 no longer has (optimum-onnx 0.1 wants transformers < 4.58, optimum-intel 2.2 < 5.6). The
    contenders `onnx` and `openvino` run what those backends would.
    """
    settings = (
        "its onnx and openvino backends need optimum, which has no release for this "
        "transformers: see the rows onnx and openvino"
    )
    return Predict(setup, dtype="bfloat16", batch_size=32, settings=settings)
