"""Statistics of plain numbers: no records, no files, no output."""
