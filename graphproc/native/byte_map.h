// Maps bytes to float32, channel by channel: the op byte_map (graphproc/ops/byte_map.py).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel.h"

namespace graphproc {

// One float32 operation of a map, with the constants of one channel.
struct ByteOperation {
    // quotient: x / constant as products with both parts of 1 / constant; only where every byte has the quotient's bits so.
    enum Kind : int32_t { multiply, divide, subtract, add, split, quotient };
    Kind kind;
    float constant;
    float other;  // split: the second factor; quotient: 1 / constant
    float rest;   // quotient: 1 / constant - other
};

// A map of bytes, ready to run. Copies are independent; several threads may use one.
class ByteMap {
public:
    // Reads the attributes of a map: text `operations`, names with commas between (mul, div, sub, add, split, table); numbers
    // `counts`, how many constants each has (1 or one for each channel; split 2; table 256); floats `constants`, those of all
    // operations one after another. Raises Refused with the kernel's name for settings that do not fit.
    ByteMap(const Attributes& attributes, const std::string& kernel);

    // How many channels have constants of their own; 1 if all have the same.
    size_t channels() const { return tables.size() / 256; }

    // The float32 values of all 256 bytes. `channel` is any number if all channels have the same constants.
    const float* table(size_t channel) const { return &tables[256 * (channels() == 1 ? 0 : channel)]; }

    // Maps `count` bytes of one channel. `out` is not `in`.
    void apply(const uint8_t* in, size_t count, size_t channel, float* out) const;

private:
    std::vector<float> tables;              // [channels, 256]
    std::vector<ByteOperation> operations;  // [channels, length]; none if the map starts with a table
    size_t length = 0;
};

// The fast forms of a map, for each instruction set.
struct ByteMapFunctions {
    // Whether `arithmetic` takes less time than `look_up`.
    bool (*rather_arithmetic)(const ByteOperation* operations, size_t length);
    void (*arithmetic)(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out);
    // Looks bytes up in 256 values.
    void (*look_up)(const uint8_t* in, size_t count, const float* table, float* out);
};

namespace sse41 { extern const ByteMapFunctions byte_map_functions; }
namespace avx2 { extern const ByteMapFunctions byte_map_functions; }
namespace avx512 { extern const ByteMapFunctions byte_map_functions; }
namespace neon { extern const ByteMapFunctions byte_map_functions; }

}  // namespace graphproc
