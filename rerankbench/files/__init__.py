"""Reading and writing files: whole or not at all, YAML, TREC's forms, what is no plain file."""
