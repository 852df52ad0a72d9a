"""Processor classes: which settings each has and which steps it takes."""
