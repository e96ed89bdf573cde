"""Records → tables → Markdown, CSV, LaTeX, JSON."""
