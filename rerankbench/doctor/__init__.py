"""Checks whether a model scores as its authors intended, and what this machine can do."""
