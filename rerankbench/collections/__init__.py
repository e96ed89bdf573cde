"""Plug-ins that read collections, one file each; reached by name through `registry`."""
