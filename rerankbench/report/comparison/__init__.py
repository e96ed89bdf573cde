"""The page of two runs side by side, in every format."""
