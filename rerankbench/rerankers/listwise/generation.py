"""Letting a language model write: the likeliest token each time, several answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rerankbench.errors import ModelError
from rerankbench.rerankers.batch_run import empty_cuda_cache, is_out_of_memory
from rerankbench.rerankers.engines.padded import peak_cuda_bytes
from rerankbench.rerankers.engines.tables import Tables
from rerankbench.rerankers.listwise.prompt import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedAnswer:
    """A written answer and its cost, including the question's tokens."""

    text: str
    tokens: int
    padded_tokens: int


class Generator:
    """A model of transformers that answers questions, padded on the left to a common width.

    Nothing of the checkpoint's own generation settings counts but its end tokens: a repetition
    penalty, say, would keep an order from naming its numbers.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, device: Any, name: str, tables: Tables | None = None
    ) -> None:
        """`model` is on `device` and in evaluation mode; `name` is for messages."""
        import transformers

        settings: Any = transformers.GenerationConfig  # Its stub knows no arguments.
        self.attention_kernel: str | None = getattr(model.config, "_attn_implementation", None)
        self._model, self._tokenizer, self._device, self._name = model, tokenizer, device, name
        self._ends = _end_tokens(model, tokenizer)
        pad = tokenizer.pad_token_id
        padding = int(pad) if pad is not None else min(self._ends, default=0)
        self._padding = padding if tables is None else tables.filler(padding)
        model.generation_config = settings(
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(self._ends) or None,
            pad_token_id=self._padding,
        )
        self._most_rows: int | None = None

    def __call__(self, questions: Sequence[Question]) -> list[GeneratedAnswer]:
        """One answer a question, in their order; when memory runs out, fewer at once."""
        answers: list[GeneratedAnswer] = []
        while len(answers) < len(questions):
            beside = self._most_rows or len(questions)
            some = questions[len(answers) : len(answers) + beside]
            try:
                answers += self._written(some)
            except (MemoryError, RuntimeError) as error:
                self._give_way(error, some)
        return answers

    def warnings(self) -> Sequence[str]:
        """That memory ran out."""
        if self._most_rows is None:
            return []
        return [f"memory ran out: at most {self._most_rows} questions were asked at once"]

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began; None on the CPU."""
        return peak_cuda_bytes(self._device)

    def _written(self, questions: Sequence[Question]) -> Iterator[GeneratedAnswer]:
        import torch

        width = max(len(question.ids) for question in questions)
        ids = np.full((len(questions), width), self._padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, question in enumerate(questions):
            ids[row, width - len(question.ids) :] = question.ids
            mask[row, width - len(question.ids) :] = 1
        with torch.inference_mode():
            whole = self._model.generate(
                input_ids=torch.from_numpy(ids).to(self._device),
                attention_mask=torch.from_numpy(mask).to(self._device),
                max_new_tokens=max(question.most_tokens for question in questions),
            )
        written = whole[:, width:].cpu().tolist()
        return (self._answer(*pair, width) for pair in zip(questions, written, strict=True))

    def _answer(self, question: Question, row: Sequence[int], width: int) -> GeneratedAnswer:
        """A row up to its end or its own limit, whatever its neighbours needed."""
        kept = row[: question.most_tokens]
        end = next((i for i, token in enumerate(kept) if token in self._ends), len(kept))
        return GeneratedAnswer(
            text=self._tokenizer.decode(kept[:end], skip_special_tokens=True),
            tokens=len(question.ids) + min(end + 1, len(kept)),
            padded_tokens=width + len(row),
        )

    def _give_way(self, error: Exception, questions: Sequence[Question]) -> None:
        """Ask half as many at once after a lack of memory; anything else is raised again."""
        if not is_out_of_memory(error):
            raise error
        if len(questions) == 1:
            raise ModelError(
                f"{self._name}: memory does not suffice for one question of "
                f"{len(questions[0].ids)} tokens; lower --max-length, the recipe's 'window', or "
                "use a smaller dtype"
            ) from error
        self._most_rows = len(questions) // 2
        empty_cuda_cache(self._device)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """All tokens that the checkpoint's files name as the end of an answer."""
    named = [
        getattr(model.generation_config, "eos_token_id", None),
        getattr(model.config, "eos_token_id", None),
        tokenizer.eos_token_id,
    ]
    lists = [ids if isinstance(ids, list) else [ids] for ids in named]
    return frozenset(int(token) for ids in lists for token in ids if token is not None)
