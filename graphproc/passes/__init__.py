"""Rewrite programs without a change of any bit of their results."""
