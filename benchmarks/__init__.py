"""What rerankbench costs and how it compares, measured; run as `python -m benchmarks.NAME`."""
