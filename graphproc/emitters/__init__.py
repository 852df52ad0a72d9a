"""Write programs for other systems."""
