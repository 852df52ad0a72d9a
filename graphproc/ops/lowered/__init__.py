"""Ops that passes make of a program's: fused forms that say how something is computed, not what it means."""
