// Resizes floats, or the floats of bytes, along the width and then along the height.
#pragma once
#include <memory>
#include <vector>

#include "byte_map.h"
#include "float_rows.h"
#include "float_taps.h"

namespace graphproc {

// The image or images of one call.
struct FloatImages {
    size_t count, channels, height, width;
    bool channels_last;
    const void* data;

    // The elements from one row to the next.
    size_t row() const { return channels_last ? width * channels : width; }
    // The first element of a channel.
    size_t start(size_t image, size_t channel) const {
        return channels_last ? image * channels * height * width + channel : (image * channels + channel) * height * width;
    }
};

// How images are resized, and where the results go: float32 [count, channels, height, width].
struct FloatJob {
    FloatImages images;
    const ByteMap* map;  // null if the images are floats
    FloatTaps rows, columns;
    const std::vector<FloatNormalize>& normalize;  // none, one, or one for each channel
    float* results;

    float* result(size_t image, size_t channel) const {
        return results + (image * images.channels + channel) * rows.outputs() * columns.outputs();
    }
    const FloatNormalize* normalize_of(size_t channel) const {
        return normalize.empty() ? nullptr : &normalize[channel % normalize.size()];
    }
};

// Resizes one axis after the other, in parts that may run at once. Rows are resampled first, 16 of them at a time, into a ring
// of rows that holds what the next row of results needs.
class FloatSteps {
public:
    explicit FloatSteps(FloatJob job);
    size_t parts() const { return job.images.count * groups * across_parts * down_parts; }
    void part(size_t index) const;

    struct Range {
        size_t first, last;  // without the last
        size_t size() const { return last - first; }
    };

private:
    class Strips;
    void keep_read_rows();
    void resize(size_t image, size_t first_channel, size_t channels, Range y, Range x) const;

    FloatJob job;
    std::vector<int32_t> read_rows;              // the rows that are read at all; the taps of rows have their numbers here
    std::vector<Range> rows_read, columns_read;  // by each output; by each 16
    size_t height, width, together, ring_rows, across_parts, down_parts, groups;
};

// Computes one image of a linear result, each output from its four pixels.
void resize_at_once(const FloatJob& job, size_t image);

}  // namespace graphproc
