"""Scoring lists with the vectors of jina-reranker-v3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers.batch_run import empty_cuda_cache, is_out_of_memory
from rerankbench.rerankers.engines.padded import peak_cuda_bytes
from rerankbench.rerankers.host_memory import return_freed_memory
from rerankbench.rerankers.jina_v3.prompt import Block, Blocks, BlockWriter
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLists:
    """The lists of a job as blocks; those that are done have none.

    `starts` are the indices of their first pairs. `truncated` says of each pair that is not done
    whether its document was cut.
    """

    starts: Sequence[int]
    blocks: Sequence[Sequence[Block]]
    truncated: Sequence[bool]
    cut_queries: frozenset[str]


class JinaV3:
    """A loaded model. Each block is a batch of its own: no neighbour changes its rounding."""

    def __init__(
        self,
        *,
        ref: RerankerRef,
        engine_ref: EngineRef,
        writer: BlockWriter,
        check: TokenCheck,
        backbone: Any,
        projector: Sequence[Any],
        device: Any,
    ) -> None:
        """`projector` is its two matrices, in float32, on `device` like the `backbone`."""
        self.ref = ref
        self.engine = engine_ref
        self.attention_kernel: str | None = getattr(backbone.config, "_attn_implementation", None)
        self._writer, self._check, self._backbone = writer, check, backbone
        self._projector, self._device = projector, device
        self._cut_queries: set[str] = set()

    def prepare(self, job: Job) -> BlockLists:
        """Write and tokenise the blocks of all lists of which any pair is not done.

        Raises ModelError for what the model has no embeddings for.
        """
        written, cut_queries = [], set()
        for candidates, pairs in zip(job.candidates, job.pairs(), strict=True):
            if job.done.issuperset(pairs):
                written.append(Blocks(blocks=(), truncated=[False] * len(pairs), query_cut=False))
                continue
            texts = [document.content for document in candidates.documents]
            written.append(self._writer.blocks(candidates.query.text, texts))
            for block in written[-1].blocks:
                self._check.check_ids(block.ids)
            if written[-1].query_cut:
                cut_queries.add(candidates.query.query_id)
        return BlockLists(
            starts=job.starts,
            blocks=[entry.blocks for entry in written],
            truncated=[cut for entry in written for cut in entry.truncated],
            cut_queries=frozenset(cut_queries),
        )

    def score(self, prepared: BlockLists) -> Iterator[ScoredBatch]:
        """One batch a list."""
        self._cut_queries |= prepared.cut_queries
        for place, blocks in enumerate(prepared.blocks):
            if not blocks:
                continue
            pairs = range(prepared.starts[place], prepared.starts[place + 1])
            tokens = sum(len(block.ids) for block in blocks)
            yield ScoredBatch(
                pairs=pairs,
                scores=self._scores(blocks),
                tokens=tokens,
                padded_tokens=tokens,
                truncated_pairs=sum(prepared.truncated[pairs.start : pairs.stop]),
            )
            if self._device.type == "cpu":
                # Blocks of ever new sizes scatter the freed memory.
                return_freed_memory()

    def warnings(self) -> Sequence[str]:
        """Queries that were cut."""
        count, most = len(self._cut_queries), self.ref.recipe["query_tokens"]
        return [f"{count} queries were cut to {most} tokens"] if count else []

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return peak_cuda_bytes(self._device)

    def _scores(self, blocks: Sequence[Block]) -> list[float]:
        """The cosine of each document with what the blocks' queries are merged to."""
        import torch

        with torch.inference_mode():
            vectors = [self._vectors(block) for block in blocks]
            query = vectors[0][1]
            if len(blocks) > 1:
                # A block counts as much as its best document; a cosine needs no mean, but a sum.
                best = [
                    torch.cosine_similarity(documents, own, dim=-1).max()
                    for documents, own in vectors
                ]
                weights = (1 + torch.stack(best)) / 2
                query = weights @ torch.cat([own for _, own in vectors])
            documents = torch.cat([documents for documents, _ in vectors])
            scores: list[float] = torch.cosine_similarity(documents, query, dim=-1).tolist()
            return scores

    def _vectors(self, block: Block) -> tuple[Any, Any]:
        """Documents × size, and 1 × size for the query."""
        import torch

        try:
            ids = torch.from_numpy(block.ids).to(self._device)
            # After the final norm, like all that transformers calls a last hidden state.
            hidden = self._backbone(input_ids=ids[None], use_cache=False).last_hidden_state[0]
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            empty_cuda_cache(self._device)
            # Other blocks would be other scores: that is for the user to say.
            raise ModelError(
                f"{self.ref.name}: memory does not suffice for a block of {len(block.ids)} "
                "tokens; lower --max-length or the recipe's 'block', or use a smaller dtype"
            ) from error
        return self._projected(hidden, block.documents), self._projected(hidden, block.query)

    def _projected(self, hidden: Any, places: npt.NDArray[np.int64]) -> Any:
        """Linear, ReLU, linear, in float32 whatever the backbone's dtype."""
        import torch

        first, second = self._projector
        chosen = hidden[torch.from_numpy(places).to(self._device)].float()
        return torch.relu(chosen @ first.T) @ second.T
