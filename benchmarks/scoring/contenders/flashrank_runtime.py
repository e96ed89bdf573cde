"""FlashRank's own code on an export of the checkpoint.

FlashRank knows a list of models that it downloads; a folder of one of those names that is already
in its cache is taken as it stands. It scores a query's documents in one batch, padded to the
longest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from flashrank import Ranker, RerankRequest
from flashrank.Config import model_file_map

from benchmarks.scoring.contenders.contract import Setup
from rerankbench.types import Candidates

# Any BERT of its list will do: the name only says which file to open.
_STAND_IN = "ms-marco-TinyBERT-L-2-v2"
_TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


class FlashRank:
    """`Ranker.rerank`, a query at a time; its scores are probabilities."""

    batch_size: int | None = None

    def __init__(self, setup: Setup, *, file: str, dtype: str, settings: str) -> None:
        """Lay out the files as FlashRank expects them, and load."""
        with TemporaryDirectory(prefix="flashrank-") as cache:
            folder = Path(cache) / _STAND_IN
            _lay_out(folder, setup.model, setup.exports / file)
            self._ranker = Ranker(model_name=_STAND_IN, cache_dir=cache, log_level="WARNING")
        self.dtype = dtype
        self.settings = f"{settings}; a query's documents in one batch, its only way"

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """One request a query; FlashRank returns sorted passages, put back in order here."""
        scores: list[float] = []
        for each in candidates:
            passages = [
                {"id": place, "text": document.content}
                for place, document in enumerate(each.documents)
            ]
            request = RerankRequest(query=each.query.text, passages=passages)
            ranked = sorted(self._ranker.rerank(request), key=lambda passage: passage["id"])
            scores += [float(passage["score"]) for passage in ranked]
        return scores


def _lay_out(folder: Path, model: Path, exported: Path) -> None:
    folder.mkdir()
    for name in _TOKENIZER_FILES:
        if (model / name).is_file():
            shutil.copy(model / name, folder)
    config = json.loads((model / "tokenizer_config.json").read_text())
    tokens = {name: value for name, value in config.items() if name.endswith("_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens))
    (folder / model_file_map[_STAND_IN]).symlink_to(exported)


def float32(setup: Setup) -> FlashRank:
    """On the same file as `onnx`."""
    return FlashRank(setup, file="model.onnx", dtype="float32", settings="eager export")


def int8(setup: Setup) -> FlashRank:
    """On the same file as `onnx-int8`, as FlashRank's own larger models are."""
    return FlashRank(setup, file="model.int8.onnx", dtype="int8", settings="dynamic int8")
