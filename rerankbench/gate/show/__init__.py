"""What a gate found, in the forms that people and CI read."""
