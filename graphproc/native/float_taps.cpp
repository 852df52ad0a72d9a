// Computes the taps of torch's interpolation of floats: graphproc/numerics/interpolation.py, in its order.
#include "float_taps.h"

#include <algorithm>
#include <cmath>

#include "kernel.h"

namespace graphproc {
namespace {

constexpr int64_t group = 4;  // how many products torch's compiled code rounds at a time

class Writer {
public:
    explicit Writer(FloatTaps& taps) : taps(taps) { taps.first.push_back(0); }
    void tap(int64_t pixel, float weight) {
        taps.pixels.push_back(static_cast<int32_t>(pixel));
        taps.weights.push_back(weight);
    }
    // Ends an output's taps.
    void end(int64_t rounded) {
        taps.first.push_back(static_cast<int32_t>(taps.pixels.size()));
        taps.rounded.push_back(static_cast<int32_t>(rounded));
    }

private:
    FloatTaps& taps;
};

// Returns the position of an output's centre among the inputs' centres. The product is not rounded by itself.
float half_pixel(int64_t inputs, int64_t outputs, int64_t output) {
    const float scale = static_cast<float>(inputs) / static_cast<float>(outputs);
    return multiply_add(scale, static_cast<double>(output) + 0.5, -0.5);
}

// The cubic filter of parameter -0.5 at a distance of 0 or more.
float antialias_cubic(float x) {
    if (x < 1.0f) return multiply_add(multiply_add(x, 1.5, -2.5) * x, x, 1.0);
    if (x < 2.0f) return multiply_add(multiply_add(multiply_add(x, -0.5, 2.5), x, -4.0), x, 2.0);
    return 0.0f;
}

void antialias(Writer& writer, int64_t inputs, int64_t outputs, int radius) {
    const float scale = static_cast<float>(inputs) / static_cast<float>(outputs);
    const float coarser = std::max(scale, 1.0f);
    const float support = static_cast<float>(radius) * coarser;
    const double shrink = 1.0f / coarser;
    std::vector<float> weights;
    for (int64_t output = 0; output < outputs; output++) {
        const float center = static_cast<float>(static_cast<double>(scale) * (static_cast<double>(output) + 0.5));
        const double from = std::trunc(static_cast<double>(center - support) + 0.5);
        const double to = std::trunc(static_cast<double>(center + support) + 0.5);
        const int64_t low = static_cast<int64_t>(std::max(from, 0.0));
        const int64_t high = static_cast<int64_t>(std::min(to, static_cast<double>(inputs)));
        weights.clear();
        float total = 0.0f;
        for (int64_t pixel = low; pixel < high; pixel++) {
            const double distance = static_cast<double>(static_cast<float>(pixel) - center) + 0.5;
            const float away = std::fabs(static_cast<float>(distance * shrink));
            weights.push_back(radius == 1 ? std::max(1.0f - away, 0.0f) : antialias_cubic(away));
            total = weights.size() == 1 ? weights[0] : total + weights.back();
        }
        for (int64_t pixel = low; pixel < high; pixel++) writer.tap(pixel, weights[pixel - low] / total);
        writer.end(1 + (high - low - 1) / group * group);
    }
}

// The pixels on both sides of each position, the farther one first. An axis that keeps its length reads one pixel twice.
void linear(Writer& writer, int64_t inputs, int64_t outputs, bool aligned) {
    const float last = static_cast<float>(inputs - 1);
    const float scale = outputs > 1 ? last / static_cast<float>(outputs - 1) : 0.0f;
    for (int64_t output = 0; output < outputs; output++) {
        const float position =
            aligned ? scale * static_cast<float>(output) : std::max(half_pixel(inputs, outputs, output), 0.0f);
        const float low = std::min(std::floor(position), last);
        const float second = std::min(std::max(position - low, 0.0f), 1.0f);
        writer.tap(static_cast<int64_t>(inputs == outputs ? low : std::min(low + 1.0f, last)), second);
        writer.tap(static_cast<int64_t>(low), 1.0f - second);
        writer.end(1);
    }
}

// The cubic filter of parameter -0.75 from 0 to 1, and from 1 to 2.
float near_cubic(float x) { return multiply_add(x, 1.25, -2.25) * x * x + 1.0f; }
float far_cubic(float x) { return multiply_add(multiply_add(x, -0.75, 3.75), x, -6.0) * x + 3.0f; }

void cubic(Writer& writer, int64_t inputs, int64_t outputs) {
    for (int64_t output = 0; output < outputs; output++) {
        const float position = half_pixel(inputs, outputs, output), low = std::floor(position), t = position - low;
        const float rest = t * -1.0f + 1.0f;
        const float weights[4] = {far_cubic(t + 1.0f), near_cubic(t), near_cubic(rest), far_cubic(rest + 1.0f)};
        for (const int tap : {1, 0, 2, 3})  // torch's order
            writer.tap(std::min(std::max(static_cast<int64_t>(low) + tap - 1, int64_t{0}), inputs - 1), weights[tap]);
        writer.end(1);
    }
}

}  // namespace

FloatFilter float_filter(const std::string& name, bool antialias, const std::string& arithmetic) {
    using Shape = FloatFilter::Shape;
    if (arithmetic != "torch_floats" && arithmetic != "torch_unfused")
        throw Refused("arithmetic: expected torch_floats or torch_unfused, found " + arithmetic);
    const bool fused = arithmetic == "torch_floats";
    if (name == "bilinear") return {Shape::bilinear, antialias, fused};
    if (name == "bicubic") return {Shape::bicubic, antialias, fused};
    if (name == "bilinear-aligned" && !antialias) return {Shape::aligned, antialias, fused};
    throw Refused("filter: expected bilinear, bicubic, or bilinear-aligned without antialias, found " + name);
}

FloatTaps float_taps(const FloatFilter& filter, int64_t inputs, int64_t outputs) {
    FloatTaps taps;
    Writer writer(taps);
    const bool is_cubic = filter.shape == FloatFilter::Shape::bicubic;
    if (filter.antialias && inputs == outputs)
        for (int64_t output = 0; output < outputs; output++) writer.tap(output, 1.0f), writer.end(1);
    else if (filter.antialias)
        antialias(writer, inputs, outputs, is_cubic ? 2 : 1);
    else if (is_cubic)
        cubic(writer, inputs, outputs);
    else
        linear(writer, inputs, outputs, filter.shape == FloatFilter::Shape::aligned);
    if (!filter.fused)
        for (size_t i = 0; i < taps.outputs(); i++) taps.rounded[i] = taps.first[i + 1] - taps.first[i];
    return taps;
}

}  // namespace graphproc
