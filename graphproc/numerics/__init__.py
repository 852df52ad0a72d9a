"""Reference arithmetic in numpy: filters, coefficients, colour, byte forms. Exact, and independent of Pillow."""
