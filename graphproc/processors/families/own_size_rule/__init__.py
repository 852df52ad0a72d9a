"""The family of classes that `graphproc list` calls "own size rule"."""
