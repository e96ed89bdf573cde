"""The model card of one reranker: its tables, its words, its Markdown and HTML."""
