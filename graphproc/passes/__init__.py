"""Rewrites of programs that keep every bit of their results; `optimize` runs them in order."""
