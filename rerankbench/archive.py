"""Records together with the files beside them: reranked runs, and the tasks that they answered."""
