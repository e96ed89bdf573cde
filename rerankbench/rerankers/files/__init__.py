"""What the files of a model tell, without torch."""
