// The sums of a resize of floats. Rows lie in the lanes of vectors along the width, columns along the height.
#include "float_rows.h"

#include <cstring>

#include "float_lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

static_assert(block == strip_rows, "a strip is as high as a block");

void strips_of_pixels(const uint8_t* const* rows, size_t first, size_t last, size_t channels, uint8_t* strips, size_t plane) {
    const size_t end = last * channels;
    size_t channel = 0;
    uint8_t* to = strips;
    for (size_t element = first * channels; element < end; element += block) {
        Bytes x[block];
        const size_t count = end - element < block ? end - element : block;
        if (count == block) {
            for (size_t row = 0; row < block; row++) x[row] = load_bytes(rows[row] + element);
        } else {
            uint8_t rest[block] = {};
            for (size_t row = 0; row < block; row++) {
                memcpy(rest, rows[row] + element, count);
                x[row] = load_bytes(rest);
            }
        }
        transpose_bytes(x);
        for (size_t i = 0; i < count; i++) {
            store_bytes(to + channel * plane, x[i]);
            if (++channel == channels) channel = 0, to += block;
        }
    }
}

void strip_of_plane(const float* const* rows, size_t first, size_t last, float* strip) {
    size_t pixel = first;
    for (; pixel + block <= last; pixel += block, strip += block * block) transpose(rows, pixel, strip, block);
    for (; pixel < last; pixel++, strip += block)
        for (size_t row = 0; row < block; row++) strip[row] = rows[row][pixel];
}

// Sums the taps of one output for CHANNELS channels of 16 rows. Channel `c` goes to tile[c * 16 * 16].
template <size_t CHANNELS>
void sums(const float* strips, size_t plane, size_t base, const TapsView& taps, size_t output, float* tile) {
    constexpr size_t registers = lanes < block ? 2 : 1;
    const size_t begin = taps.first[output], rounded = begin + taps.rounded[output], end = taps.first[output + 1];
    for (size_t row = 0; row < block; row += registers * lanes) {
        Lanes total[CHANNELS][registers];
        const auto each = [&](size_t tap, auto operate) {
            const float* at = strips + (taps.pixels[tap] - base) * block + row;
            for (size_t c = 0; c < CHANNELS; c++)
                for (size_t i = 0; i < registers; i++) total[c][i] = operate(total[c][i], load(at + c * plane + i * lanes));
        };
        Lanes weight = all(taps.weights[begin]);
        each(begin, [&](Lanes, Lanes x) { return x * weight; });
        for (size_t tap = begin + 1; tap < rounded; tap++) {
            weight = all(taps.weights[tap]);
            each(tap, [&](Lanes total, Lanes x) { return total + x * weight; });
        }
        for (size_t tap = rounded; tap < end; tap++) {
            const Doubles exact = all_double(taps.weights[tap]);
            each(tap, [&](Lanes total, Lanes x) { return plus_unrounded(total, x, exact); });
        }
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t i = 0; i < registers; i++) store(tile + c * block * block + row + i * lanes, total[c][i]);
    }
}

template <size_t CHANNELS>
void across_channels(const float* strips, size_t strip_plane, size_t base, const TapsView& taps, size_t begin, size_t end,
                     float* results, size_t plane, size_t row) {
    float tile[CHANNELS * block * block] = {};
    for (size_t output = begin; output < end; output++)
        sums<CHANNELS>(strips, strip_plane, base, taps, output, tile + (output - begin) * block);
    for (size_t c = 0; c < CHANNELS; c++) {
        const float* columns[block];
        for (size_t i = 0; i < block; i++) columns[i] = tile + (c * block + i) * block;
        transpose(columns, 0, results + c * plane, row);
    }
}

void across(const float* strips, size_t strip_plane, size_t base, size_t channels, const TapsView& taps, size_t begin, size_t end,
            float* results, size_t plane, size_t row) {
    for (size_t c = 0, count; c < channels; c += count) {
        count = channels - c < 3 ? channels - c : 3;
        const auto some = count == 3 ? across_channels<3> : count == 2 ? across_channels<2> : across_channels<1>;
        some(strips + c * strip_plane, strip_plane, base, taps, begin, end, results + c * plane, plane, row);
    }
}

void down(const float* const* rows, const float* weights, size_t rounded, size_t count, size_t columns,
          const FloatNormalize* normalize, float* results) {
    constexpr size_t registers = 4, width = registers * lanes;
    static_assert(row_padding % width == 0, "rows are as long as all that is read");
    for (size_t column = 0; column < columns; column += width) {
        Lanes total[registers];
        const auto each = [&](size_t tap, auto operate) {
            for (size_t i = 0; i < registers; i++) total[i] = operate(total[i], load(rows[tap] + column + i * lanes));
        };
        Lanes weight = all(weights[0]);
        each(0, [&](Lanes, Lanes x) { return x * weight; });
        for (size_t tap = 1; tap < rounded; tap++) {
            weight = all(weights[tap]);
            each(tap, [&](Lanes total, Lanes x) { return total + x * weight; });
        }
        for (size_t tap = rounded; tap < count; tap++) {
            const Doubles exact = all_double(weights[tap]);
            each(tap, [&](Lanes total, Lanes x) { return plus_unrounded(total, x, exact); });
        }
        if (normalize)
            for (size_t i = 0; i < registers; i++) total[i] = (total[i] - all(normalize->mean)) / all(normalize->std);
        if (columns - column >= width) {
            for (size_t i = 0; i < registers; i++) store(results + column + i * lanes, total[i]);
        } else {
            float rest[width];
            for (size_t i = 0; i < registers; i++) store(rest + i * lanes, total[i]);
            memcpy(results + column, rest, (columns - column) * sizeof(float));
        }
    }
}

}  // namespace

const FloatRowFunctions float_row_functions = {strips_of_pixels, strip_of_plane, across, down};

}  // namespace graphproc::GRAPHPROC_SET
