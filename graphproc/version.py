"""The version of graphproc."""

__version__ = "0.1.0"
