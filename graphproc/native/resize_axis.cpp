// Packs the weights of an axis into cells, and remembers the last axes.
#include "resize_axis.h"

#include <algorithm>
#include <list>
#include <mutex>

namespace graphproc {
namespace {

constexpr int SHIFT = 22;

// Returns how many signed digits of `bits` bits hold all weights.
int digits_for(const std::vector<int32_t>& weights, int zeros, int bits) {
    int64_t least = 0, most = 0;
    for (int32_t weight : weights) {
        least = std::min<int64_t>(least, weight >> zeros);
        most = std::max<int64_t>(most, weight >> zeros);
    }
    int64_t low = 0, high = 0, unit = 1;  // what the digits so far hold
    for (int digits = 1;; digits++, unit <<= bits) {
        low -= unit << (bits - 1);
        high += unit * ((1 << (bits - 1)) - 1);
        if (digits * bits >= 32 || (low <= least && most <= high)) return digits;
    }
}

Axis pack(const AxisSpec& spec, CellForm form, bool aligned) {
    Axis axis{spec, spec.picks(), 0, 0, SHIFT, 1, {}, {}, {}, {}, 1, 1};
    const auto count = static_cast<size_t>(spec.count);
    if (axis.picks) {
        axis.start = picked_pixels(spec);
        axis.low = axis.start.front();
        axis.high = axis.start.back() + 1;
        for (int32_t pixel : axis.start) axis.last.push_back(pixel + 1);
        return axis;
    }
    const Weights weights = weights_of(spec);
    axis.start = weights.start;
    axis.low = *std::min_element(axis.start.begin(), axis.start.end());
    for (size_t i = 0; i < count; i++) {
        axis.last.push_back(axis.start[i] + static_cast<int32_t>(weights.at[i + 1] - weights.at[i]));
        axis.high = std::max(axis.high, axis.last[i]);
    }
    uint32_t any = 1u << (SHIFT - 1);
    for (int32_t weight : weights.weights) any |= static_cast<uint32_t>(weight);
    int zeros = 0;
    while (!(any >> zeros & 1)) zeros++;
    axis.shift = SHIFT - zeros;
    axis.digits = digits_for(weights.weights, zeros, form.digit);
    axis.at.push_back(0);
    for (size_t i = 0; i < count; i++) {
        if (aligned) axis.start[i] -= (axis.start[i] - axis.low) % form.taps;
        const auto cells = static_cast<size_t>((axis.last[i] - axis.start[i] + form.taps - 1) / form.taps);
        axis.at.push_back(axis.at.back() + cells);
        axis.most_taps = std::max(axis.most_taps, axis.last[i] - axis.start[i]);
        axis.most_block = std::max(axis.most_block, (axis.last[i] - axis.start[i / 4 * 4]) / form.taps + 1);
    }
    axis.cells.assign(axis.at.back() * static_cast<size_t>(axis.digits), 0);
    const uint32_t mask = (1u << form.digit) - 1;
    for (size_t i = 0; i < count; i++) {
        const int32_t before = weights.start[i] - axis.start[i];
        for (size_t t = weights.at[i]; t < weights.at[i + 1]; t++) {
            const auto place = static_cast<size_t>(before) + t - weights.at[i];
            int32_t* cell = &axis.cells[(axis.at[i] + place / static_cast<size_t>(form.taps)) * static_cast<size_t>(axis.digits)];
            const auto position = static_cast<int>(place % static_cast<size_t>(form.taps)) * form.digit;
            uint32_t rest = static_cast<uint32_t>(weights.weights[t] >> zeros);
            for (int d = 0; d < axis.digits; d++) {
                const uint32_t digit = rest & mask;
                cell[d] = static_cast<int32_t>(static_cast<uint32_t>(cell[d]) | digit << position);
                // A digit with its highest bit set is negative: the next one makes up for it.
                rest = static_cast<uint32_t>(static_cast<int32_t>(rest) >> form.digit) + (digit >> (form.digit - 1));
            }
        }
    }
    return axis;
}

// The last axes, the newest first.
struct Remembered {
    CellForm form;
    bool aligned;
    std::shared_ptr<const Axis> axis;
};
constexpr size_t MOST_REMEMBERED = 32, LARGEST_REMEMBERED = 1 << 17;

}  // namespace

std::shared_ptr<const Axis> resize_axis(const AxisSpec& spec, CellForm form, bool aligned) {
    static std::mutex lock;
    static std::list<Remembered> all;
    {
        const std::lock_guard<std::mutex> held(lock);
        for (auto one = all.begin(); one != all.end(); ++one) {
            if (!(one->axis->spec == spec) || one->form.taps != form.taps || one->aligned != aligned) continue;
            all.splice(all.begin(), all, one);
            return one->axis;
        }
    }
    auto axis = std::make_shared<const Axis>(pack(spec, form, aligned));
    if (axis->cells.size() + axis->start.size() > LARGEST_REMEMBERED) return axis;
    const std::lock_guard<std::mutex> held(lock);
    all.push_front({form, aligned, axis});
    if (all.size() > MOST_REMEMBERED) all.pop_back();
    return axis;
}

}  // namespace graphproc
