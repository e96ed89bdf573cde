"""A language model decides between two rankings, in place of a metric."""
