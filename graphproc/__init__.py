"""graphproc: image preprocessing that is the same everywhere."""
