"""Draws values as matplotlib figures, one kind of plot a file; no state outside the figure."""
