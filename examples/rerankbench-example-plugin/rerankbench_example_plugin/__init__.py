"""A reranker, a metric and a first stage for rerankbench, to copy from."""
