// The kernels Rearrange and RearrangeMapped: the ops rearrange and rearrange_mapped (graphproc/ops/).
#include <algorithm>
#include <optional>

#include "byte_map.h"
#include "per_set.h"
#include "rearrangement.h"

namespace graphproc {
namespace {

// How many elements of the result one part of the work has, about.
constexpr size_t PART = 1 << 17;
// How many bytes are moved before they are mapped, at most, or before the next plane's are moved.
constexpr size_t STRETCH = 1 << 13;

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
        const MoveFunctions& functions = GRAPHPROC_OF_SET(move_functions);
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

// Inputs: those of Rearrange. Attributes: those of Rearrangement and ByteMap, and
//   axis   the result's axis with the channels, counted from the end
//   each   how many elements of one channel follow each other on it
class RearrangeMapped : public Kernel {
public:
    explicit RearrangeMapped(const Attributes& attributes)
        : rearrangement("RearrangeMapped", attributes), map(attributes, "RearrangeMapped"), channels("RearrangeMapped", attributes) {}

    void run(Call& call) const override {
        const Tensor x = call.input(0);
        std::vector<int64_t> shape;
        const Move move = rearrangement.move(x, call.input(1), shape);
        const ByteTurns turns(map, channels.each_of(map, shape));
        const uint8_t* from = x.as<uint8_t>();
        float* to = static_cast<float*>(call.output(0, shape));
        if (!move.count) return;
        const MoveFunctions& functions = GRAPHPROC_OF_SET(move_functions);
        const bool moves = move.axes > 1 || (move.axes == 1 && move.strides[0] != 1);
        // Stretches of whole lines, if these are short.
        size_t unit = move.grain;
        for (size_t axis = static_cast<size_t>(move.axes), product = 1; axis-- > 0 && (product *= move.lengths[axis]) <= STRETCH;)
            unit = std::max(unit, product);
        const size_t stretch = STRETCH / unit * unit, part = (PART + stretch - 1) / stretch * stretch;
        call.parallel((move.count + part - 1) / part, [&](size_t i) {
            uint8_t bytes[STRETCH];
            const size_t last = std::min(move.count, (i + 1) * part);
            for (size_t first = i * part; first < last; first += stretch) {
                const size_t end = std::min(last, first + stretch);
                if (moves) functions.move(move, from, first, end, bytes);
                turns.apply(moves ? bytes : from + first, first, end - first, to + first);
            }
        });
    }

private:
    const Rearrangement rearrangement;
    const ByteMap map;
    const ByteChannels channels;
};

}  // namespace

KernelType rearrange_kernel() {
    return {"Rearrange",
            {Element::u8, Element::i64},
            {Element::u8},
            [](const Attributes& attributes) -> std::unique_ptr<const Kernel> { return std::make_unique<Rearrange>(attributes); }};
}

KernelType rearrange_mapped_kernel() {
    return {"RearrangeMapped",
            {Element::u8, Element::i64},
            {Element::f32},
            [](const Attributes& attributes) -> std::unique_ptr<const Kernel> { return std::make_unique<RearrangeMapped>(attributes); }};
}

}  // namespace graphproc
