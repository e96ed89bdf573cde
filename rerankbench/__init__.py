"""Choose, compare and guard rerankers: measured nDCG@10, measured docs/sec, publishable tables."""

__version__ = "0.1.0"
