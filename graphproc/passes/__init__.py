"""Rewrites of programs. Each declares whether results stay bit-exact; `optimize` runs only those that do."""
