"""Configurations: JSON files in, typed and normalised settings out."""
