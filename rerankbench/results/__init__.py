"""What lies on disk after a run, and what is derived from one record."""
