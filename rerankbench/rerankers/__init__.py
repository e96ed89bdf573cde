"""Plug-ins that score candidates; the only room that imports torch and transformers."""
