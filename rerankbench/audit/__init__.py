"""Checks published tables: compares what is printed with what its own figures give."""
