// An axis of a resize in the form that the passes read.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "filters.h"

namespace graphproc {

// How an instruction set multiplies: `taps` pixels of 8 bits by as many digits of `digit` bits at a time, in a cell of 32 bits.
struct CellForm {
    int taps, digit;
};

// A weight is a sum of signed digits: digit[0] + digit[1] * 2**digit_bits + ... . Weights that are multiples of a power of two
// are divided by it, and the sum's shift is less. Sums are exact: they are right modulo 2**32, and they fit.
struct Axis {
    AxisSpec spec;
    bool picks;
    int32_t low, high;           // the input pixels that the outputs need
    int shift, digits;           // output = clip((2**(shift - 1) + sum) >> shift)
    std::vector<int32_t> start;  // of each output, the pixel of its first cell; where the axis picks, the pixel
    std::vector<int32_t> last;   // of each output, the pixel behind its last
    std::vector<size_t> at;      // of each output, its first cell's number; one more element for the end
    std::vector<int32_t> cells;  // [cells, digits]; the digits of `taps` weights, the first in the lowest bits
    int32_t most_taps;           // of one output

    // What only axes that are not aligned have: the first weight, in units of 2**-22, of outputs with two weights that add up to
    // 2**22 and are not negative; -1 for others.
    std::vector<int32_t> blend;

    // What only aligned axes have. Their last output is repeated up to a multiple of 4.
    bool wide;                    // cells 2 * i and 2 * i + 1 hold taps (0, 2) and (1, 3) of 4, not (0, 1) and (2, 3)
    std::vector<int32_t> cell;    // of each output, its first cell's place from `low` on
    int32_t length;               // of all outputs, in cells
    int32_t most_block;           // the most cells from the first to the last of outputs 16 * i .. 16 * i + 15
};

// Returns an axis, from memory if it was one of the last ones. `aligned`: cells start at multiples of `taps` from `low` on,
// and all outputs have as many as the longest one, so that loops over them always end alike.
std::shared_ptr<const Axis> resize_axis(const AxisSpec& spec, CellForm form, bool aligned);

}  // namespace graphproc
