"""Turn a model's outputs into answers (labels, boxes and maps in the image's own pixels), by programs of the same IR."""
