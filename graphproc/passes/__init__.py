"""Rewrites of programs. Each declares whether results stay bit-exact; `optimize` runs only those that do."""

from graphproc.passes.base import Pass, optimize, passes

__all__ = ["Pass", "optimize", "passes"]
