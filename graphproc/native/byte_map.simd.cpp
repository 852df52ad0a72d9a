// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

// Elements that go through one operation after another; they stay in the first cache.
constexpr size_t BLOCK = 1024;
typedef Floats::F F;

// Writes f(load(i)) for each vector at element `i` of `count`.
template <class Load, class Function>
void each(size_t count, Load load, float* out, Function f) {
    for (size_t i = 0; i < count; i += Floats::COUNT) Floats::store(out + i, f(load(i)));
}

template <class Load>
void apply(const ByteOperation& operation, size_t count, Load load, float* out) {
    const F c = Floats::splat(operation.constant), d = Floats::splat(operation.other);
    switch (operation.kind) {
        case ByteOperation::multiply: return each(count, load, out, [=](F x) { return Floats::mul(x, c); });
        case ByteOperation::divide: return each(count, load, out, [=](F x) { return Floats::div(x, c); });
        case ByteOperation::subtract: return each(count, load, out, [=](F x) { return Floats::sub(x, c); });
        case ByteOperation::add: return each(count, load, out, [=](F x) { return Floats::add(x, c); });
        case ByteOperation::split:
            return each(count, load, out, [=](F x) { return Floats::add(Floats::mul(x, c), Floats::mul(x, d)); });
        case ByteOperation::quotient:
            return each(count, load, out, [=](F x) {
                if (!Floats::FUSED) return Floats::div(x, c);
                const F quotient = Floats::mul(x, d);
                return Floats::fma(Floats::fnma(quotient, c, x), d, quotient);
            });
    }
}

// Maps at most BLOCK bytes. It reads and writes whole vectors.
void map_block(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    const auto bytes = [=](size_t i) { return Floats::bytes(in + i); };
    if (!length) return each(count, bytes, out, [](F x) { return x; });
    apply(operations[0], count, bytes, out);
    const auto floats = [=](size_t i) { return Floats::load(out + i); };
    for (size_t i = 1; i < length; i++) apply(operations[i], count, floats, out);
}

void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    const size_t whole = count / Floats::COUNT * Floats::COUNT;
    for (size_t i = 0; i < whole; i += BLOCK) map_block(in + i, whole - i < BLOCK ? whole - i : BLOCK, operations, length, out + i);
    if (whole == count) return;
    uint8_t rest[Floats::COUNT] = {};
    float mapped[Floats::COUNT];
    std::memcpy(rest, in + whole, count - whole);
    map_block(rest, count - whole, operations, length, mapped);
    std::memcpy(out + whole, mapped, (count - whole) * sizeof(float));
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
