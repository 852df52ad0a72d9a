// The weights of resized axes, as graphproc/numerics/filters.py defines them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace graphproc {

// Functions of the distance from the centre. `nearest` has no weights; it picks pixels.
enum class Filter { nearest, lanczos, bilinear, bicubic, box, hamming };

// Pillow's weights have 22 fractional bits. Torch's have as many as let the largest of an axis fit into 16 bits.
enum class Arithmetic { pillow, torch_bytes };

// What the weights of an axis depend on: `n_in` pixels become `n_out`, and the outputs first .. first + count - 1 are kept.
struct AxisSpec {
    int64_t n_in, n_out, first, count;
    double extent;  // all outputs cover this many pixels from the first on; n_in if there is no extent
    Filter filter;
    Arithmetic arithmetic;

    // Whether outputs are pixels of the input as they are: the axis keeps its length, or the filter is nearest.
    bool picks() const { return filter == Filter::nearest || keeps(); }
    bool keeps() const { return n_in == n_out && extent == static_cast<double>(n_in); }
};

bool operator==(const AxisSpec& a, const AxisSpec& b);

// Output i is clip((2**21 + sum(weights[at[i] + t] * input[start[i] + t])) >> 22), for t < at[i + 1] - at[i].
struct Weights {
    std::vector<int32_t> start;
    std::vector<size_t> at;
    std::vector<int32_t> weights;
};

// Returns the weights of an axis that does not pick pixels.
Weights weights_of(const AxisSpec& spec);

// Returns the input pixel of each output of an axis that picks pixels.
std::vector<int32_t> picked_pixels(const AxisSpec& spec);

}  // namespace graphproc
