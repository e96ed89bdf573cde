"""Plug-ins that give every query its candidates, one file each; reached through `registry`."""
