"""The model card of one reranker as Markdown and HTML."""
