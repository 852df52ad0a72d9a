"""Name the backends, which say whose results a program computes.

Their names are transformers' names.
"""

PIL, TORCHVISION = "pil", "torchvision"
BACKENDS = (PIL, TORCHVISION)
