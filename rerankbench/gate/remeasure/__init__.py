"""Two versions run in turn on this machine: quality, then speed, for the gate."""
