"""What `rerankbench init` asks and writes: a config, a CI workflow and a first baseline."""
