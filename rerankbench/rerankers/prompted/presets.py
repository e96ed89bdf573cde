"""Published recipes of rerankers that read a prompt: the prompt, and the answer that is the score.

Each is the one of its authors' own code, named beside it. A config's `recipe` replaces any part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

# What the score is read from: logits of answers, a classifier's label, or one of its layers.
Head: TypeAlias = Literal["answers", "label", "layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One recipe. `answers` are one token (its logit is the score) or two (second − first).

    `named` is what the names of its checkpoints have in common. `free` are the segments that do
    not count in `max_length` (see `prompt.Prompt`). `{instruction}` in a segment stands for
    `instruction_form`, or for nothing where there is no instruction. `layer` is what the
    head `layer` reads; None is the last. `origin` says where the prompt comes from.

    Files of sentence-transformers tell the rest: `as_pair` has no segments, the tokeniser's own
    pair is read, with the instruction before the query; `strips` is `prompt.Prompt`'s. What was
    `saved` so has its label read where transformers reads it: at the last token that is no
    padding.
    """

    named: str
    segments: tuple[str, ...]
    free: tuple[int, ...] = ()
    answers: tuple[str | int, ...] = ()
    head: Head = "answers"
    max_length: int
    instruction: str | None = None
    instruction_form: str = "{instruction}"
    layer: int | None = None
    origin: str = ""
    as_pair: bool = False
    strips: bool = False
    saved: bool = False

    def fits(self, name: str) -> bool:
        """Whether a checkpoint of this name is scored so."""
        return re.search(self.named, name.lower()) is not None


_BGE_QUESTION = (
    "Given a query A and a passage B, determine whether the passage contains an answer to the "
    "query by providing a prediction of either 'Yes' or 'No'."
)

# Decoders: the answer is what would come after the prompt's last token.
CAUSAL: Mapping[str, Preset] = {
    # https://github.com/QwenLM/Qwen3-Embedding, README
    "qwen3": Preset(
        named=r"qwen3-reranker",
        segments=(
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the "
            'Query and the Instruct provided. Note that the answer can only be "yes" or "no".'
            "<|im_end|>\n<|im_start|>user\n",
            "<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}",
            "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
        answers=("no", "yes"),
        max_length=8192,
        instruction="Given a web search query, retrieve relevant passages that answer the query",
    ),
    # https://github.com/mixedbread-ai/mxbai-rerank, mxbai_rerank_v2.py
    "mxbai-v2": Preset(
        named=r"mxbai-rerank-(base|large)-v2",
        segments=(
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
            "assistant.<|im_end|>\n<|im_start|>user\n",
            "{instruction}query: {query}",
            "\n",
            "document: {document}",
            "\n",
            "You are a search relevance expert who evaluates how well documents match search "
            "queries. For each query-document pair, carefully analyze the semantic relationship "
            "between them, then provide your binary relevance judgment (0 for not relevant, 1 for "
            "relevant).\nRelevance:",
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        free=(0, 4, 5, 6),
        answers=("0", "1"),
        max_length=8192,
        instruction_form="instruction: {instruction}\n",
    ),
    # https://github.com/FlagOpen/FlagEmbedding, inference/reranker/decoder_only/base.py
    "bge-gemma": Preset(
        named=r"bge-reranker-v2-gemma",
        segments=("{bos}", "A: {query}", "\n", "B: {document}", "\n", _BGE_QUESTION),
        free=(2, 4, 5, 5),
        answers=("Yes",),
        max_length=512,
    ),
    # The same, layerwise.py: one head a layer; code of its own, to be trusted by name.
    "bge-minicpm": Preset(
        named=r"bge-reranker-v2-minicpm",
        segments=("{bos}", "A: {query}", "\n", "B: {document}", "\n", _BGE_QUESTION),
        free=(2, 4, 5, 5),
        head="layer",
        max_length=512,
    ),
    # https://huggingface.co/zeroentropy/zerank-2, modeling_zeranker.py: σ(logit / 5), which orders
    # as the logit does. It cuts by letters (2,000 of the query, 10,000 of the document).
    "zerank": Preset(
        named=r"zerank",
        segments=(
            "<|im_start|>system\n{query}<|im_end|>\n<|im_start|>user\n{document}<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        answers=("Yes",),
        max_length=8192,
    ),
    # https://huggingface.co/ContextualAI/ctxl-rerank-v2-instruct-multilingual-1b: token 0.
    "ctxl-v2": Preset(
        named=r"ctxl-rerank-v2",
        segments=(
            "Check whether a given document contains information helpful to answer the query.\n"
            "<Document> {document}\n<Query> {query}{instruction} ??",
        ),
        answers=(0,),
        max_length=8192,
        instruction_form=" {instruction}",
    ),
    # https://huggingface.co/castorini/rankllama-v1-7b-lora-passage, its card: two texts, each
    # after a beginning-of-sequence token.
    "rankllama": Preset(
        named=r"rankllama",
        segments=("{bos}", "query: {query}", "{bos}", "document: {document}"),
        head="label",
        max_length=512,
    ),
}

_MONOT5 = ("Query: {query} Document: {document} Relevant:", "{eos}")


def _monot5(named: str, no: str, yes: str) -> Preset:
    return Preset(named=named, segments=_MONOT5, answers=(no, yes), max_length=512)


# Encoder–decoders: the answer is the decoder's first token. The first that fits counts.
SEQ2SEQ: Mapping[str, Preset] = {
    # Answers as in https://github.com/castorini/pygaggle, model/transformer.py. Unlike it, a long
    # document is cut before `Relevant:`, not after.
    "mt5-en-pt": _monot5(r"mt5-3b-mmarco-en-pt", "▁", "▁true"),
    "mt5": _monot5(r"mt5.*(msmarco|mmarco)|monomt5", "▁no", "▁yes"),
    "monoptt5": _monot5(r"monoptt5", "▁Não", "▁Sim"),
    "ptt5": _monot5(r"ptt5", "▁não", "▁sim"),
    "monot5": _monot5(r"monot5|inranker", "▁false", "▁true"),
    # https://arxiv.org/abs/2210.10634: the logit of one of T5's unused tokens.
    "rankt5": Preset(
        named=r"rank-?t5",
        segments=("Query: {query} Document: {document}", "{eos}"),
        answers=("<extra_id_10>",),
        max_length=512,
    ),
}
