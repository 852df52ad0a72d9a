// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

typedef Floats::F F;
typedef ByteOperation::Kind Kind;

// Registers that go through all operations together.
constexpr size_t REGISTERS = 4, COUNT = Floats::COUNT;

// The constants of an operation, for the elements of a register.
struct Constants {
    F constant, other, rest;
};

inline Constants splat(const ByteOperation& o) { return {Floats::splat(o.constant), Floats::splat(o.other), Floats::splat(o.rest)}; }

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

template <size_t N>
void load(const uint8_t* in, F (&x)[N]) {
    for (size_t i = 0; i < N; i++) x[i] = Floats::bytes(in + i * COUNT);
}

template <size_t N>
void store(const F (&x)[N], float* out) {
    for (size_t i = 0; i < N; i++) Floats::store(out + i * COUNT, x[i]);
}

// Maps elements of one channel by any operations.
struct Alike {
    const ByteOperation* operations;
    size_t length;

    void seek(size_t) {}
    template <size_t N>
    void map(const uint8_t* in, float* out) {
        F x[N];
        load(in, x);
        for (const ByteOperation* o = operations; o < operations + length; o++) {
            const Constants c = splat(*o);
            const Kind kind = o->kind;
            for (F& element : x) element = step(kind, element, c);
        }
        store(x, out);
    }
};

// Maps elements of one channel by operations that the compiler knows; their constants stay in registers.
template <Kind... kinds>
struct Chain {
    static constexpr Kind KINDS[] = {kinds...};
    static constexpr size_t LENGTH = sizeof...(kinds);
    Constants c[LENGTH];

    explicit Chain(const ByteOperation* operations) {
        for (size_t n = 0; n < LENGTH; n++) c[n] = splat(operations[n]);
    }
    static bool is(const ByteOperation* operations, size_t length) {
        bool same = length == LENGTH;
        for (size_t n = 0; same && n < LENGTH; n++) same = operations[n].kind == KINDS[n];
        return same;
    }
    void seek(size_t) {}
    template <size_t N>
    void map(const uint8_t* in, float* out) {
        F x[N];
        load(in, x);
        for (size_t n = 0; n < LENGTH; n++)
            for (F& element : x) element = step(KINDS[n], element, c[n]);
        store(x, out);
    }
};

// Maps elements with constants of their own.
struct InTurn {
    const Kind* kinds;
    size_t length;
    const float *constants, *others, *rests;
    size_t width, first, period;
    size_t at = 0;

    // Goes to an element; behind each `map`, it is the next one to map.
    void seek(size_t element) { at = (first + element) % period; }
    template <size_t N>
    void map(const uint8_t* in, float* out) {
        static_assert(N * COUNT <= ByteMapFunctions::MARGIN, "a block reads no further");
        F x[N];
        load(in, x);
        for (size_t n = 0; n < length; n++) {
            const size_t own = n * width + at;
            const Kind kind = kinds[n];
            for (size_t i = 0; i < N; i++) {
                const size_t place = own + i * COUNT;
                x[i] = step(kind, x[i], {Floats::load(constants + place), Floats::load(others + place), Floats::load(rests + place)});
            }
        }
        store(x, out);
        at += N * COUNT;
        if (at >= period) at -= period;
    }
};

// Maps all elements. The first and the last register overlap others, so that those between are aligned in `out`.
template <class Map>
void map_all(Map map, const uint8_t* in, size_t count, float* out) {
    map.seek(0);
    if (count < COUNT) {
        uint8_t few[COUNT] = {};
        float mapped[COUNT];
        std::memcpy(few, in, count);
        map.template map<1>(few, mapped);
        std::memcpy(out, mapped, count * sizeof(float));
        return;
    }
    map.template map<1>(in, out);
    size_t i = COUNT - reinterpret_cast<uintptr_t>(out) / sizeof(float) % COUNT;
    map.seek(i);
    for (; i + REGISTERS * COUNT <= count; i += REGISTERS * COUNT) map.template map<REGISTERS>(in + i, out + i);
    for (; i + COUNT <= count; i += COUNT) map.template map<1>(in + i, out + i);
    if (i == count) return;
    map.seek(count - COUNT);
    map.template map<1>(in + count - COUNT, out + count - COUNT);
}

// Maps by the first of these chains that the operations are, or by any operations.
template <class C, class... Others>
void by_chain(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    if (C::is(operations, length)) return map_all(C(operations), in, count, out);
    if constexpr (sizeof...(Others) > 0)
        by_chain<Others...>(in, count, operations, length, out);
    else
        map_all(Alike{operations, length}, in, count, out);
}

// The usual chains: rescale and normalize as Pillow's and torchvision's backends do them, and either alone.
void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    constexpr Kind SUB = ByteOperation::subtract, DIV = ByteOperation::divide, QUOTIENT = ByteOperation::quotient;
    by_chain<Chain<QUOTIENT, SUB, QUOTIENT>, Chain<SUB, QUOTIENT>, Chain<SUB, DIV>, Chain<QUOTIENT, SUB>, Chain<QUOTIENT>,
             Chain<ByteOperation::multiply>>(in, count, operations, length, out);
}

void turns(const uint8_t* in, size_t count, const Kind* kinds, size_t length, const float* constants, const float* others,
           const float* rests, size_t width, size_t first, size_t period, float* out) {
    map_all(InTurn{kinds, length, constants, others, rests, width, first, period}, in, count, out);
}

void look_up(const uint8_t* in, size_t count, const float* table, float* out) {
    for (size_t i = 0; i < count; i++) out[i] = table[in[i]];
}

// A look-up takes about a cycle for each element; two products of registers take one.
bool rather_arithmetic(const ByteOperation* operations, size_t length) {
    size_t cost = 0;
    for (size_t i = 0; i < length; i++) {
        const Kind kind = operations[i].kind;
        const bool divides = kind == ByteOperation::divide || (kind == ByteOperation::quotient && !Floats::FUSED);
        cost += divides ? 10 : kind == ByteOperation::quotient ? 2 : kind == ByteOperation::split ? 3 : 1;
    }
    return cost + 3 < 2 * static_cast<size_t>(Floats::COUNT);
}

}  // namespace

const ByteMapFunctions byte_map_functions = {rather_arithmetic, arithmetic, look_up, turns};

}  // namespace graphproc::GRAPHPROC_SET
