// The two passes of a resize, along a row and from row to row, for each instruction set.
#pragma once
#include <cstddef>
#include <cstdint>

#include "resize_axis.h"

namespace graphproc {

struct ResizePasses {
    CellForm form;
    // How many rows `across` takes at a time, and how many bytes `down` does.
    int rows, bytes;

    // Returns how many bytes of memory `across` works in.
    size_t (*across_memory)(const Axis& axis, int channels);

    // Resizes `rows` rows. Row r is at from[r], which is pixel axis.low, with the channels of a pixel side by side. It may be
    // read up to 16 bytes past pixel axis.high. Channel c of the result is at to[r] + c * pitch, up to a multiple of 16 bytes.
    void (*across)(const uint8_t* const* from, const Axis& axis, int channels, uint8_t* memory, uint8_t* const* to, size_t pitch);

    // Computes `length` bytes of result row y from rows from[0] .. from[taps * cells - 1]. Reads and writes as many bytes more as
    // make a multiple of `bytes`.
    void (*down)(const uint8_t* const* from, const Axis& axis, size_t y, size_t length, uint8_t* to);

    // Parts the channels of `count` pixels: channel c goes to to + c * pitch. Reads up to 16 bytes past them.
    void (*part)(const uint8_t* from, size_t count, int channels, uint8_t* to, size_t pitch);
};

namespace sse41 { extern const ResizePasses resize_passes; }
namespace avx2 { extern const ResizePasses resize_passes; }
namespace avx512 { extern const ResizePasses resize_passes; }
namespace neon { extern const ResizePasses resize_passes; }

}  // namespace graphproc
