// Kernels ResizeFloats and ResizeMappedFloats: torch's interpolation of floats, graphproc/ops/resample/torch_floats.py.
//
// Rows are resampled first, 16 of them at a time, into a ring of rows that holds what the next row of results needs.
#include <algorithm>
#include <memory>

#include "../byte_map.h"
#include "../float_rows.h"
#include "../float_taps.h"
#include "../kernel.h"
#include "../per_set.h"

namespace graphproc {
namespace {

constexpr int64_t most_side = (int64_t{1} << 24) - 1;  // float32 holds every place below
constexpr size_t most_elements = size_t{1} << 48;
// The largest sum of height and width of a linear result that torch computes at once.
constexpr size_t at_once_sides = 128;
// About how many elements a ring of rows has, and the strips of one channel or more; they stay in the cache.
constexpr size_t ring_elements = 1 << 17, strip_elements = 1 << 12;
// About how many elements are read and computed in one part of the work.
constexpr size_t part_elements = 1 << 19;
constexpr size_t most_parts = 16;

size_t up(size_t x, size_t multiple) { return (x + multiple - 1) / multiple * multiple; }

// The image or images of one call.
struct Images {
    size_t count, channels, height, width;
    bool channels_last;
    const void* data;

    // The elements from one row to the next.
    size_t row() const { return channels_last ? width * channels : width; }
    // The first row of an image, or of one of its planes.
    size_t start(size_t image, size_t channel) const {
        return (image * channels + (channels_last ? 0 : channel)) * height * width;
    }
};

struct Range {
    size_t first, last;  // without the last
    size_t size() const { return last - first; }
    // Part number `index` of `parts`, that start at multiples of `grain`.
    Range part(size_t index, size_t parts, size_t grain) const {
        const size_t grains = (size() + grain - 1) / grain;
        return {std::min(last, first + grains * index / parts * grain), std::min(last, first + grains * (index + 1) / parts * grain)};
    }
};

// The least and the greatest pixel that each output reads, or each `together` outputs.
std::vector<Range> read_by(const FloatTaps& taps, size_t together) {
    std::vector<Range> ranges;
    for (size_t output = 0; output < taps.outputs(); output += together) {
        const size_t end = std::min(output + together, taps.outputs());
        const auto found = std::minmax_element(taps.pixels.begin() + taps.first[output], taps.pixels.begin() + taps.first[end]);
        ranges.push_back({static_cast<size_t>(*found.first), static_cast<size_t>(*found.second) + 1});
    }
    return ranges;
}

size_t widest(const std::vector<Range>& ranges) {
    size_t most = 0;
    for (const Range& range : ranges) most = std::max(most, range.size());
    return most;
}

// Resizes images that are not computed at once.
class TwoSteps {
public:
    TwoSteps(const Images& images, const ByteMap* map, FloatTaps rows, FloatTaps columns, const std::vector<FloatNormalize>& normalize,
             float* results)
        : images(images), map(map), rows(std::move(rows)), columns(std::move(columns)), normalize(normalize), results(results) {
        keep_read_rows();
        rows_read = read_by(this->rows, 1);
        columns_read = read_by(this->columns, strip_rows);
        height = this->rows.outputs();
        width = this->columns.outputs();
        together = images.channels_last ? images.channels : std::min(images.channels, size_t{3});
        ring_rows = up(widest(rows_read) + strip_rows - 1, strip_rows);
        const size_t wide = std::max(ring_elements / (ring_rows * together), row_padding);
        across_parts = (width + wide - 1) / wide;
        groups = (images.channels + together - 1) / together;
        const size_t work = read_rows.size() * images.width * together + height * width * together;
        const size_t worth = read_rows.size() / (4 * (widest(rows_read) + strip_rows));
        down_parts = std::max(std::min({work / part_elements, worth, height, most_parts}), size_t{1});
    }

    size_t parts() const { return images.count * groups * across_parts * down_parts; }

    void part(size_t index) const {
        const Range y = Range{0, height}.part(index % down_parts, down_parts, 1);
        index /= down_parts;
        const Range x = Range{0, width}.part(index % across_parts, across_parts, strip_rows);
        index /= across_parts;
        const size_t channel = index % groups * together, image = index / groups;
        if (y.size() && x.size()) resize(image, channel, std::min(together, images.channels - channel), y, x);
    }

private:
    // Numbers the rows that are read at all from 0 on.
    void keep_read_rows() {
        read_rows.assign(rows.pixels.begin(), rows.pixels.end());
        std::sort(read_rows.begin(), read_rows.end());
        read_rows.erase(std::unique(read_rows.begin(), read_rows.end()), read_rows.end());
        std::vector<int32_t> numbers(images.height);
        for (size_t i = 0; i < read_rows.size(); i++) numbers[read_rows[i]] = static_cast<int32_t>(i);
        for (int32_t& pixel : rows.pixels) pixel = numbers[pixel];
    }

    void resize(size_t image, size_t first_channel, size_t channels, Range y, Range x) const {
        const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
        const size_t row = up(x.size(), row_padding), plane = ring_rows * row;
        std::vector<float> ring(channels * plane);
        const Strips strips(*this, image, first_channel, channels, x);
        const size_t start = rows_read[y.first].first;
        size_t next = start;
        std::vector<const float*> lines;
        for (size_t output = y.first; output < y.last; output++) {
            for (; next < rows_read[output].last; next += strip_rows)
                strips.across(next, ring.data() + (next - start) % ring_rows * row, plane, row);
            const size_t first = rows.first[output], count = rows.first[output + 1] - first;
            lines.resize(count);
            for (size_t channel = 0; channel < channels; channel++) {
                const size_t target = first_channel + channel;
                for (size_t tap = 0; tap < count; tap++)
                    lines[tap] = ring.data() + channel * plane + (rows.pixels[first + tap] - start) % ring_rows * row;
                functions.down(lines.data(), &rows.weights[first], rows.rounded[output], count, x.size(),
                               normalize.empty() ? nullptr : &normalize[target % normalize.size()],
                               results + ((image * images.channels + target) * height + output) * width + x.first);
            }
        }
    }

    // Resamples 16 rows of an image at a time along the width.
    class Strips {
    public:
        Strips(const TwoSteps& of, size_t image, size_t first_channel, size_t channels, Range x)
            : of(of), image(image), first_channel(first_channel), channels(channels), x(x) {
            const size_t groups = x.first / strip_rows;
            for (size_t i = groups; i * strip_rows < x.last; i++) longest = std::max(longest, of.columns_read[i].size());
            longest = std::max(longest, strip_elements / (strip_rows * channels));
            plane = longest * strip_rows;
            strips.resize(channels * plane);
            if (of.map) bytes.resize(channels * plane);
        }

        // Resamples the rows from number `first` of those that are read.
        void across(size_t first, float* to, size_t to_plane, size_t to_row) const {
            const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
            const TapsView taps{of.columns.pixels.data(), of.columns.weights.data(), of.columns.first.data(), of.columns.rounded.data()};
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
            const T* data = static_cast<const T*>(of.images.data) + of.images.start(image, channel);
            for (size_t i = 0; i < strip_rows; i++)
                found[i] = data + of.read_rows[std::min(first + i, of.read_rows.size() - 1)] * of.images.row();
        }

        void fill(size_t first, Range pixels) const {
            const FloatRowFunctions& functions = GRAPHPROC_OF_SET(float_row_functions);
            if (of.images.channels_last) {
                const uint8_t* found[strip_rows];
                rows(first, 0, found);
                functions.strips_of_pixels(found, pixels.first, pixels.last, channels, bytes.data(), plane);
            }
            for (size_t channel = 0; channel < channels; channel++) {
                float* strip = strips.data() + channel * plane;
                if (!of.map) {
                    const float* found[strip_rows];
                    rows(first, first_channel + channel, found);
                    functions.strip_of_plane(found, pixels.first, pixels.last, strip);
                    continue;
                }
                uint8_t* mapped = bytes.data() + channel * plane;
                if (!of.images.channels_last) {
                    const uint8_t* found[strip_rows];
                    rows(first, first_channel + channel, found);
                    functions.strips_of_pixels(found, pixels.first, pixels.last, 1, mapped, plane);
                }
                of.map->apply(mapped, pixels.size() * strip_rows, first_channel + channel, strip);
            }
        }

        const TwoSteps& of;
        const size_t image, first_channel, channels;
        const Range x;
        size_t longest = 0, plane;
        mutable std::vector<float> strips;
        mutable std::vector<uint8_t> bytes;
    };

    const Images images;
    const ByteMap* map;
    FloatTaps rows, columns;
    const std::vector<FloatNormalize>& normalize;
    float* results;
    std::vector<int32_t> read_rows;
    std::vector<Range> rows_read, columns_read;
    size_t height, width, together, ring_rows, across_parts, down_parts, groups;
};

// Computes one plane of a small linear result, each output from its four pixels. `pixel(row, column)` reads one.
template <class Pixel>
void at_once(const FloatTaps& rows, const FloatTaps& columns, bool farther_row_first, const FloatNormalize* normalize, Pixel pixel,
             float* results) {
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

// Inputs: x, and int64 [2], the height and width of results. Attributes: `filter`, `antialias` (0 or 1), `arithmetic`, `layout`
// (CHW; for bytes also HWC); `mean` and `std`, as many floats or none; for bytes those of ByteMap.
class ResizeFloats : public Kernel {
public:
    ResizeFloats(const char* name, const Attributes& attributes, bool of_bytes)
        : name(name), filter(float_filter(attributes.text("filter"), attributes.number("antialias") != 0, attributes.text("arithmetic"))) {
        const std::string layout = attributes.text("layout");
        channels_last = of_bytes && layout == "HWC";
        if (layout != "CHW" && !channels_last) refuse("layout: expected CHW" + std::string(of_bytes ? " or HWC" : "") + ", found " + layout);
        if (of_bytes) map = std::make_unique<ByteMap>(attributes, name);
        const std::vector<float> mean = attributes.floats("mean"), std = attributes.floats("std");
        if (mean.size() != std.size())
            refuse("mean and std: expected as many of both, found " + std::to_string(mean.size()) + " and " + std::to_string(std.size()));
        for (size_t i = 0; i < mean.size(); i++) normalize.push_back({mean[i], std[i]});
    }

    void run(Call& call) const override {
        const Tensor x = call.input(0), sizes = call.input(1);
        if (x.rank() < 3) refuse("expected an image of rank 3 or more, found rank " + std::to_string(x.rank()));
        if (sizes.rank() != 1 || sizes.count() != 2) refuse("expected a height and a width, found other sizes");
        const int64_t height = sizes.as<int64_t>()[0], width = sizes.as<int64_t>()[1];
        const int64_t* sides = x.shape.data() + x.rank() - 3;
        const int64_t channels = sides[channels_last ? 2 : 0];
        const int64_t from_height = sides[channels_last ? 0 : 1], from_width = sides[channels_last ? 1 : 2];
        for (const int64_t side : {height, width, from_height, from_width})
            if (side < 1 || side > most_side) refuse("expected sides of 1 to " + std::to_string(most_side) + ", found " + std::to_string(side));
        std::vector<int64_t> shape(x.shape.begin(), x.shape.end() - 3);
        shape.insert(shape.end(), {channels, height, width});
        size_t elements = 1;
        for (const int64_t side : shape)
            if (side < 0 || (side && elements > most_elements / static_cast<size_t>(side))) refuse("expected a smaller result");
            else elements *= static_cast<size_t>(side);
        for (const size_t constants : {map ? map->channels() : 1, std::max(normalize.size(), size_t{1})})
            if (constants != 1 && constants != static_cast<size_t>(channels))
                refuse("expected an image of " + std::to_string(constants) + " channels, found " + std::to_string(channels));
        float* results = static_cast<float*>(call.output(0, shape));
        if (!elements) return;
        const Images images{x.count(0, x.rank() - 3), static_cast<size_t>(channels), static_cast<size_t>(from_height),
                            static_cast<size_t>(from_width), channels_last, x.data};
        FloatTaps rows = float_taps(filter, from_height, height), columns = float_taps(filter, from_width, width);
        const bool linear = filter.shape != FloatFilter::Shape::bicubic;
        if (filter.fused && linear && !filter.antialias && static_cast<size_t>(height + width) <= at_once_sides) {
            planes(call, images, rows, columns, results);
            return;
        }
        const TwoSteps steps(images, map.get(), std::move(rows), std::move(columns), normalize, results);
        call.parallel(steps.parts(), [&](size_t part) { steps.part(part); });
    }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw Refused(std::string(name) + ": " + what); }

    void planes(Call& call, const Images& images, const FloatTaps& rows, const FloatTaps& columns, float* results) const {
        // torch computes channels together that fill a vector register of 32 bytes, and the rest one by one.
        const size_t together = images.channels / 8 * 8;
        call.parallel(images.count, [&](size_t image) {
            for (size_t channel = 0; channel < images.channels; channel++) {
                const size_t start = images.start(image, channel), row = images.row();
                float* to = results + (image * images.channels + channel) * rows.outputs() * columns.outputs();
                const FloatNormalize* after = normalize.empty() ? nullptr : &normalize[channel % normalize.size()];
                if (map) {
                    const uint8_t* from = static_cast<const uint8_t*>(images.data) + start + (channels_last ? channel : 0);
                    const float* table = map->table(channel);
                    const size_t step = channels_last ? images.channels : 1;
                    const auto pixel = [=](size_t y, size_t x) { return table[from[y * row + x * step]]; };
                    at_once(rows, columns, channel < together, after, pixel, to);
                } else {
                    const float* from = static_cast<const float*>(images.data) + start;
                    at_once(rows, columns, channel < together, after, [=](size_t y, size_t x) { return from[y * row + x]; }, to);
                }
            }
        });
    }

    const char* name;
    FloatFilter filter;
    bool channels_last;
    std::unique_ptr<const ByteMap> map;
    std::vector<FloatNormalize> normalize;
};

}  // namespace

KernelType resize_floats_kernel() {
    return {"ResizeFloats", {Element::f32, Element::i64}, {Element::f32}, [](const Attributes& attributes) -> std::unique_ptr<const Kernel> {
                return std::make_unique<ResizeFloats>("ResizeFloats", attributes, false);
            }};
}

KernelType resize_mapped_floats_kernel() {
    return {"ResizeMappedFloats", {Element::u8, Element::i64}, {Element::f32}, [](const Attributes& attributes) -> std::unique_ptr<const Kernel> {
                return std::make_unique<ResizeFloats>("ResizeMappedFloats", attributes, true);
            }};
}

}  // namespace graphproc
