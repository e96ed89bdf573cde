"""`rerankbench convert`: rows and other tools' files → a folder in BEIR's form."""
