"""One figure of records that git holds, commit by commit."""
