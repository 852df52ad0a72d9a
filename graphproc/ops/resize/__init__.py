"""Compute the lowered resize: bands of integer weights, and the forms of their products.

Words of this package:

    axis step   the resampling of one axis; a resize has two, and the result of each is bytes
    band        the weights of an axis: zero away from the diagonal, so that each output depends on few input rows
    block       consecutive outputs of an axis that read the same few input rows: one product
    form        how an axis step multiplies: its digits, and the type that adds them
    chunk       lines that the first axis step processes at once
    piece       rows of the result that the second axis step makes at once
    plane       one channel
"""
