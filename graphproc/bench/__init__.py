"""`graphproc bench`: this package and other libraries preprocess the same images, compared first, then timed in turns."""
