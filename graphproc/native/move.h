// How bytes move: the elements of a result are read, in order, along some axes of the operand.
#pragma once
#include <cstddef>
#include <cstdint>

namespace graphproc {

// Describes a move. The result is C-contiguous with these axes, the last one fastest; going one further along axis i of the
// result is going `strides[i]` further in the operand. A stride of 0 repeats.
// `plan_move` leaves no axis of one element, and no two neighbours that could be one axis. No axis at all is one element.
struct Move {
    static constexpr int MOST = 33;
    int axes = 0;
    size_t lengths[MOST];
    size_t strides[MOST];
    // How many elements the result has.
    size_t count = 1;
    // Ranges of the result that are moved start and end at multiples of this.
    size_t grain = 1;
};

// Simplifies a move: takes axes of one element away, and joins neighbours. Fills in `count` and `grain`.
void plan_move(Move& move);

// The code of one instruction set.
struct MoveFunctions {
    // Writes elements first .. last - 1 of the result to `to`, which holds only these. Both are multiples of the grain.
    void (*move)(const Move& move, const uint8_t* from, size_t first, size_t last, uint8_t* to);
};

namespace sse41 { extern const MoveFunctions move_functions; }
namespace avx2 { extern const MoveFunctions move_functions; }
namespace avx512 { extern const MoveFunctions move_functions; }
namespace neon { extern const MoveFunctions move_functions; }

}  // namespace graphproc
