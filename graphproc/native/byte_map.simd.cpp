// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

typedef Floats::F F;
typedef ByteOperation::Kind Kind;

// Elements that go through all operations together.
constexpr size_t REGISTERS = 4, BLOCK = REGISTERS * Floats::COUNT;

// The constants of an operation, in all elements.
struct Constants {
    F constant, other, rest;
    Constants() = default;
    explicit Constants(const ByteOperation& o)
        : constant(Floats::splat(o.constant)), other(Floats::splat(o.other)), rest(Floats::splat(o.rest)) {}
};

inline F step(Kind kind, F x, const Constants& c) {
    switch (kind) {
        case ByteOperation::multiply: return Floats::mul(x, c.constant);
        case ByteOperation::divide: return Floats::div(x, c.constant);
        case ByteOperation::subtract: return Floats::sub(x, c.constant);
        case ByteOperation::add: return Floats::add(x, c.constant);
        case ByteOperation::split: return Floats::add(Floats::mul(x, c.constant), Floats::mul(x, c.other));
        case ByteOperation::quotient:
            return Floats::FUSED ? Floats::fma(x, c.other, Floats::mul(x, c.rest)) : Floats::div(x, c.constant);
    }
    return x;
}

// Any operations.
struct AnyChain {
    const ByteOperation* operations;
    size_t length;
    AnyChain(const ByteOperation* operations, size_t length) : operations(operations), length(length) {}
    void operator()(F* x) const {
        for (const ByteOperation* o = operations; o < operations + length; o++) {
            const Constants c(*o);
            const Kind kind = o->kind;
            for (size_t i = 0; i < REGISTERS; i++) x[i] = step(kind, x[i], c);
        }
    }
};

// Operations that the compiler knows; their constants stay in registers.
template <Kind... kinds>
struct Chain {
    static constexpr Kind KINDS[] = {kinds...};
    static constexpr size_t LENGTH = sizeof...(kinds);
    Constants c[LENGTH];
    Chain(const ByteOperation* operations, size_t) {
        for (size_t n = 0; n < LENGTH; n++) c[n] = Constants(operations[n]);
    }
    void operator()(F* x) const {
        for (size_t n = 0; n < LENGTH; n++)
            for (size_t i = 0; i < REGISTERS; i++) x[i] = step(KINDS[n], x[i], c[n]);
    }
};

template <class C>
void map_with(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    const C chain(operations, length);
    const auto block = [&](const uint8_t* from, float* to) {
        F x[REGISTERS];
        for (size_t i = 0; i < REGISTERS; i++) x[i] = Floats::bytes(from + i * Floats::COUNT);
        chain(x);
        for (size_t i = 0; i < REGISTERS; i++) Floats::store(to + i * Floats::COUNT, x[i]);
    };
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) block(in + i, out + i);
    if (i == count) return;
    uint8_t rest[BLOCK] = {};
    float mapped[BLOCK];
    std::memcpy(rest, in + i, count - i);
    block(rest, mapped);
    std::memcpy(out + i, mapped, (count - i) * sizeof(float));
}

template <class C>
bool is(const ByteOperation* operations, size_t length) {
    if (length != C::LENGTH) return false;
    for (size_t n = 0; n < length; n++)
        if (operations[n].kind != C::KINDS[n]) return false;
    return true;
}

typedef Chain<ByteOperation::multiply> Product;
typedef Chain<ByteOperation::quotient> Quotient;
typedef Chain<ByteOperation::quotient, ByteOperation::subtract> Shifted;
typedef Chain<ByteOperation::quotient, ByteOperation::subtract, ByteOperation::quotient> Normalized;

void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    if (is<Normalized>(operations, length)) return map_with<Normalized>(in, count, operations, length, out);
    if (is<Shifted>(operations, length)) return map_with<Shifted>(in, count, operations, length, out);
    if (is<Quotient>(operations, length)) return map_with<Quotient>(in, count, operations, length, out);
    if (is<Product>(operations, length)) return map_with<Product>(in, count, operations, length, out);
    map_with<AnyChain>(in, count, operations, length, out);
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
        cost += divides ? 10 : kind == ByteOperation::quotient ? 2 : kind == ByteOperation::split ? 3 : 1;
    }
    return cost + 3 < 2 * static_cast<size_t>(Floats::COUNT);
}

}  // namespace

const ByteMapFunctions byte_map_functions = {rather_arithmetic, arithmetic, look_up};

}  // namespace graphproc::GRAPHPROC_SET
