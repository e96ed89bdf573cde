"""The sections of a report, one a file: boards to a heading, text, tables and plots."""
