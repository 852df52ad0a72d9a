"""Provide the ops that passes put in place of a program's own ops.

These fused forms say how something is computed, not what it means.
"""
