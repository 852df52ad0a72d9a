"""Processors for users, with the attributes and methods of transformers' image processors."""
