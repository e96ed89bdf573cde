"""Records kept in git under a name, which later results are compared with."""
