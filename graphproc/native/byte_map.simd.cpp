// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

// Elements that go through all operations together.
constexpr size_t REGISTERS = 4, BLOCK = REGISTERS * Floats::COUNT;

typedef Floats::F F;

// Applies an operation to registers. `c(i)` and `d(i)` are its constants for register i.
template <class Constant, class Other>
void operate(ByteOperation::Kind kind, F (&x)[REGISTERS], Constant c, Other d) {
    switch (kind) {
        case ByteOperation::multiply:
            for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::mul(x[i], c(i));
            break;
        case ByteOperation::divide:
            for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::div(x[i], c(i));
            break;
        case ByteOperation::subtract:
            for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::sub(x[i], c(i));
            break;
        case ByteOperation::add:
            for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::add(x[i], c(i));
            break;
        case ByteOperation::split:
            for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::add(Floats::mul(x[i], c(i)), Floats::mul(x[i], d(i)));
            break;
        case ByteOperation::quotient:
            for (size_t i = 0; i < REGISTERS; i++) {
                if (Floats::FUSED) {
                    const F quotient = Floats::mul(x[i], d(i));
                    x[i] = Floats::fma(Floats::fnma(quotient, c(i), x[i]), d(i), quotient);
                } else {
                    x[i] = Floats::div(x[i], c(i));
                }
            }
            break;
    }
}

void load_block(const uint8_t* in, F (&x)[REGISTERS]) {
    for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::bytes(in + i * Floats::COUNT);
}

void store_block(const F (&x)[REGISTERS], float* out) {
    for (size_t i = 0; i < REGISTERS; i++) Floats::store(out + i * Floats::COUNT, x[i]);
}

// Runs map(in, out) for all blocks; the last, shorter one through memory of its own.
template <class Map>
void in_blocks(const uint8_t* in, size_t count, float* out, Map map) {
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) map(in + i, out + i);
    if (i == count) return;
    uint8_t rest[BLOCK] = {};
    float mapped[BLOCK];
    std::memcpy(rest, in + i, count - i);
    map(rest, mapped);
    std::memcpy(out + i, mapped, (count - i) * sizeof(float));
}

void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    in_blocks(in, count, out, [=](const uint8_t* from, float* to) {
        F x[REGISTERS];
        load_block(from, x);
        for (const ByteOperation* step = operations; step < operations + length; step++) {
            const F c = Floats::splat(step->constant), d = Floats::splat(step->other);
            operate(step->kind, x, [=](size_t) { return c; }, [=](size_t) { return d; });
        }
        store_block(x, to);
    });
}

void turns(const uint8_t* in, size_t count, const ByteOperation::Kind* kinds, size_t length, const float* constants,
           const float* others, size_t width, size_t first, size_t period, float* out) {
    size_t at = first % period;
    const size_t further = BLOCK % period;
    static_assert(BLOCK <= ByteMapFunctions::MARGIN, "a block reads no further");
    in_blocks(in, count, out, [=, &at](const uint8_t* from, float* to) {
        F x[REGISTERS];
        load_block(from, x);
        for (size_t step = 0; step < length; step++) {
            const float *c = constants + step * width + at, *d = others + step * width + at;
            operate(kinds[step], x, [=](size_t i) { return Floats::load(c + i * Floats::COUNT); },
                    [=](size_t i) { return Floats::load(d + i * Floats::COUNT); });
        }
        store_block(x, to);
        at += further;
        if (at >= period) at -= period;
    });
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

const ByteMapFunctions byte_map_functions = {rather_arithmetic, arithmetic, look_up, turns};

}  // namespace graphproc::GRAPHPROC_SET
