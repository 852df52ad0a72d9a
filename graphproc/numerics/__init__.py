"""Compute filters, coefficients, colours and byte forms in numpy.

This is the exact arithmetic of the numpy reference, and it does not use Pillow.
"""
