"""Turn a model's outputs into answers (labels, boxes, maps), by programs of the same IR.

Boxes and maps are in the image's own pixels.
"""
