"""Checks of published tables: what is printed against what its own figures give."""
