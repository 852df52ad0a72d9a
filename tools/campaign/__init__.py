"""A standing differential campaign against transformers: see `__main__.py`."""
