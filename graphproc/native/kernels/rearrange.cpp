// Kernel Rearrange: moves bytes as a pattern says.
#include <algorithm>

#include "../rearrangement.h"

namespace graphproc {

namespace {

// How many elements of the result one part of the work has, about.
constexpr size_t PART = 1 << 18;
// How many elements of each plane are moved before the next plane's.
constexpr size_t STRETCH = 1 << 12;

// Inputs: the operand, and the lengths of parts. Attributes: those of Rearrangement.
class Rearrange : public Kernel {
public:
    explicit Rearrange(const Attributes& attributes) : rearrangement("Rearrange", attributes) {}

    void run(Call& call) const override {
        const Tensor x = call.input(0);
        std::vector<int64_t> shape;
        const Move move = rearrangement.move(x, call.input(1), shape);
        const uint8_t* from = x.as<uint8_t>();
        uint8_t* to = static_cast<uint8_t*>(call.output(0, shape));
        if (!move.count) return;
        const MoveFunctions& functions = move_functions();
        // Pixels become planes: all planes read the same memory, so they are written stretch by stretch.
        const bool planes = move.axes == 2 && move.strides[0] == 1;
        const size_t count = planes ? move.lengths[1] : move.count, passes = planes ? move.lengths[0] : 1;
        const size_t part = planes ? std::max(PART / passes, STRETCH) : PART / move.grain * move.grain;
        call.parallel((count + part - 1) / part, [&](size_t i) {
            const size_t last = std::min(count, (i + 1) * part);
            for (size_t first = i * part; first < last; first += planes ? STRETCH : part) {
                const size_t end = planes ? std::min(last, first + STRETCH) : last;
                for (size_t pass = 0; pass < passes; pass++)
                    functions.move(move, from, pass * count + first, pass * count + end, to + pass * count + first);
            }
        });
    }

private:
    Rearrangement rearrangement;
};

}  // namespace

KernelType rearrange_kernel() {
    return {"Rearrange",
            {Element::u8, Element::i64},
            {Element::u8},
            [](const Attributes& attributes) -> std::unique_ptr<const Kernel> { return std::make_unique<Rearrange>(attributes); }};
}

}  // namespace graphproc
