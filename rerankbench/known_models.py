"""The path of version 0.1 to `rerankbench.known.models`, kept for those who import it."""

from rerankbench.known.models import KnownModel, find

__all__ = ["KnownModel", "find"]
