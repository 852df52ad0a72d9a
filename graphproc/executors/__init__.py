"""Run programs on arrays."""
