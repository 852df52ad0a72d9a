"""Compare random cases with transformers: see `__main__.py`."""
