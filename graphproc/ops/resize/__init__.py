"""Compute the lowered resize: bands of integer weights, in products, over strips of the image.

Words of this package, each with one meaning:

    axis step   the resampling of one axis; a resize has two, and the result of each is bytes
    band        the weights of an axis: zero away from the diagonal, so that each output depends on
                few input rows
    block       consecutive outputs of an axis that read the same few input rows: one product
    product form
                how an axis step multiplies: its digits, and the type that adds them
    tap         an input row that an output reads, and its weight
    strip       consecutive rows or columns that one turn of a loop processes, so that they stay in
                the cache: of the image in the first axis step, of one channel of the result in the
                second

For example, an image of 300 x 451 pixels becomes 224 x 336 on a CPU. The horizontal axis step reads
three strips of 104 rows. The vertical one makes one strip of 224 rows for each channel, in 45 blocks
of 5 outputs, each of them one product.
"""
