"""Rerankers that Python code hands over as objects: functions, and loaded cross-encoders.

Nobody can tell whether an object is what it was: each one has a key of its own, so that nothing is
ever taken from what another one left.
"""
