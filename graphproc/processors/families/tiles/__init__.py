"""The family of classes that `graphproc list` calls "tiles"."""
