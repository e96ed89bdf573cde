"""Imports and exports records and runs in the formats of other tools."""
