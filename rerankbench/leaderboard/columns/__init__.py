"""Kinds of columns: what a layout says of each, and what fills its squares."""
