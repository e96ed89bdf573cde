"""A language model that decides between two rankings, in place of the metric."""
