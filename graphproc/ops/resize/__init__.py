"""How the lowered resize computes: bands of integer weights, and the forms of their products."""
