"""Pure statistics over numbers: no records, no files, no output."""
