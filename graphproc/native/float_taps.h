// What torch adds up for each output of an axis when it interpolates floats.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace graphproc {

// A tap is an input pixel and its weight; an output is the sum of its taps, in order, in float32. Output `o` has the taps
// first[o] .. first[o + 1], without the last. The products of its first `rounded[o]` taps are rounded before they are
// added; those of the others are not.
struct FloatTaps {
    std::vector<int32_t> pixels;
    std::vector<float> weights;
    std::vector<int32_t> first, rounded;

    size_t outputs() const { return rounded.size(); }
};

// How an axis is resampled. Pixels in float32, in the order of `graphproc/numerics/interpolation.py`.
struct FloatFilter {
    enum class Shape { bilinear, aligned, bicubic } shape;
    bool antialias;
    bool fused;  // whether some products are not rounded, as in torch

    // Whether torch computes a result of this size at once, each output from its four pixels.
    bool at_once(int64_t height, int64_t width) const {
        return fused && !antialias && shape != Shape::bicubic && height + width <= 128;
    }
};

// Reads a filter by the names of graphproc. Raises Refused if there is none.
FloatFilter float_filter(const std::string& name, bool antialias, const std::string& arithmetic);

// Computes the taps of an axis of `inputs` pixels resampled to `outputs`, both at least 1 and below 2^24.
FloatTaps float_taps(const FloatFilter& filter, int64_t inputs, int64_t outputs);

// Computes a * b + c. The product is exact; the sum is rounded to float64, then to float32.
inline float multiply_add(double a, double b, double c) { return static_cast<float>(a * b + c); }

}  // namespace graphproc
