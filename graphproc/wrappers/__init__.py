"""The surface shaped like transformers' image processors."""
