"""Name the backends: the libraries with the results that a program computes.

Their names are transformers' names.
"""

PIL, TORCHVISION = "pil", "torchvision"
BACKENDS = (PIL, TORCHVISION)
