// The two passes of a resize, once for each instruction set.
//
// `across` takes as many rows at a time as a register has cells, and keeps row r in cell r: so weights are the same in all cells, and
// sums need not be added up in the end. Rows become cells once; each output then reads its cells, channel by channel.
#include "resize_passes.h"

#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

typedef Lanes::V V;
constexpr int TAPS = Lanes::TAPS, DIGIT = Lanes::DIGIT, BYTES = Lanes::BYTES, ROWS = BYTES / 4;
// Cells of this many pixels stay in the first cache.
constexpr int NEAR_CELLS = 512 / TAPS;

struct Order {
    alignas(16) uint8_t of[16];
};

// Cell j holds TAPS pixels of channel j % C, from pixel j / C * TAPS on; a tap has DIGIT bits.
template <int C>
constexpr Order order_of_cells() {
    Order order = {};
    for (int j = 0; j < 4; j++)
        for (int b = 0; b < 4; b++) {
            const int tap = b * 8 / DIGIT;
            const bool kept = b * 8 % DIGIT == 0 && !(C == 3 && j == 3);
            order.of[4 * j + b] = static_cast<uint8_t>(kept ? (j / C * TAPS + tap) * C + j % C : 255);
        }
    return order;
}

// Cell c holds 4 pixels of channel c.
template <int C>
constexpr Order order_of_parts() {
    Order order = {};
    for (int j = 0; j < 4; j++)
        for (int b = 0; b < 4; b++) order.of[4 * j + b] = static_cast<uint8_t>(j < C ? b * C + j : 255);
    return order;
}

constexpr Order CORNERS = {{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}};

// Adds up the sums of all digits: sum[0] + sum[1] * 2**DIGIT + ... .
template <int D>
inline V total_of(const V* sum) {
    V total = sum[D - 1];
    for (int d = D - 2; d >= 0; d--) total = Lanes::add(sum[d], Lanes::shl<DIGIT>(total));
    return total;
}

int capacity(const Axis& axis) { return axis.most_block > NEAR_CELLS ? axis.most_block : NEAR_CELLS; }

size_t across_memory(const Axis& axis, int channels) {
    return static_cast<size_t>(capacity(axis) + 4) * static_cast<size_t>(channels * BYTES) + BYTES;
}

// Writes cells first .. last - 1 of each channel: cell i of channel c at to[(i - first) * C + c].
template <int C>
void make_cells(const uint8_t* const* from, int first, int last, uint8_t* to) {
    static constexpr Order order = order_of_cells<C>();
    constexpr int KEPT = C == 3 ? 3 : 4, STEP = KEPT / C;
    const V each = Lanes::each(order.of);
    for (int i = first; i < last; i += STEP, to += KEPT * BYTES) {
        const size_t at = static_cast<size_t>(i) * TAPS * C;
        V a[4];
        for (int r = 0; r < 4; r++) a[r] = Lanes::cells(Lanes::rows(from + r, at), each);
        Lanes::transpose(a);
        for (int j = 0; j < KEPT; j++) Lanes::store(to + j * BYTES, a[j]);
    }
}

template <int C, int D>
void across_of(const uint8_t* const* from, const Axis& axis, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    const int count = static_cast<int>(axis.start.size()), most = capacity(axis);
    const V half = Lanes::splat(1 << (axis.shift - 1)), corners = Lanes::each(CORNERS.of);
    const auto cell_of = [&](int x) { return (axis.start[static_cast<size_t>(x)] - axis.low) / TAPS; };
    const auto end_of = [&](int x) {
        return static_cast<int>(axis.at[static_cast<size_t>(x) + 1] - axis.at[static_cast<size_t>(x)]) + cell_of(x);
    };
    for (int x = 0, end = 0; x < count;) {
        const int first = cell_of(x);
        int stop = x, last = first;
        // Blocks of 4 outputs that the memory has room for.
        while (stop < count) {
            const int next = stop + 4 < count ? stop + 4 : count;
            end = end_of(next - 1);
            if (end - first > most) break;
            last = end > last ? end : last;
            stop = next;
        }
        make_cells<C>(from, first, last, memory);
        for (; x < stop; x += 4) {
            V result[C][4];
            for (int k = 0; k < 4; k++) {
                const int own = x + k < count ? x + k : count - 1;
                V sum[C][D];
                for (int c = 0; c < C; c++) {
                    sum[c][0] = half;
                    for (int d = 1; d < D; d++) sum[c][d] = Lanes::zero();
                }
                const size_t at = axis.at[static_cast<size_t>(own)], behind = axis.at[static_cast<size_t>(own) + 1];
                const int32_t *weights = axis.cells.data() + at * D, *done = axis.cells.data() + behind * D;
                const uint8_t* cell = memory + static_cast<size_t>((cell_of(own) - first) * C) * BYTES;
                for (; weights != done; weights += D, cell += C * BYTES) {
                    V weight[D];
                    for (int d = 0; d < D; d++) weight[d] = Lanes::splat(weights[d]);
                    for (int c = 0; c < C; c++) {
                        const V pixels = Lanes::load(cell + c * BYTES);
                        for (int d = 0; d < D; d++) sum[c][d] = Lanes::dot(sum[c][d], pixels, weight[d]);
                    }
                }
                for (int c = 0; c < C; c++) result[c][k] = Lanes::sra(total_of<D>(sum[c]), axis.shift);
            }
            for (int c = 0; c < C; c++) {
                const V bytes = Lanes::pack(result[c][0], result[c][1], result[c][2], result[c][3]);
                Lanes::corners(Lanes::cells(bytes, corners), to, static_cast<size_t>(c) * pitch + static_cast<size_t>(x));
            }
        }
        x = stop;
    }
}

template <int C>
void across_digits(const uint8_t* const* from, const Axis& axis, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    if (axis.digits == 1) return across_of<C, 1>(from, axis, memory, to, pitch);
    if (DIGIT == 16 || axis.digits == 2) return across_of<C, 2>(from, axis, memory, to, pitch);
    if constexpr (DIGIT == 8) {
        if (axis.digits == 3) return across_of<C, 3>(from, axis, memory, to, pitch);
        across_of<C, 4>(from, axis, memory, to, pitch);
    }
}

void across(const uint8_t* const* from, const Axis& axis, int channels, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    switch (channels) {
        case 1: return across_digits<1>(from, axis, memory, to, pitch);
        case 2: return across_digits<2>(from, axis, memory, to, pitch);
        case 3: return across_digits<3>(from, axis, memory, to, pitch);
        default: return across_digits<4>(from, axis, memory, to, pitch);
    }
}

template <int D>
void down_of(const uint8_t* const* from, const int32_t* weights, const int32_t* done, int shift, size_t length, uint8_t* to) {
    const V half = Lanes::splat(1 << (shift - 1));
    for (size_t i = 0; i < length; i += BYTES) {
        V sum[4][D];
        for (int q = 0; q < 4; q++) {
            sum[q][0] = half;
            for (int d = 1; d < D; d++) sum[q][d] = Lanes::zero();
        }
        const uint8_t* const* row = from;
        for (const int32_t* w = weights; w != done; w += D, row += TAPS) {
            V pixels[4], weight[D];
            Lanes::interleave(row, i, pixels);
            for (int d = 0; d < D; d++) weight[d] = Lanes::splat(w[d]);
            for (int q = 0; q < 4; q++)
                for (int d = 0; d < D; d++) sum[q][d] = Lanes::dot(sum[q][d], pixels[q], weight[d]);
        }
        V result[4];
        for (int q = 0; q < 4; q++) result[q] = Lanes::sra(total_of<D>(sum[q]), shift);
        Lanes::store(to + i, Lanes::pack(result[0], result[1], result[2], result[3]));
    }
}

void down(const uint8_t* const* from, const Axis& axis, size_t y, size_t length, uint8_t* to) {
    const auto digits = static_cast<size_t>(axis.digits);
    const int32_t *weights = axis.cells.data() + axis.at[y] * digits, *done = axis.cells.data() + axis.at[y + 1] * digits;
    if (digits == 1) return down_of<1>(from, weights, done, axis.shift, length, to);
    if (DIGIT == 16 || digits == 2) return down_of<2>(from, weights, done, axis.shift, length, to);
    if constexpr (DIGIT == 8) {
        if (digits == 3) return down_of<3>(from, weights, done, axis.shift, length, to);
        down_of<4>(from, weights, done, axis.shift, length, to);
    }
}

// BYTES pixels at a time: 16 in a lane.
template <int C>
void part_of(const uint8_t* from, size_t count, uint8_t* to, size_t pitch) {
    static constexpr Order order = order_of_parts<C>();
    const V each = Lanes::each(order.of);
    size_t i = 0;
    for (; i + BYTES <= count; i += BYTES, from += BYTES * C) {
        const uint8_t* four[ROWS];
        for (int p = 0; p < ROWS; p++) four[p] = from + 4 * C * p;
        V a[4];
        for (int r = 0; r < 4; r++) a[r] = Lanes::cells(Lanes::rows(four + r, 0), each);
        Lanes::transpose(a);
        for (int c = 0; c < C; c++) Lanes::store(to + static_cast<size_t>(c) * pitch + i, a[c]);
    }
    for (; i < count; i++, from += C)
        for (int c = 0; c < C; c++) to[static_cast<size_t>(c) * pitch + i] = from[c];
}

void part(const uint8_t* from, size_t count, int channels, uint8_t* to, size_t pitch) {
    switch (channels) {
        case 1: std::memcpy(to, from, count); return;
        case 2: return part_of<2>(from, count, to, pitch);
        case 3: return part_of<3>(from, count, to, pitch);
        default: return part_of<4>(from, count, to, pitch);
    }
}

}  // namespace

const ResizePasses resize_passes = {{TAPS, DIGIT}, ROWS, BYTES, across_memory, across, down, part};

}  // namespace graphproc::GRAPHPROC_SET
