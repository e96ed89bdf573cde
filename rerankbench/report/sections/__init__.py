"""The parts of a report, one a file: boards of records → a heading, text, tables and plots."""
