"""Reads the files of a model, without torch."""
