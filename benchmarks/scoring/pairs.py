"""The pairs that every contender scores: SciFact's test queries with their BM25 candidates."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rerankbench.files.trec import read_run
from rerankbench.registry.naming import open_collection
from rerankbench.run import candidates as candidate_lists
from rerankbench.types import Candidates, Document, Qrels, Query

_CALIBRATION_PAIRS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Queries with their documents, and the judgments of those queries."""

    candidates: tuple[Candidates, ...]
    qrels: Qrels
    of_queries: int

    @property
    def query_ids(self) -> list[str]:
        """In the order in which they are scored."""
        return [each.query.query_id for each in self.candidates]


def load(shared: Path, *, queries: int | None, depth: int, seed: int) -> Workload:
    """The first `queries` of the shuffled test queries (None: all), `depth` documents each."""
    collection = open_collection(str(shared / "collections" / "scifact"), "test")
    rankings = {
        each.query_id: candidate_lists.cut(each, depth, drop_own_id=False)
        for each in read_run(shared / "reference" / "scifact.bm25.top100.trec")
    }
    chosen = sorted(collection.queries(), key=lambda query: query.query_id)
    random.Random(seed).shuffle(chosen)
    total, chosen = len(chosen), chosen[:queries]
    found = candidate_lists.with_texts(
        collection, chosen, [rankings[query.query_id] for query in chosen]
    )
    judgments = collection.qrels()
    return Workload(
        candidates=found.candidates,
        qrels={query.query_id: judgments[query.query_id] for query in chosen},
        of_queries=total,
    )


def calibration(shared: Path) -> list[tuple[str, str]]:
    """Pairs of training queries, half of them relevant, for quantisers that look at examples."""
    collection = open_collection(str(shared / "collections" / "scifact"), "train")
    texts = {query.query_id: query.text for query in collection.queries()}
    others = list(islice(collection.documents(), _CALIBRATION_PAIRS))
    pairs: list[tuple[str, str]] = []
    for query_id, grades in islice(collection.qrels().items(), _CALIBRATION_PAIRS // 2):
        relevant = collection.lookup(set(grades))
        for document in (*list(relevant.values())[:1], others[len(pairs) % len(others)]):
            pairs.append((texts[query_id], document.content))
    return pairs


def write(path: Path, candidates: Sequence[Candidates]) -> None:
    """Write candidates for another process."""
    rows = [
        {
            "query": [each.query.query_id, each.query.text],
            "documents": [[doc.doc_id, doc.title, doc.text] for doc in each.documents],
        }
        for each in candidates
    ]
    path.write_text(json.dumps(rows))


def read(path: Path) -> list[Candidates]:
    """Read what `write` wrote."""
    return [
        Candidates(
            query=Query(query_id=row["query"][0], text=row["query"][1]),
            documents=tuple(
                Document(doc_id=doc_id, title=title, text=text)
                for doc_id, title, text in row["documents"]
            ),
        )
        for row in json.loads(path.read_text())
    ]


def texts(candidates: Sequence[Candidates]) -> list[tuple[str, str]]:
    """All pairs (query, document), in order."""
    return [(each.query.text, doc.content) for each in candidates for doc in each.documents]
