"""Records that later results are held against, kept in git under a name."""
