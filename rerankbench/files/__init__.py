"""Reading and writing files: whole or not at all, YAML, TREC's formats, special files."""
