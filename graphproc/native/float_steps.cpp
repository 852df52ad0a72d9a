// Resizes floats along the width and then along the height, and small linear results at once.
#include "float_steps.h"

#include <algorithm>

#include "per_set.h"

namespace graphproc {
namespace {

// About how many elements a ring of rows has, and the strips of one channel or more; they stay in the cache.
constexpr size_t ring_elements = 1 << 17, strip_elements = 1 << 12;
// About how many elements are read and computed in one part of the work.
constexpr size_t part_elements = 1 << 19;
constexpr size_t most_parts = 16;

size_t up(size_t x, size_t multiple) { return (x + multiple - 1) / multiple * multiple; }

// Part number `index` of `parts` of 0 .. length, that start at multiples of `grain`.
FloatSteps::Range part_of(size_t length, size_t index, size_t parts, size_t grain) {
    const size_t grains = (length + grain - 1) / grain;
    return {std::min(length, grains * index / parts * grain), std::min(length, grains * (index + 1) / parts * grain)};
}

// The least and the greatest pixel that each output reads, or each `together` outputs.
std::vector<FloatSteps::Range> read_by(const FloatTaps& taps, size_t together) {
    std::vector<FloatSteps::Range> ranges;
    for (size_t output = 0; output < taps.outputs(); output += together) {
        const size_t end = std::min(output + together, taps.outputs());
        const auto found = std::minmax_element(taps.pixels.begin() + taps.first[output], taps.pixels.begin() + taps.first[end]);
        ranges.push_back({static_cast<size_t>(*found.first), static_cast<size_t>(*found.second) + 1});
    }
    return ranges;
}

size_t widest(const std::vector<FloatSteps::Range>& ranges) {
    size_t most = 0;
    for (const FloatSteps::Range& range : ranges) most = std::max(most, range.size());
    return most;
}

// Computes one plane of a small linear result, each output from its four pixels. `pixel(row, column)` reads one.
template <class Pixel>
void at_once(const FloatTaps& rows, const FloatTaps& columns, bool farther_row_first, const FloatNormalize* normalize,
             Pixel pixel, float* results) {
    // (row, column), with 0 for the farther of two, as in the taps.
    static constexpr int by_column[4][2] = {{1, 0}, {1, 1}, {0, 1}, {0, 0}}, by_row[4][2] = {{0, 1}, {0, 0}, {1, 0}, {1, 1}};
    const auto& order = farther_row_first ? by_row : by_column;
    for (size_t y = 0; y < rows.outputs(); y++)
        for (size_t x = 0; x < columns.outputs(); x++) {
            float total = 0.0f;
            for (const auto& [row, column] : order) {
                const float weight = rows.weights[2 * y + row] * columns.weights[2 * x + column];
                total = multiply_add(pixel(rows.pixels[2 * y + row], columns.pixels[2 * x + column]), weight, total);
            }
            *results++ = normalize ? (total - normalize->mean) / normalize->std : total;
        }
}

}  // namespace

// Resamples 16 rows of an image at a time along the width.
class FloatSteps::Strips {
public:
    Strips(const FloatSteps& of, size_t image, size_t first_channel, size_t channels, Range x)
        : of(of), image(image), first_channel(first_channel), channels(channels), x(x) {
        const size_t groups = x.first / strip_rows;
        for (size_t i = groups; i * strip_rows < x.last; i++) longest = std::max(longest, of.columns_read[i].size());
        longest = std::max(longest, strip_elements / (strip_rows * channels));
        plane = longest * strip_rows;
        strips.resize(channels * plane);
        if (of.job.map) bytes.resize(channels * plane);
    }

    // Resamples the rows from number `first` of those that are read.
    void across(size_t first, float* to, size_t to_plane, size_t to_row) {
        const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
        const FloatTaps& columns = of.job.columns;
        const TapsView taps{columns.pixels.data(), columns.weights.data(), columns.first.data(), columns.rounded.data()};
        const size_t end = of.columns_read[(x.last - 1) / strip_rows].last;
        Range have{0, 0};
        for (size_t output = x.first; output < x.last; output += strip_rows) {
            const Range need = of.columns_read[output / strip_rows];
            if (need.last > have.last) {
                have = {need.first, std::max(need.last, std::min(end, need.first + longest))};
                fill(first, have);
            }
            functions.across(strips.data(), plane, have.first, channels, taps, output, std::min(output + strip_rows, x.last),
                             to + output - x.first, to_plane, to_row);
        }
    }

private:
    template <class T>
    void rows(size_t first, size_t channel, const T** found) const {
        const T* data = static_cast<const T*>(of.job.images.data) + of.job.images.start(image, channel);
        for (size_t i = 0; i < strip_rows; i++)
            found[i] = data + of.read_rows[std::min(first + i, of.read_rows.size() - 1)] * of.job.images.row();
    }

    void fill(size_t first, Range pixels) {
        const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
        if (of.job.images.channels_last) {
            const uint8_t* found[strip_rows];
            rows(first, 0, found);
            functions.strips_of_pixels(found, pixels.first, pixels.last, channels, bytes.data(), plane);
        }
        for (size_t channel = 0; channel < channels; channel++) {
            float* strip = strips.data() + channel * plane;
            if (!of.job.map) {
                const float* found[strip_rows];
                rows(first, first_channel + channel, found);
                functions.strip_of_plane(found, pixels.first, pixels.last, strip);
                continue;
            }
            uint8_t* mapped = bytes.data() + channel * plane;
            if (!of.job.images.channels_last) {
                const uint8_t* found[strip_rows];
                rows(first, first_channel + channel, found);
                functions.strips_of_pixels(found, pixels.first, pixels.last, 1, mapped, plane);
            }
            of.job.map->apply(mapped, pixels.size() * strip_rows, first_channel + channel, strip);
        }
    }

    const FloatSteps& of;
    const size_t image, first_channel, channels;
    const Range x;
    size_t longest = 0, plane;
    std::vector<float> strips;
    std::vector<uint8_t> bytes;
};

FloatSteps::FloatSteps(FloatJob given) : job(std::move(given)) {
    keep_read_rows();
    rows_read = read_by(job.rows, 1);
    columns_read = read_by(job.columns, strip_rows);
    height = job.rows.outputs();
    width = job.columns.outputs();
    const FloatImages& images = job.images;
    together = images.channels_last ? images.channels : std::min(images.channels, size_t{3});
    ring_rows = up(widest(rows_read) + strip_rows - 1, strip_rows);
    const size_t wide = std::max(ring_elements / (ring_rows * together), row_padding);
    across_parts = (width + wide - 1) / wide;
    groups = (images.channels + together - 1) / together;
    const size_t work = read_rows.size() * images.width * together + height * width * together;
    const size_t worth = read_rows.size() / (4 * (widest(rows_read) + strip_rows));
    down_parts = std::max(std::min({work / part_elements, worth, height, most_parts}), size_t{1});
}

void FloatSteps::part(size_t index) const {
    const Range y = part_of(height, index % down_parts, down_parts, 1);
    index /= down_parts;
    const Range x = part_of(width, index % across_parts, across_parts, strip_rows);
    index /= across_parts;
    const size_t channel = index % groups * together, image = index / groups;
    if (y.size() && x.size()) resize(image, channel, std::min(together, job.images.channels - channel), y, x);
}

// Numbers the rows that are read at all from 0 on.
void FloatSteps::keep_read_rows() {
    read_rows.assign(job.rows.pixels.begin(), job.rows.pixels.end());
    std::sort(read_rows.begin(), read_rows.end());
    read_rows.erase(std::unique(read_rows.begin(), read_rows.end()), read_rows.end());
    std::vector<int32_t> numbers(job.images.height);
    for (size_t i = 0; i < read_rows.size(); i++) numbers[read_rows[i]] = static_cast<int32_t>(i);
    for (int32_t& pixel : job.rows.pixels) pixel = numbers[pixel];
}

void FloatSteps::resize(size_t image, size_t first_channel, size_t channels, Range y, Range x) const {
    const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
    const size_t row = up(x.size(), row_padding), plane = ring_rows * row;
    std::vector<float> ring(channels * plane);
    Strips strips(*this, image, first_channel, channels, x);
    const size_t start = rows_read[y.first].first;
    size_t next = start;
    std::vector<const float*> lines;
    for (size_t output = y.first; output < y.last; output++) {
        for (; next < rows_read[output].last; next += strip_rows)
            strips.across(next, ring.data() + (next - start) % ring_rows * row, plane, row);
        const size_t first = job.rows.first[output], count = job.rows.first[output + 1] - first;
        lines.resize(count);
        for (size_t channel = 0; channel < channels; channel++) {
            const size_t target = first_channel + channel;
            for (size_t tap = 0; tap < count; tap++)
                lines[tap] = ring.data() + channel * plane + (job.rows.pixels[first + tap] - start) % ring_rows * row;
            functions.down(lines.data(), &job.rows.weights[first], job.rows.rounded[output], count, x.size(),
                           job.normalize_of(target), job.result(image, target) + output * width + x.first);
        }
    }
}

void resize_at_once(const FloatJob& job, size_t image) {
    // torch computes channels together that fill a vector register of 32 bytes, and the rest one by one.
    const FloatImages& images = job.images;
    const size_t together = images.channels / 8 * 8, row = images.row(), step = images.channels_last ? images.channels : 1;
    for (size_t channel = 0; channel < images.channels; channel++) {
        const size_t start = images.start(image, channel);
        const auto compute = [&](auto pixel) {
            at_once(job.rows, job.columns, channel < together, job.normalize_of(channel), pixel, job.result(image, channel));
        };
        if (job.map) {
            const uint8_t* from = static_cast<const uint8_t*>(images.data) + start;
            const float* table = job.map->table(channel);
            compute([=](size_t y, size_t x) { return table[from[y * row + x * step]]; });
        } else {
            const float* from = static_cast<const float*>(images.data) + start;
            compute([=](size_t y, size_t x) { return from[y * row + x]; });
        }
    }
}

}  // namespace graphproc
