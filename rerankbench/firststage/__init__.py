"""Plug-ins that retrieve candidates, one file each; reached by name through `registry`."""
