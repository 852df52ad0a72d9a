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
    friend class ByteTurns;
    std::vector<float> tables;              // [channels, 256]
    std::vector<ByteOperation> operations;  // [channels, length]; none if the map starts with a table
    size_t length = 0;
    bool looked_up = false;
};

// Where the channels of a tensor are. Attributes:
//   axis   the axis of the channels, counted from the end
//   each   how many elements of one channel follow each other on that axis
class ByteChannels {
public:
    // Raises Refused for settings that do not fit. `kernel` is the kernel's name.
    ByteChannels(const std::string& kernel, const Attributes& attributes);

    // Returns how many elements of one channel follow each other in memory. Raises Refused if the channels do not fill the axis.
    size_t each_of(const ByteMap& map, const std::vector<int64_t>& shape) const;

private:
    std::string kernel;
    int64_t axis, each;
};

// A map of elements that belong to the channels in turn: `each` of the first, `each` of the next, and so on, over and over.
class ByteTurns {
public:
    // `map` outlives the turns.
    ByteTurns(const ByteMap& map, size_t each);

    // Maps `count` bytes; the first is element number `first` of the whole. `out` is not `in`.
    void apply(const uint8_t* in, size_t first, size_t count, float* out) const;

private:
    void looked_up(const uint8_t* in, size_t first, size_t count, float* out) const;

    const ByteMap& map;
    const size_t each;
    size_t period = 0;                       // a multiple of all channels' elements, at least MARGIN
    std::vector<ByteOperation::Kind> kinds;  // none if turns are long, or tables are faster
    std::vector<float> constants, others, rests;  // [operations, period + MARGIN], those of the elements in turn
};

// The fast forms of a map, for each instruction set.
struct ByteMapFunctions {
    // How many elements are mapped together, at most. As many constants are read behind a period.
    static constexpr size_t MARGIN = 64;

    // Whether `arithmetic` takes less time than `look_up`.
    bool (*rather_arithmetic)(const ByteOperation* operations, size_t length);
    void (*arithmetic)(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out);
    // Looks bytes up in 256 values.
    void (*look_up)(const uint8_t* in, size_t count, const float* table, float* out);
    // Maps elements with constants of their own, `width` for each operation; those of element i are number (first + i) % period.
    void (*turns)(const uint8_t* in, size_t count, const ByteOperation::Kind* kinds, size_t length, const float* constants,
                  const float* others, const float* rests, size_t width, size_t first, size_t period, float* out);
};

namespace sse41 { extern const ByteMapFunctions byte_map_functions; }
namespace avx2 { extern const ByteMapFunctions byte_map_functions; }
namespace avx512 { extern const ByteMapFunctions byte_map_functions; }
namespace neon { extern const ByteMapFunctions byte_map_functions; }

}  // namespace graphproc
