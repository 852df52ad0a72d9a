// The kernel ByteMap: the op byte_map (graphproc/ops/byte_map.py).
#include "byte_map.h"

#include <algorithm>

namespace graphproc {
namespace {

// How many elements one part of the work has.
constexpr size_t PART = 1 << 17;

// Input: bytes. Attributes: those of ByteMap and ByteChannels.
class Map : public Kernel {
public:
    explicit Map(const Attributes& attributes) : map(attributes, "ByteMap"), channels("ByteMap", attributes) {}

    void run(Call& call) const override {
        const Tensor x = call.input(0);
        const ByteTurns turns(map, channels.each_of(map, x.shape));
        const uint8_t* in = x.as<uint8_t>();
        float* out = static_cast<float*>(call.output(0, x.shape));
        const size_t count = x.count();
        call.parallel((count + PART - 1) / PART, [&](size_t i) {
            turns.apply(in + i * PART, i * PART, std::min(count - i * PART, PART), out + i * PART);
        });
    }

private:
    const ByteMap map;
    const ByteChannels channels;
};

}  // namespace

KernelType byte_map_kernel() {
    return {"ByteMap", {Element::u8}, {Element::f32}, [](const Attributes& attributes) -> std::unique_ptr<const Kernel> {
                return std::make_unique<Map>(attributes);
            }};
}

}  // namespace graphproc
