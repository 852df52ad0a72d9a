"""Name the backends: the libraries with the results that a program computes.

Their names are transformers' names.
"""

PIL, TORCHVISION = "pil", "torchvision"
BACKENDS = (TORCHVISION, PIL)
"""All backends, transformers' default first: its class of the plain name is torchvision's."""
