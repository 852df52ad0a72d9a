// The two passes of a resize, once for each instruction set.
//
// `across` takes as many rows at a time as a register has cells, and keeps row r in cell r: so weights are the same in all cells,
// and sums need not be added up in the end. Rows become cells once; each output then reads its cells, channel by channel.
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

// Cell j holds T pixels of B bytes each, of channel j % C, from pixel j / C * T on.
template <int C, int T, int B>
constexpr Order order_of_cells() {
    Order order = {};
    for (int j = 0; j < 4; j++)
        for (int b = 0; b < 4; b++)
            order.of[4 * j + b] = static_cast<uint8_t>(b % B == 0 && !(C == 3 && j == 3) ? (j / C * T + b / B) * C + j % C : 255);
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
    return static_cast<size_t>(capacity(axis) + 8) * static_cast<size_t>(channels * BYTES) + BYTES;  // BYTES for alignment
}

// Writes cells first .. last - 1 of each channel, and up to 7 more: cell i of channel c at to[(i - first) * C + c].
template <int C>
void make_cells(const uint8_t* const* from, int first, int last, uint8_t* to) {
    static constexpr Order order = order_of_cells<C, TAPS, DIGIT / 8>();
    constexpr int KEPT = C == 3 ? 3 : 4, STEP = KEPT / C;
    const V each = Lanes::each(order.of);
    for (int i = first; i < last; i += STEP, to += KEPT * BYTES) {
        V a[4];
        for (int r = 0; r < 4; r++) a[r] = Lanes::cells(Lanes::rows(from + r, static_cast<size_t>(i) * TAPS * C), each);
        Lanes::transpose(a);
        for (int j = 0; j < KEPT; j++) Lanes::store(to + j * BYTES, a[j]);
    }
}

// The same for wide axes: cells of 4 bytes come apart into two.
template <int C, class L>
void make_wide_cells(const uint8_t* const* from, int first, int last, uint8_t* to) {
    static constexpr Order order = order_of_cells<C, 4, 1>();
    constexpr int KEPT = C == 3 ? 3 : 4, STEP = 2 * KEPT / C;
    const V each = Lanes::each(order.of);
    for (int i = first; i < last; i += STEP, to += 2 * KEPT * BYTES) {
        V a[4];
        for (int r = 0; r < 4; r++) a[r] = Lanes::cells(Lanes::rows(from + r, static_cast<size_t>(i) * 2 * C), each);
        Lanes::transpose(a);
        for (int j = 0; j < KEPT; j++) {
            uint8_t* pair = to + (j / C * 2 * C + j % C) * BYTES;
            L::store(pair, L::even(a[j]));
            L::store(pair + C * BYTES, L::odd(a[j]));
        }
    }
}

// Adds up all cells of an output; result[4 * c] is that of channel c. N: their number, if it is known.
template <int C, int D, int N>
inline void add_up(const uint8_t* cell, const int32_t* weights, int length, V half, int shift, V* result) {
    V sum[C][D];
    for (int c = 0; c < C; c++) {
        sum[c][0] = half;
        for (int d = 1; d < D; d++) sum[c][d] = Lanes::zero();
    }
    for (int n = 0; n < (N ? N : length); n++, weights += D, cell += C * BYTES) {
        V weight[D];
        for (int d = 0; d < D; d++) weight[d] = Lanes::splat(weights[d]);
        for (int c = 0; c < C; c++) {
            const V pixels = Lanes::load(cell + c * BYTES);
            for (int d = 0; d < D; d++) sum[c][d] = Lanes::dot(sum[c][d], pixels, weight[d]);
        }
    }
    for (int c = 0; c < C; c++) result[4 * c] = Lanes::sra(total_of<D>(sum[c]), shift);
}

template <int C, int D, int N>
void across_of(const uint8_t* const* from, const Axis& axis, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    const int count = static_cast<int>(axis.cell.size()), most = capacity(axis), length = axis.length, shift = axis.shift;
    const int all = (axis.high - axis.low + TAPS - 1) / TAPS;  // cells behind them have no weight
    const V half = Lanes::splat(1 << (shift - 1)), corners = Lanes::each(CORNERS.of);
    const int32_t *cells = axis.cell.data(), *weights = axis.cells.data();
    memory += BYTES - reinterpret_cast<uintptr_t>(memory) % BYTES;
    for (int x = 0; x < count;) {
        const int first = cells[x];
        int stop = x;
        // Blocks of 16 outputs that the memory has room for.
        while (stop < count) {
            const int next = stop + 16 < count ? stop + 16 : count;
            if (cells[next - 1] + length - first > most) break;
            stop = next;
        }
        const int end = cells[stop - 1] + length, last = end < all ? end : all;
        if constexpr (TAPS == 2)
            axis.wide ? make_wide_cells<C, Lanes>(from, first, last, memory) : make_cells<C>(from, first, last, memory);
        else
            make_cells<C>(from, first, last, memory);
        for (; x < stop; x += 16) {
            V bytes[C][4];
            const int blocks = stop - x < 16 ? (stop - x) / 4 : 4;
            for (int b = 0; b < 4; b++) {
                if (b >= blocks) {
                    for (int c = 0; c < C; c++) bytes[c][b] = Lanes::zero();
                    continue;
                }
                V result[C][4];
                for (int k = 0; k < 4; k++) {
                    const size_t own = static_cast<size_t>(x + 4 * b + k);
                    add_up<C, D, N>(memory + static_cast<size_t>((cells[own] - first) * C) * BYTES,
                                    weights + own * static_cast<size_t>(length) * D, length, half, shift, &result[0][k]);
                }
                for (int c = 0; c < C; c++)
                    bytes[c][b] = Lanes::cells(Lanes::pack(result[c][0], result[c][1], result[c][2], result[c][3]), corners);
            }
            for (int c = 0; c < C; c++) {
                Lanes::transpose(bytes[c]);
                const size_t at = static_cast<size_t>(c) * pitch + static_cast<size_t>(x);
                for (int r = 0; r < 4; r++) Lanes::to_rows(bytes[c][r], to + r, at);
            }
        }
        x = stop;
    }
}

template <int C, int D>
void across_lengths(const uint8_t* const* from, const Axis& axis, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    if (C == 3 && axis.length == 2) return across_of<C, D, C == 3 ? 2 : 0>(from, axis, memory, to, pitch);
    if (C == 3 && axis.length == 3) return across_of<C, D, C == 3 ? 3 : 0>(from, axis, memory, to, pitch);
    across_of<C, D, 0>(from, axis, memory, to, pitch);
}

template <int C>
void across_digits(const uint8_t* const* from, const Axis& axis, uint8_t* memory, uint8_t* const* to, size_t pitch) {
    if (axis.digits == 1) return across_lengths<C, 1>(from, axis, memory, to, pitch);
    if (DIGIT == 16 || axis.digits == 2) return across_lengths<C, 2>(from, axis, memory, to, pitch);
    if constexpr (DIGIT == 8) {
        if (axis.digits == 3) return across_lengths<C, 3>(from, axis, memory, to, pitch);
        across_lengths<C, 4>(from, axis, memory, to, pitch);
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

// Computes b + (((a - b) * weight + 2**21) >> 22) in 16 bits. weight = high * 2**16 + low, and 2**-16 of a product, rounded down,
// is (a - b) * high + ((a - b) * low >> 16): no bits of the first product are below 2**16. `high` is at most 64.
void down_blend(const uint8_t* a, const uint8_t* b, int32_t weight, size_t length, uint8_t* to) {
    const auto low = static_cast<int16_t>(weight & 0xffff);
    const V lows = Lanes::splat_halves(low), highs = Lanes::splat_halves(static_cast<int16_t>((weight - low) >> 16));
    const V half = Lanes::splat_halves(32);
    const auto blend = [&](V x, V y) {
        const V d = Lanes::sub_halves(x, y);
        const V product = Lanes::add_halves(Lanes::mul_halves(d, highs), Lanes::mul_high_halves(d, lows));
        return Lanes::add_halves(y, Lanes::sra_halves<6>(Lanes::add_halves(product, half)));
    };
    for (size_t i = 0; i < length; i += BYTES) {
        const V x = Lanes::load(a + i), y = Lanes::load(b + i);
        const V first = blend(Lanes::low_halves(x), Lanes::low_halves(y));
        const V second = blend(Lanes::high_halves(x), Lanes::high_halves(y));
        Lanes::store(to + i, Lanes::pack_halves(first, second));
    }
}

void down(const uint8_t* const* from, const Axis& axis, size_t y, size_t length, uint8_t* to) {
    if (axis.blend[y] >= 0) return down_blend(from[0], from[1], axis.blend[y], length, to);
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
