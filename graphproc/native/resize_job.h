// A resize of one image, part by part.
#pragma once
#include <cstddef>
#include <cstdint>

#include "byte_map.h"
#include "resize_passes.h"

namespace graphproc {

// Images that lie one behind another, with the channels of a pixel side by side.
struct ResizeImages {
    const uint8_t* data;
    size_t images, height, width;
    int channels;  // 1 to 4; planes of images with channels first are images of 1 channel

    size_t row_bytes() const { return width * static_cast<size_t>(channels); }
    const uint8_t* end() const { return data + images * height * row_bytes(); }
};

// The results, each on a canvas: [images, channels, height, width], bytes or, with a map, float32.
struct ResizeResult {
    void* data;
    const ByteMap* map;  // or null
    size_t channels;     // plane p of all images is channel p % channels, which has constants and a fill of its own
    size_t height, width, top, left;  // of the canvas, and where a result lies on it
    const float* fill;                // what the rest of the canvas is, for each channel

    // Writes the rest of rows first .. last - 1 of a plane's canvas, left and right of `columns` columns.
    void surround(size_t plane, size_t first, size_t last, size_t columns) const;
};

struct ResizeJob {
    const ResizePasses& passes;
    const Axis& vertical;    // cells from each output's first row on
    const Axis& horizontal;  // aligned cells
    bool vertical_first;
    ResizeImages in;
    ResizeResult out;

    // Computes rows first .. last - 1 of the result of an image.
    void run(size_t image, size_t first, size_t last) const;

    // Returns in how many parts of rows an image is best computed on several threads.
    size_t parts() const;
};

}  // namespace graphproc
