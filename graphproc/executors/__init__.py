"""Executors: programs run on arrays."""
