// Kernels ResizeFloats and ResizeMappedFloats: torch's interpolation of floats, graphproc/ops/lowered/resize_floats.py.
#include <algorithm>
#include <memory>

#include "../float_steps.h"
#include "../kernel.h"

namespace graphproc {
namespace {

constexpr int64_t most_side = (int64_t{1} << 24) - 1;  // float32 holds every place below
constexpr size_t most_elements = size_t{1} << 48;

// Inputs: x, and int64 [2], the height and width of results. Attributes: `filter`, `antialias` (0 or 1), `arithmetic`, `layout`
// (CHW; for bytes also HWC); `mean` and `std`, as many floats or none; for bytes those of ByteMap.
class ResizeFloats : public Kernel {
public:
    ResizeFloats(const char* name, const Attributes& attributes, bool of_bytes)
        : name(name),
          filter(float_filter(attributes.text("filter"), attributes.number("antialias") != 0, attributes.text("arithmetic"))) {
        const std::string layout = attributes.text("layout");
        channels_last = of_bytes && layout == "HWC";
        const std::string layouts = of_bytes ? "CHW or HWC" : "CHW";
        if (layout != "CHW" && !channels_last) refuse("layout: expected " + layouts + ", found " + layout);
        if (of_bytes) map = std::make_unique<ByteMap>(attributes, name);
        const std::vector<float> mean = attributes.floats("mean"), std = attributes.floats("std");
        if (mean.size() != std.size())
            refuse("mean and std: expected as many of both, found " + std::to_string(mean.size()) + " and " +
                   std::to_string(std.size()));
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
            if (side < 1 || side > most_side)
                refuse("expected sides of 1 to " + std::to_string(most_side) + " pixels, found " + std::to_string(side));
        std::vector<int64_t> shape(x.shape.begin(), x.shape.end() - 3);
        shape.insert(shape.end(), {channels, height, width});
        size_t elements = 1;
        for (const int64_t side : shape) {
            if (side < 0 || (side && elements > most_elements / static_cast<size_t>(side))) refuse("expected a smaller result");
            elements *= static_cast<size_t>(side);
        }
        for (const size_t constants : {map ? map->channels() : 1, std::max(normalize.size(), size_t{1})})
            if (constants != 1 && constants != static_cast<size_t>(channels))
                refuse("expected an image of " + std::to_string(constants) + " channels, found " + std::to_string(channels));
        float* results = static_cast<float*>(call.output(0, shape));
        if (!elements) return;
        FloatImages images{x.count(0, x.rank() - 3), static_cast<size_t>(channels), static_cast<size_t>(from_height),
                           static_cast<size_t>(from_width), channels_last, x.data};
        FloatTaps rows = float_taps(filter, from_height, height), columns = float_taps(filter, from_width, width);
        FloatJob job{images, map.get(), std::move(rows), std::move(columns), normalize, results};
        if (filter.at_once(height, width)) {
            call.parallel(job.images.count, [&](size_t image) { resize_at_once(job, image); });
            return;
        }
        const FloatSteps steps(std::move(job));
        call.parallel(steps.parts(), [&](size_t part) { steps.part(part); });
    }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw Refused(std::string(name) + ": " + what); }

    const char* name;
    FloatFilter filter;
    bool channels_last;
    std::unique_ptr<const ByteMap> map;
    std::vector<FloatNormalize> normalize;
};

std::unique_ptr<const Kernel> make_resize(const Attributes& attributes) {
    return std::make_unique<ResizeFloats>("ResizeFloats", attributes, false);
}

std::unique_ptr<const Kernel> make_resize_mapped(const Attributes& attributes) {
    return std::make_unique<ResizeFloats>("ResizeMappedFloats", attributes, true);
}

}  // namespace

KernelType resize_floats_kernel() { return {"ResizeFloats", {Element::f32, Element::i64}, {Element::f32}, make_resize}; }

KernelType resize_mapped_floats_kernel() {
    return {"ResizeMappedFloats", {Element::u8, Element::i64}, {Element::f32}, make_resize_mapped};
}

}  // namespace graphproc
