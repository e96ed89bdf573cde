"""Faults and harmless changes, put into a copy of a model or into the running program.

`python -m benchmarks.faults FAULT ARGUMENTS…` is `rerankbench ARGUMENTS…` with one of `IN_CODE`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from safetensors.numpy import load_file, save_file

from rerankbench.protocols import Job
from rerankbench.rerankers.engines.contract import Engine, Logits, TokenRows

Patch: TypeAlias = Callable[[object, str, Any], None]
"""`setattr`, or what puts the old value back after a test."""
_HEAD = ("classifier.weight", "classifier.bias")
_KEPT_WORDS = 3


def copy_model(source: Path, folder: Path) -> Path:
    """The model's files below `folder`, under their own name, free to be changed."""
    copy = folder / source.name
    copy.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copyfile(path, copy / path.name)
    return copy


def keep_capitals(model: Path) -> None:
    """The tokeniser no longer lowers letters, which a vocabulary of small letters needs."""
    _change(model / "tokenizer_config.json", {"do_lower_case": False})
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    _change(
        model / "tokenizer.json", {"normalizer": {**tokenizer["normalizer"], "lowercase": False}}
    )


def move_vocabulary(model: Path) -> None:
    """Every word piece gets its neighbour's id, as if another had been inserted before all."""
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    special = {each["content"] for each in tokenizer["added_tokens"]}
    vocabulary = tokenizer["model"]["vocab"]
    pieces = [piece for piece in vocabulary if piece not in special]
    ids = [vocabulary[piece] for piece in pieces]
    vocabulary.update(zip(pieces, [*ids[1:], ids[0]], strict=True))
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    listed = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    (model / "vocab.txt").write_text("".join(f"{piece}\n" for piece in listed))


def use_two_labels(model: Path, *, swapped: bool = False) -> None:
    """Two labels in place of one: logit₁ − logit₀ is the logit there was, `swapped` its negative.

    Half of it each; halving is exact in binary.
    """
    weights = load_file(model / "model.safetensors")
    signs = (1, -1) if swapped else (-1, 1)
    for name in _HEAD:
        half = weights[name] / 2
        weights[name] = np.concatenate([sign * half for sign in signs])
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    labels = {"0": "irrelevant", "1": "relevant"}
    _change(
        model / "config.json",
        {"id2label": labels, "label2id": {name: int(label) for label, name in labels.items()}},
    )


def ask_for_left_padding(model: Path) -> None:
    """The tokeniser's settings name the left side."""
    _change(model / "tokenizer_config.json", {"padding_side": "left"})


def _change(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}, indent=2))


def lose_titles(patch: Patch) -> None:
    """Documents are read without their titles; candidates that are kept already stay."""
    from rerankbench.types import Document

    patch(Document, "content", property(lambda document: document.text))


def cut_queries(patch: Patch) -> None:
    """Of every query only the first words are left."""
    from rerankbench.rerankers.pointwise import PointwiseReranker

    prepare = PointwiseReranker.prepare

    def prepare_cut(self: PointwiseReranker, job: Job) -> Any:
        lists = tuple(
            replace(each, query=replace(each.query, text=_cut(each.query.text)))
            for each in job.candidates
        )
        return prepare(self, replace(job, candidates=lists))

    patch(PointwiseReranker, "prepare", prepare_cut)


def _cut(text: str) -> str:
    return " ".join(text.split()[:_KEPT_WORDS])


def apply_sigmoid_twice(patch: Patch, *, dtype: str = "bfloat16") -> None:
    """Scores are what two sigmoids leave of the logits, in that dtype."""
    import torch

    from rerankbench.rerankers import pointwise

    relevance = pointwise.relevance

    def saturated(logits: Any, label: int | None = None) -> Any:
        exact = torch.from_numpy(np.ascontiguousarray(relevance(logits, label)))
        return exact.to(getattr(torch, dtype)).sigmoid().sigmoid().float().numpy()

    patch(pointwise, "relevance", saturated)


def pad_left(patch: Patch) -> None:
    """Torch gets pairs filled up on the left: the first place, which is read, holds padding."""
    from rerankbench.rerankers.engines import padded

    engine = padded.TorchEngine
    patch(padded, "TorchEngine", lambda model, **how: engine(model, **{**how, "left": True}))


class Slowed:
    """An engine that does part of its work twice: `again` is that share of its tokens."""

    def __init__(self, engine: Engine, again: float) -> None:
        """The share may be changed at any time."""
        self.again = again
        self.attention_kernel, self.pads = engine.attention_kernel, engine.pads
        self.in_flight, self.peak_device_bytes = engine.in_flight, engine.peak_device_bytes
        self._engine = engine
        self._owed = 0.0

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """The batch, then the first of its pairs once more."""
        wanted = self._engine.submit(rows, width)
        self._owed += self.again * float(rows.offsets[-1])
        count = int(np.searchsorted(rows.offsets, self._owed, side="right")) - 1
        self._owed -= float(rows.offsets[count])
        if not count:
            return wanted
        repeated = self._engine.submit(_first(rows, count), width)

        def both() -> Logits:
            found = wanted()
            repeated()
            return found

        return both


def _first(rows: TokenRows, count: int) -> TokenRows:
    end = rows.offsets[count]
    types = None if rows.types is None else rows.types[:end]
    return TokenRows(ids=rows.ids[:end], types=types, offsets=rows.offsets[: count + 1])


IN_CODE: Mapping[str, Callable[[Patch], None]] = {
    "titles": lose_titles,
    "queries": cut_queries,
    "sigmoids": apply_sigmoid_twice,
    "sigmoids-float32": partial(apply_sigmoid_twice, dtype="float32"),
    "padding": pad_left,
}


def main() -> None:
    """Put one fault in, then do what the command line says."""
    from rerankbench import cli

    fault, *arguments = sys.argv[1:]
    IN_CODE[fault](setattr)
    sys.argv[1:] = arguments
    cli.main()


if __name__ == "__main__":
    main()
