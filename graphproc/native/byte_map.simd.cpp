// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

// Elements that go through all operations together.
constexpr size_t REGISTERS = 4, BLOCK = REGISTERS * Floats::COUNT;

void map_block(const uint8_t* in, const ByteOperation* operations, size_t length, float* out) {
    typedef Floats::F F;
    F x[REGISTERS];
    for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::bytes(in + i * Floats::COUNT);
    for (const ByteOperation* step = operations; step < operations + length; step++) {
        const F c = Floats::splat(step->constant), d = Floats::splat(step->other);
        switch (step->kind) {
            case ByteOperation::multiply:
                for (F& v : x) v = Floats::mul(v, c);
                break;
            case ByteOperation::divide:
                for (F& v : x) v = Floats::div(v, c);
                break;
            case ByteOperation::subtract:
                for (F& v : x) v = Floats::sub(v, c);
                break;
            case ByteOperation::add:
                for (F& v : x) v = Floats::add(v, c);
                break;
            case ByteOperation::split:
                for (F& v : x) v = Floats::add(Floats::mul(v, c), Floats::mul(v, d));
                break;
            case ByteOperation::quotient:
                for (F& v : x) {
                    if (Floats::FUSED) {
                        const F quotient = Floats::mul(v, d);
                        v = Floats::fma(Floats::fnma(quotient, c, v), d, quotient);
                    } else {
                        v = Floats::div(v, c);
                    }
                }
                break;
        }
    }
    for (size_t i = 0; i < REGISTERS; i++) Floats::store(out + i * Floats::COUNT, x[i]);
}

void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) map_block(in + i, operations, length, out + i);
    if (i == count) return;
    uint8_t rest[BLOCK] = {};
    float mapped[BLOCK];
    std::memcpy(rest, in + i, count - i);
    map_block(rest, operations, length, mapped);
    std::memcpy(out + i, mapped, (count - i) * sizeof(float));
}

void look_up(const uint8_t* in, size_t count, const float* table, float* out) {
    for (size_t i = 0; i < count; i++) out[i] = table[in[i]];
}

// A look-up takes about a cycle for each element; two products of registers take one.
bool rather_arithmetic(const ByteOperation* operations, size_t length) {
    size_t cost = 0;
    for (size_t i = 0; i < length; i++) {
        const ByteOperation::Kind kind = operations[i].kind;
        const bool divides = kind == ByteOperation::divide || (kind == ByteOperation::quotient && !Floats::FUSED);
        cost += divides ? 10 : kind == ByteOperation::quotient || kind == ByteOperation::split ? 3 : 1;
    }
    return cost + 3 < 2 * static_cast<size_t>(Floats::COUNT);
}

}  // namespace

const ByteMapFunctions byte_map_functions = {rather_arithmetic, arithmetic, look_up};

}  // namespace graphproc::GRAPHPROC_SET
