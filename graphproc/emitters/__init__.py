"""Emitters: programs written for other systems."""
