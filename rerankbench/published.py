"""Figures that others have printed, with their sources, to stand beside measured ones."""
