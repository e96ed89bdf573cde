"""Plug-ins that measure a ranking, reached by name through `registry`."""
