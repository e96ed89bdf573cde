"""Scoring heads on an encoder: monoBERT, Mean-Pooling, CELI."""
