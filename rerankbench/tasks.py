"""What the cells of one task share, kept beside their records: topics, candidates, judgments."""
