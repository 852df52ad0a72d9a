// The sums of a resize of floats, 16 rows at a time along the width, one row at a time along the height.
#pragma once
#include <cstddef>
#include <cstdint>

namespace graphproc {

// How many rows a strip has. Row `r` of pixel `p` of a strip is at strip[p * strip_rows + r]; each channel has a strip.
constexpr size_t strip_rows = 16;
// Rows of sums are a multiple of this long, in elements.
constexpr size_t row_padding = 64;

// Taps of outputs, as in FloatTaps.
struct TapsView {
    const int32_t* pixels;
    const float* weights;
    const int32_t* first;
    const int32_t* rounded;
};

// What is done with the sums: (sum - mean) / std, if `std` is not 0.
struct FloatNormalize {
    float mean, std;
};

// The code of one instruction set.
struct FloatRowFunctions {
    // Makes strips of bytes of the pixels first .. last, without the last, of 16 rows of pixels with `channels` bytes.
    // Strips are `plane` bytes apart.
    void (*strips_of_pixels)(const uint8_t* const* rows, size_t first, size_t last, size_t channels, uint8_t* strips,
                             size_t plane);
    // Makes a strip of the elements first .. last, without the last, of 16 rows.
    void (*strip_of_plane)(const float* const* rows, size_t first, size_t last, float* strip);
    // Sums along the width: outputs begin .. end, without the end, at most 16. The strips are `strip_plane`
    // floats apart and start at pixel `base`. Output `o` of row `r` and channel `c` goes to
    // results[c * plane + r * row + o - begin]; behind the last output, others are written up to 16.
    void (*across)(const float* strips, size_t strip_plane, size_t base, size_t channels, const TapsView& taps, size_t begin,
                   size_t end, float* results, size_t plane, size_t row);
    // Sums along the height: one row of results, of `count` rows and their weights.
    void (*down)(const float* const* rows, const float* weights, size_t rounded, size_t count, size_t columns,
                 const FloatNormalize* normalize, float* results);
};

namespace sse41 { extern const FloatRowFunctions float_row_functions; }
namespace avx2 { extern const FloatRowFunctions float_row_functions; }
namespace avx512 { extern const FloatRowFunctions float_row_functions; }
namespace neon { extern const FloatRowFunctions float_row_functions; }

}  // namespace graphproc
