"""Compare this package and other libraries on the same images, and time them: `graphproc bench`."""
