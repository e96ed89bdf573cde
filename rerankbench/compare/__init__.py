"""Records → what they say when read together: significance, ratings, ceilings, depth, slices.

Values in, values out: nothing here writes a table, a page or a file.
"""
