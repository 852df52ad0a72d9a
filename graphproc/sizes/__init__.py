"""Size arithmetic: plain numbers when sizes are known, traced expressions when they are not."""

from graphproc.sizes import num, rules

__all__ = ["num", "rules"]
