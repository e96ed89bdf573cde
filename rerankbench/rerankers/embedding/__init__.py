"""Encoders of single texts: bi-encoders and late interaction."""
