"""Facts about collections, metrics, models and published figures, with the YAML of each."""
