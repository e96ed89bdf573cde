"""Scores of pairs from the vectors of their queries and documents, in float32 on the device.

A pair's score comes from its own two vectors (or rows of vectors) alone: each function takes pairs
as places in a matrix of queries and a matrix of documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch

# Score of a document without a token that counts: below any real one (sentence-transformers').
EMPTY_DOCUMENT = -1e9
# Numbers that one step of MaxSim may hold beside the vectors (64 MiB).
_STEP_NUMBERS = 2**24

Vectors: TypeAlias = "torch.Tensor"
Single: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"


def _cosine(queries: Any, documents: Any) -> Any:
    from torch.nn.functional import normalize

    return _dot(normalize(queries, dim=-1), normalize(documents, dim=-1))


def _dot(queries: Any, documents: Any) -> Any:
    return (queries * documents).sum(dim=-1)


def _euclidean(queries: Any, documents: Any) -> Any:
    return -(queries - documents).square().sum(dim=-1).sqrt()


def _manhattan(queries: Any, documents: Any) -> Any:
    return -(queries - documents).abs().sum(dim=-1)


SINGLE: Mapping[str, Single] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}
"""Of two matrices of vectors, row by row; a distance counts negative, so that more is nearer."""


def pairwise(
    name: str,
    queries: torch.Tensor,
    documents: torch.Tensor,
    counts: torch.Tensor,
    places: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """One score a pair; `places` are each pair's row in `queries` and in `documents`.

    For `maxsim` and `meanmaxsim` both are rows × tokens × dimensions; `counts` (rows × tokens)
    says which of a document's tokens count, and a query's that do not are zero.
    """
    of_query, of_document = places
    if name in SINGLE:
        return SINGLE[name](queries[of_query], documents[of_document])
    scores = _maxsim(queries, documents, counts, places)
    if name == "meanmaxsim":
        scores = scores / (queries != 0).any(dim=-1).sum(dim=-1)[of_query].clamp(min=1)
    return scores


def _maxsim(
    queries: torch.Tensor,
    documents: torch.Tensor,
    counts: torch.Tensor,
    places: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Σ over query tokens of max over document tokens (ColBERT, https://arxiv.org/abs/2004.12832).

    The maximum is over tokens that count: padding must not win over negative products.
    """
    import torch

    dimensions = documents.shape[2]
    of_pair = (queries.shape[1] + documents.shape[1]) * dimensions
    of_pair += queries.shape[1] * documents.shape[1]
    step = max(1, _STEP_NUMBERS // max(1, of_pair))
    least = torch.finfo(documents.dtype).min
    chunks = []
    for start in range(0, len(places[0]), step):
        of_query, of_document = (indices[start : start + step] for indices in places)
        products = torch.bmm(queries[of_query], documents[of_document].transpose(1, 2))
        counting = counts[of_document]
        products.masked_fill_(~counting[:, None, :], least)
        scores = products.amax(dim=2).sum(dim=1)
        chunks.append(scores.masked_fill(~counting.any(dim=1), EMPTY_DOCUMENT))
    return torch.cat(chunks)
