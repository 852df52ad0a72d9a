// The kernel CompositeOnWhite: the op composite_on_white (graphproc/ops/composite_on_white.py).
#include <algorithm>

#include "kernel.h"

namespace graphproc {
namespace {

// How many pixels one part of the work has.
constexpr size_t PART = 1 << 16;

// Composites one pixel, with red, green and blue in lanes of 16 bits of one number.
//     u = color * alpha + 255 * (255 - alpha) + 128,  result = (u + (u >> 8)) >> 8
// No lane exceeds 16 bits: u is at most 255 * 255 + 128.
inline uint64_t composite(uint64_t color, uint64_t alpha) {
    constexpr uint64_t EACH = 0x000100010001, LANES = 0x00ff00ff00ff;
    const uint64_t u = color * alpha + EACH * (255 * (255 - alpha) + 128);
    return (u + ((u >> 8) & LANES)) >> 8 & LANES;
}

class CompositeOnWhite : public Kernel {
public:
    void run(Call& call) const override {
        const Tensor x = call.input(0);
        if (x.rank() < 3 || x.shape.back() != 4)
            throw Refused("CompositeOnWhite: expected an image of at least 3 axes with 4 channels last, found " +
                          std::to_string(x.rank()) + " axes");
        std::vector<int64_t> shape = x.shape;
        shape.back() = 3;
        const uint8_t* from = x.as<uint8_t>();
        auto* to = static_cast<uint8_t*>(call.output(0, shape));
        const size_t pixels = x.count(0, x.rank() - 1);
        if (!pixels) return;
        call.parallel((pixels + PART - 1) / PART, [&](size_t part) {
            for (size_t i = part * PART; i < std::min(pixels, (part + 1) * PART); i++) {
                const uint8_t* p = from + 4 * i;
                const uint64_t color = p[0] | uint64_t{p[1]} << 16 | uint64_t{p[2]} << 32, y = composite(color, p[3]);
                to[3 * i] = static_cast<uint8_t>(y);
                to[3 * i + 1] = static_cast<uint8_t>(y >> 16);
                to[3 * i + 2] = static_cast<uint8_t>(y >> 32);
            }
        });
    }
};

}  // namespace

KernelType composite_on_white_kernel() {
    return {"CompositeOnWhite",
            {Element::u8},
            {Element::u8},
            [](const Attributes&) -> std::unique_ptr<const Kernel> { return std::make_unique<CompositeOnWhite>(); }};
}

}  // namespace graphproc
