"""From a model's outputs to answers: labels, boxes and maps in the image's own pixels, as programs of the same IR."""
