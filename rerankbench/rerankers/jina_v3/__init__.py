"""jina-reranker-v3: a query and a list of documents in one pass."""
