"""The order of work of `run`. Prints nothing: what it does is reported to a `Progress`."""

from rerankbench.pipeline.cells import find_candidates, forget, rerank, retrieve
from rerankbench.pipeline.run import run
from rerankbench.pipeline.work import Report, Work

__all__ = ["Report", "Work", "find_candidates", "forget", "rerank", "retrieve", "run"]
