"""What a person sees in the terminal while it runs: rich, on stderr, escaped.

Results go to stdout and are not this room's business.
"""

from rerankbench.console.terminal import Terminal, showing_log
from rerankbench.console.text import printable

__all__ = ["Terminal", "printable", "showing_log"]
