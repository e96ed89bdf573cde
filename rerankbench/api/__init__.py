"""What Python code calls: a run and its result, an evaluator for training (docs/python.md)."""
