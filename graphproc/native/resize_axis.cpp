// Packs the weights of an axis into cells, and remembers the last axes.
#include "resize_axis.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <thread>

namespace graphproc {
namespace {

constexpr int SHIFT = 22;
// From this many taps on, cells of 4 taps cost less to make than those that they have too many cost to add up.
constexpr int WIDE = 12;

// Returns how many signed digits of `bits` bits hold all numbers from `least` to `most`.
int digits_for(int64_t least, int64_t most, int bits) {
    int64_t low = 0, high = 0, unit = 1;  // what the digits so far hold
    for (int digits = 1;; digits++, unit <<= bits) {
        low -= unit << (bits - 1);
        high += unit * ((1 << (bits - 1)) - 1);
        if (digits * bits >= 32 || (low <= least && most <= high)) return digits;
    }
}

// Returns the first of two weights that add up to 1 and are not negative, else -1. A single weight is one of two equal pixels.
int32_t blend_of(const Weights& weights, size_t output) {
    const size_t taps = weights.at[output + 1] - weights.at[output];
    if (taps != 1 && taps != 2) return -1;
    const int32_t* own = &weights.weights[weights.at[output]];
    const bool whole = own[0] >= 0 && own[0] <= 1 << SHIFT && own[0] + (taps == 2 ? own[1] : 0) == 1 << SHIFT;
    return whole ? own[0] : -1;
}

Axis pack(const AxisSpec& spec, CellForm form, bool aligned) {
    Axis axis{spec, spec.picks(), 0, 0, SHIFT, 1, {}, {}, {}, {}, 1, {}, false, {}, 1, 1};
    const auto count = static_cast<size_t>(spec.count);
    if (axis.picks) {
        axis.start = picked_pixels(spec);
        axis.low = axis.start.front();
        axis.high = axis.start.back() + 1;
        for (int32_t pixel : axis.start) axis.last.push_back(pixel + 1);
        return axis;
    }
    const Weights weights = weights_of(spec);
    axis.last.reserve(count);
    axis.blend.reserve(aligned ? 0 : count);
    axis.start = weights.start;
    axis.low = *std::min_element(axis.start.begin(), axis.start.end());
    for (size_t i = 0; i < count; i++) {
        axis.last.push_back(axis.start[i] + static_cast<int32_t>(weights.at[i + 1] - weights.at[i]));
        axis.high = std::max(axis.high, axis.last[i]);
    }
    int32_t any = 1 << (SHIFT - 1), least = 0, most = 0;
    for (int32_t weight : weights.weights) {
        any |= weight;
        least = std::min(least, weight);
        most = std::max(most, weight);
    }
    int zeros = 0;
    while (!(any >> zeros & 1)) zeros++;
    axis.shift = SHIFT - zeros;
    axis.digits = digits_for(least >> zeros, most >> zeros, form.digit);
    for (size_t i = 0; i < count && !aligned; i++) axis.blend.push_back(blend_of(weights, i));
    for (size_t i = 0; i < count; i++) axis.most_taps = std::max(axis.most_taps, axis.last[i] - axis.start[i]);
    axis.wide = aligned && form.taps == 2 && axis.most_taps >= WIDE;
    int of_taps = 0;  // the logarithm of `taps`; shifts are much faster than divisions
    while (1 << of_taps < form.taps) of_taps++;
    const int32_t step = axis.wide ? 4 : form.taps;
    std::vector<int32_t> lengths(count);
    for (size_t i = 0; i < count; i++) {
        if (aligned) axis.start[i] -= (axis.start[i] - axis.low) & (step - 1);
        lengths[i] = ((axis.last[i] - axis.start[i] + step - 1) & -step) >> of_taps;
    }
    if (aligned) {
        axis.length = *std::max_element(lengths.begin(), lengths.end());
        lengths.assign((count + 3) / 4 * 4, axis.length);
        axis.cell.resize(lengths.size());
        for (size_t i = 0; i < lengths.size(); i++) {
            axis.cell[i] = (axis.start[std::min(i, count - 1)] - axis.low) >> of_taps;
            axis.most_block = std::max(axis.most_block, axis.cell[i] - axis.cell[i / 16 * 16] + axis.length);
        }
    }
    axis.at.reserve(lengths.size() + 1);
    axis.at.push_back(0);
    for (int32_t length : lengths) axis.at.push_back(axis.at.back() + static_cast<size_t>(length));
    const auto digits = static_cast<size_t>(axis.digits);
    axis.cells.assign(axis.at.back() * digits, 0);
    const int32_t mask = (1 << form.digit) - 1, within = form.taps - 1;
    for (size_t i = 0; i < lengths.size(); i++) {
        const size_t own = std::min(i, count - 1);
        const int32_t* weight = weights.weights.data() + weights.at[own];
        int32_t* cells = axis.cells.data() + axis.at[i] * digits;
        const int32_t before = weights.start[own] - axis.start[own], end = axis.last[own] - axis.start[own];
        for (int32_t tap = before; tap < end; tap++) {
            const int32_t place = axis.wide ? tap >> 2 << 1 | (tap & 1) : tap >> of_taps;
            const int32_t position = (axis.wide ? tap >> 1 & 1 : tap & within) * form.digit;
            int32_t rest = *weight++ >> zeros;
            for (size_t d = 0; d < digits; d++) {
                const int32_t digit = rest & mask;
                cells[static_cast<size_t>(place) * digits + d] |= static_cast<int32_t>(static_cast<uint32_t>(digit) << position);
                // A digit with its highest bit set is negative: the next one makes up for it.
                rest = (rest >> form.digit) + (digit >> (form.digit - 1));
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

// Takes a lock, or gives up soon: in a forked process it stays taken for ever if another thread held it when the process forked.
std::unique_lock<std::mutex> taken(std::mutex& lock) {
    std::unique_lock<std::mutex> held(lock, std::try_to_lock);
    for (int tries = 0; tries < 100 && !held.owns_lock(); tries++) {
        std::this_thread::yield();
        held.try_lock();
    }
    return held;
}

}  // namespace

std::shared_ptr<const Axis> resize_axis(const AxisSpec& spec, CellForm form, bool aligned) {
    static std::mutex lock;
    static std::list<Remembered> all;
    if (const auto held = taken(lock); held.owns_lock())
        for (auto one = all.begin(); one != all.end(); ++one) {
            if (!(one->axis->spec == spec) || one->form.taps != form.taps || one->aligned != aligned) continue;
            all.splice(all.begin(), all, one);
            return one->axis;
        }
    auto axis = std::make_shared<const Axis>(pack(spec, form, aligned));
    if (axis->cells.size() + axis->start.size() > LARGEST_REMEMBERED) return axis;
    if (const auto held = taken(lock); held.owns_lock()) {
        all.push_front({form, aligned, axis});
        if (all.size() > MOST_REMEMBERED) all.pop_back();
    }
    return axis;
}

}  // namespace graphproc
