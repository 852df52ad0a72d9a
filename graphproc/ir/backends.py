"""Name the backends: whose results a program computes. The names are those that transformers gives its two."""

PIL, TORCHVISION = "pil", "torchvision"
BACKENDS = (PIL, TORCHVISION)
