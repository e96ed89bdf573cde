"""Scoring speed of rerankbench beside other ways of running the same cross-encoder."""
