"""The files of finished runs, and what is derived from a single record."""
