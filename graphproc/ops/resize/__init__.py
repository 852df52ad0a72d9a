"""How the lowered resize computes: bands of integer weights, and the forms of their products.

Words of this package:

    axis step   the resampling of one axis; a resize has two, each of which ends in bytes
    band        the weights of an axis: zero away from the diagonal, so that few input rows matter to each output
    block       consecutive outputs of an axis that read the same few input rows: one product
    form        how an axis step multiplies: its digits, and the type that adds them
    chunk       lines that the first axis step goes through at once
    piece       rows of the result that the second axis step makes at once
    plane       one channel
"""
