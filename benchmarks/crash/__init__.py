"""What a SIGKILL at any moment leaves behind, and what the next command makes of it."""
