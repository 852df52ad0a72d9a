"""Read configurations: JSON files in, typed and normalised settings out."""
