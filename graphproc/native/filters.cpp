// Computes the weights of resized axes. All arithmetic is float64 in the order of graphproc/numerics/filters.py.
#include "filters.h"

#include <algorithm>
#include <cmath>

namespace graphproc {
namespace {

constexpr int PRECISION_BITS = 22;
constexpr int LARGEST_WEIGHT = 1 << 15;
constexpr double PI = 3.14159265358979323846;

double bilinear(double x) { return std::max(1.0 - std::fabs(x), 0.0); }

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

// Keys' cubic convolution with a = -1/2.
double bicubic(double x) {
    const double a = -0.5;
    x = std::fabs(x);
    const double near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    const double far = (((x - 5) * x + 8) * x - 4) * a;
    return x < 1.0 ? near : x < 2.0 ? far : 0.0;
}

double sinc(double x) {
    if (x == 0.0) return 1.0;
    const double t = x * PI;
    return std::sin(t) / t;
}

double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

// The Hamming window times a sinc; its constants are float32.
double hamming(double x) {
    x = std::fabs(x);
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    const double t = x * PI;
    const double window = static_cast<double>(0.54f) + static_cast<double>(0.46f) * std::cos(t);
    return std::sin(t) / t * window;
}

// The largest number of bits for which the largest weight is below 2**15, but at most 22.
int torch_bits(double largest) {
    for (int bits = 0; bits < PRECISION_BITS; bits++)
        if (static_cast<int64_t>(0.5 + largest * (2 << bits)) >= LARGEST_WEIGHT) return bits;
    return PRECISION_BITS;
}

template <class Function>
Weights weigh(const AxisSpec& spec, double width, Function function) {
    const double scale = static_cast<double>(static_cast<float>(spec.extent)) / static_cast<double>(spec.n_out);
    const double stretch = std::max(scale, 1.0), support = width * stretch, inverse = 1.0 / stretch;
    // Torch's precision depends on all outputs of the axis.
    const bool all = spec.arithmetic == Arithmetic::torch_bytes;
    const int64_t begin = all ? 0 : spec.first, end = all ? spec.n_out : spec.first + spec.count;
    Weights found;
    std::vector<double> values;
    const auto most = static_cast<size_t>(2 * std::ceil(support) + 2);
    values.resize(most + (all ? most * static_cast<size_t>(spec.count) : 0));
    found.start.reserve(static_cast<size_t>(spec.count));
    found.at.reserve(static_cast<size_t>(spec.count) + 1);
    found.at.push_back(0);
    found.weights.resize(all ? 0 : std::min(most, static_cast<size_t>(spec.n_in)) * static_cast<size_t>(spec.count));
    int32_t* next = found.weights.data();
    double largest = 0, *value = values.data();
    const auto quantised = [](double weight, double unit) {
        const double scaled = weight * unit;
        return static_cast<int32_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
    };
    for (int64_t i = begin; i < end; i++) {
        const double center = (static_cast<double>(i) + 0.5) * scale;
        const auto low = static_cast<int64_t>(std::max(std::trunc(center - support + 0.5), 0.0));
        const auto high = static_cast<int64_t>(std::min(std::trunc(center + support + 0.5), static_cast<double>(spec.n_in)));
        const auto taps = static_cast<int>(std::max<int64_t>(high - low, 0));
        const auto from = static_cast<double>(low);
        for (int t = 0; t < taps; t++) value[t] = function((from + t - center + 0.5) * inverse);
        double total = 0;
        for (int t = 0; t < taps; t++) total += value[t];
        if (total == 0.0) total = 1.0;
        for (int t = 0; t < taps; t++) value[t] /= total;
        if (all)
            for (int t = 0; t < taps; t++) largest = std::max(largest, value[t]);
        if (i < spec.first || i >= spec.first + spec.count) continue;
        found.start.push_back(static_cast<int32_t>(low));
        found.at.push_back(found.at.back() + static_cast<size_t>(taps));
        if (all)
            value += taps;
        else
            for (int t = 0; t < taps; t++) next[t] = quantised(value[t], 1 << PRECISION_BITS);
        next += all ? 0 : taps;
    }
    found.weights.resize(found.at.back());
    if (all) {
        const int bits = torch_bits(largest);
        for (size_t t = 0; t < found.weights.size(); t++)
            found.weights[t] = quantised(values[t], 1 << bits) * (1 << (PRECISION_BITS - bits));
    }
    return found;
}

}  // namespace

bool operator==(const AxisSpec& a, const AxisSpec& b) {
    return a.n_in == b.n_in && a.n_out == b.n_out && a.first == b.first && a.count == b.count && a.extent == b.extent &&
           a.filter == b.filter && a.arithmetic == b.arithmetic;
}

Weights weights_of(const AxisSpec& spec) {
    switch (spec.filter) {
        case Filter::lanczos: return weigh(spec, 3.0, lanczos);
        case Filter::bicubic: return weigh(spec, 2.0, bicubic);
        case Filter::box: return weigh(spec, 0.5, box);
        case Filter::hamming: return weigh(spec, 1.0, hamming);
        default: return weigh(spec, 1.0, bilinear);
    }
}

std::vector<int32_t> picked_pixels(const AxisSpec& spec) {
    std::vector<int32_t> found(static_cast<size_t>(spec.count));
    if (spec.keeps()) {
        for (size_t i = 0; i < found.size(); i++) found[i] = static_cast<int32_t>(spec.first + static_cast<int64_t>(i));
        return found;
    }
    // Steps are added up in float64, from half a step on; (i + 0.5) * step may be rounded differently.
    const double step = static_cast<double>(spec.n_in) / static_cast<double>(spec.n_out);
    double position = step * 0.5;
    for (int64_t i = 0; i < spec.first; i++) position += step;
    for (int32_t& pixel : found) {
        pixel = static_cast<int32_t>(std::min(static_cast<int64_t>(position), spec.n_in - 1));
        position += step;
    }
    return found;
}

}  // namespace graphproc
