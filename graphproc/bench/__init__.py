"""`graphproc bench`: this package and other libraries compared and timed on the same images."""
