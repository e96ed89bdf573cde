"""`python -m rerankbench` is `rerankbench`."""

from rerankbench.cli import main

main()
