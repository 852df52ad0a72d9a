// The kernels Resize and ResizeMapped: the op resize (graphproc/ops/lowered/resize.py).
//
// Inputs: the image; sizes, which are the result's height and width, the window's top, left, height and width, and for a result
// on a canvas the canvas's height and width and the place of the result on it, from the top and from the left; and an extent of
// 0 or 2 elements. Attributes: filter, arithmetic and layout by name, fill of the canvas, and those of a ByteMap.
#include <algorithm>
#include <map>
#include <optional>

#include "kernel.h"
#include "per_set.h"
#include "resize_job.h"

namespace graphproc {
namespace {

// The longest side; float32 holds all whole numbers up to it, as Pillow's boxes do.
constexpr int64_t LONGEST = 1 << 24;
constexpr int64_t MOST_ELEMENTS = int64_t{1} << 44;

template <class Value>
Value named(const std::map<std::string, Value>& values, const std::string& name, const std::string& what) {
    const auto found = values.find(name);
    if (found == values.end()) throw Refused(what + ": not known: " + name);
    return found->second;
}

void require(bool holds, const std::string& message) {
    if (!holds) throw Refused(message);
}

class Resize : public Kernel {
public:
    Resize(const Attributes& attributes, const std::string& name, std::optional<ByteMap> map) : name(name), map(std::move(map)) {
        static const std::map<std::string, Filter> filters = {{"nearest", Filter::nearest}, {"lanczos", Filter::lanczos},
                                                              {"bilinear", Filter::bilinear}, {"bicubic", Filter::bicubic},
                                                              {"box", Filter::box},         {"hamming", Filter::hamming}};
        static const std::map<std::string, Arithmetic> arithmetics = {{"pillow", Arithmetic::pillow},
                                                                      {"torch_bytes", Arithmetic::torch_bytes}};
        static const std::map<std::string, bool> layouts = {{"HWC", true}, {"CHW", false}};
        filter = named(filters, attributes.text("filter"), name + ": filter");
        arithmetic = named(arithmetics, attributes.text("arithmetic"), name + ": arithmetic");
        channels_last = named(layouts, attributes.text("layout"), name + ": layout");
        fill = attributes.floats("fill");
        const bool of_torch = filter == Filter::lanczos || filter == Filter::bilinear || filter == Filter::bicubic;
        require(arithmetic == Arithmetic::pillow || of_torch, name + ": torch_bytes has no filter " + attributes.text("filter"));
    }

    void run(Call& call) const override {
        const Tensor x = call.input(0);
        require(x.rank() >= 3, name + ": expected an image of at least 3 axes, found " + std::to_string(x.rank()));
        const size_t batch_axes = x.rank() - 3, row_axis = batch_axes + (channels_last ? 0 : 1);
        const int64_t height = x.shape[row_axis], width = x.shape[row_axis + 1];
        const int64_t channels = x.shape[channels_last ? x.rank() - 1 : batch_axes];
        require(height >= 1 && height <= LONGEST && width >= 1 && width <= LONGEST,
                name + ": expected sides of 1 to 2**24 pixels, found " + std::to_string(height) + " x " + std::to_string(width));
        if (channels_last)
            require(channels >= 1 && channels <= 4, name + ": expected 1 to 4 channels, found " + std::to_string(channels));
        if (map && map->channels() > 1)
            require(channels == static_cast<int64_t>(map->channels()),
                    name + ": expected " + std::to_string(map->channels()) + " channels, found " + std::to_string(channels));

        const Tensor extent = call.input(2);
        const bool limited = extent.rank() == 1 && extent.shape[0] == 2;
        require(limited || (extent.rank() == 1 && extent.shape[0] == 0), name + ": expected an extent of 0 or 2 elements");
        require(!limited || filter != Filter::nearest, name + ": an extent has no meaning for the filter nearest");

        const Tensor sizes = call.input(1);
        require(sizes.rank() == 1 && (sizes.shape[0] == 6 || sizes.shape[0] == 10), name + ": expected 6 or 10 sizes");
        const int64_t* size = sizes.as<int64_t>();
        const AxisSpec vertical = spec(height, size[0], size[2], size[4], limited ? &extent.as<double>()[0] : nullptr);
        const AxisSpec horizontal = spec(width, size[1], size[3], size[5], limited ? &extent.as<double>()[1] : nullptr);

        const int64_t whole[] = {vertical.count, horizontal.count, 0, 0};
        const int64_t* canvas = sizes.shape[0] == 10 ? size + 6 : whole;
        for (int axis = 0; axis < 2; axis++)
            require(canvas[axis] <= LONGEST && canvas[2 + axis] >= 0 && canvas[2 + axis] <= canvas[axis] - whole[axis],
                    name + ": expected a canvas that holds " + std::to_string(whole[axis]) + " pixels, found " +
                        std::to_string(canvas[axis]) + " with them from " + std::to_string(canvas[2 + axis]) + " on");
        const auto planes = static_cast<size_t>(channels);
        std::vector<float> fill = this->fill;
        if (fill.size() <= 1) fill.assign(planes, fill.empty() ? 0.0f : fill[0]);
        require(fill.size() == planes, name + ": expected a fill, or one for each of " + std::to_string(planes) + " channels");

        std::vector<int64_t> shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(batch_axes));
        for (int64_t side : {channels, canvas[0], canvas[1]}) shape.push_back(side);
        int64_t elements = 1;
        for (int64_t side : shape) {
            require(side >= 0 && (side == 0 || elements <= MOST_ELEMENTS / side), name + ": the result is too large");
            elements *= side;
        }
        void* out = call.output(0, shape);
        if (elements == 0) return;

        const ResizePasses& passes = GRAPHPROC_OF_SET(resize_passes);
        const auto down = resize_axis(vertical, passes.form, false), across = resize_axis(horizontal, passes.form, true);
        // Torch never takes the vertical axis first; Pillow does if many rows and few columns go (graphproc/ops/resize/order.py).
        const bool vertical_first = arithmetic == Arithmetic::pillow && vertical.n_out < height &&
                                    height - vertical.n_out > 2 * (width - horizontal.n_out);
        const size_t batch = x.count(0, batch_axes);
        const ResizeImages in = {x.as<uint8_t>(), channels_last ? batch : batch * planes, static_cast<size_t>(height),
                                 static_cast<size_t>(width), channels_last ? static_cast<int>(channels) : 1};
        const auto side = [&](int i) { return static_cast<size_t>(canvas[i]); };
        const ResizeResult result = {out, map ? &*map : nullptr, planes, side(0), side(1), side(2), side(3), fill.data()};
        run_parts(call, {passes, *down, *across, vertical_first, in, result});
    }

private:
    AxisSpec spec(int64_t n_in, int64_t n_out, int64_t first, int64_t count, const double* extent) const {
        require(n_out >= 1 && n_out <= LONGEST, name + ": expected sides of 1 to 2**24 pixels, found " + std::to_string(n_out));
        require(first >= 0 && count >= 1 && first <= n_out && count <= n_out - first,
                name + ": expected a window inside " + std::to_string(n_out) + " pixels, found " + std::to_string(count) +
                    " from " + std::to_string(first) + " on");
        const double covered = extent ? *extent : static_cast<double>(n_in);
        require(covered > 0 && covered <= static_cast<double>(n_in),
                name + ": expected an extent inside " + std::to_string(n_in) + " pixels, found " + std::to_string(covered));
        return {n_in, n_out, first, count, covered, filter, arithmetic};
    }

    static void run_parts(Call& call, const ResizeJob& job) {
        const size_t rows = job.vertical.start.size(), images = job.in.images;
        // Small images are taken several at a time.
        const size_t parts = images >= 16 ? 1 : job.parts();
        const size_t together = parts > 1 ? 1 : std::max<size_t>(1, std::min((images + 15) / 16, images));
        const size_t groups = (images + together - 1) / together;
        if (groups * parts == 1) return job.run(0, 0, rows);
        call.parallel(groups * parts, [&](size_t index) {
            const size_t group = index / parts, part = index % parts;
            for (size_t image = group * together; image < std::min(images, (group + 1) * together); image++)
                job.run(image, rows * part / parts, rows * (part + 1) / parts);
        });
    }

    const std::string name;
    const std::optional<ByteMap> map;
    Filter filter;
    Arithmetic arithmetic;
    bool channels_last;
    std::vector<float> fill;
};

std::unique_ptr<const Kernel> make_resize(const Attributes& attributes) {
    return std::make_unique<Resize>(attributes, "Resize", std::nullopt);
}

std::unique_ptr<const Kernel> make_resize_mapped(const Attributes& attributes) {
    return std::make_unique<Resize>(attributes, "ResizeMapped", ByteMap(attributes, "ResizeMapped"));
}

}  // namespace

KernelType resize_kernel() { return {"Resize", {Element::u8, Element::i64, Element::f64}, {Element::u8}, make_resize}; }

KernelType resize_mapped_kernel() {
    return {"ResizeMapped", {Element::u8, Element::i64, Element::f64}, {Element::f32}, make_resize_mapped};
}

}  // namespace graphproc
