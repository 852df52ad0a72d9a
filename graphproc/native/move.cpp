#include "move.h"

namespace graphproc {

void plan_move(Move& move) {
    int kept = 0;
    move.count = 1;
    for (int i = 0; i < move.axes; i++) {
        const size_t length = move.lengths[i], stride = move.strides[i];
        move.count *= length;
        if (length == 1) continue;
        if (kept && move.strides[kept - 1] == stride * length) {
            move.lengths[kept - 1] *= length;
            move.strides[kept - 1] = stride;
            continue;
        }
        move.lengths[kept] = length;
        move.strides[kept++] = stride;
    }
    move.axes = kept;
    // Three planes that become the channels of pixels are moved by whole pixels.
    const bool pixels = kept > 1 && move.lengths[kept - 1] == 3 && move.strides[kept - 1] > 1 && move.strides[kept - 2] == 1;
    move.grain = pixels ? 3 : 1;
}

}  // namespace graphproc
