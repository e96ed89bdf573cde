"""Records and runs in the forms of other tools, and back."""
