// The fast forms of a map of bytes, once for each instruction set.
#include "byte_map.h"
#include "lanes.h"

namespace graphproc::GRAPHPROC_SET {
namespace {

// Registers that go through all operations together.
constexpr size_t REGISTERS = 4, COUNT = Floats::COUNT;

typedef Floats::F F;

// Applies an operation to registers. `c(i)`, `d(i)` and `e(i)` are its constants for register i, in ByteOperation's order.
template <size_t N, class Constant, class Other, class Rest>
inline void operate(ByteOperation::Kind kind, F (&x)[N], Constant c, Other d, Rest e) {
    switch (kind) {
        case ByteOperation::multiply:
            for (size_t i = 0; i < N; i++) x[i] = Floats::mul(x[i], c(i));
            break;
        case ByteOperation::divide:
            for (size_t i = 0; i < N; i++) x[i] = Floats::div(x[i], c(i));
            break;
        case ByteOperation::subtract:
            for (size_t i = 0; i < N; i++) x[i] = Floats::sub(x[i], c(i));
            break;
        case ByteOperation::add:
            for (size_t i = 0; i < N; i++) x[i] = Floats::add(x[i], c(i));
            break;
        case ByteOperation::split:
            for (size_t i = 0; i < N; i++) x[i] = Floats::add(Floats::mul(x[i], c(i)), Floats::mul(x[i], d(i)));
            break;
        case ByteOperation::quotient:
            for (size_t i = 0; i < N; i++)
                x[i] = Floats::FUSED ? Floats::fma(x[i], d(i), Floats::mul(x[i], e(i))) : Floats::div(x[i], c(i));
            break;
    }
}

template <size_t N>
void load(const uint8_t* in, F (&x)[N]) {
    for (size_t i = 0; i < N; i++) x[i] = Floats::bytes(in + i * COUNT);
}

template <size_t N>
void store(const F (&x)[N], float* out) {
    for (size_t i = 0; i < N; i++) Floats::store(out + i * COUNT, x[i]);
}

// Maps elements of one channel.
struct Alike {
    const ByteOperation* operations;
    size_t length;

    void seek(size_t) {}
    template <size_t N>
    void map(const uint8_t* in, float* out) {
        F x[N];
        load(in, x);
        for (const ByteOperation* step = operations; step < operations + length; step++) {
            const F c = Floats::splat(step->constant), d = Floats::splat(step->other), e = Floats::splat(step->rest);
            operate(step->kind, x, [=](size_t) { return c; }, [=](size_t) { return d; }, [=](size_t) { return e; });
        }
        store(x, out);
    }
};

// Maps elements of one channel with operations that the compiler knows; their constants stay in registers.
template <ByteOperation::Kind... kinds>
struct Known {
    static constexpr size_t LENGTH = sizeof...(kinds);
    static constexpr ByteOperation::Kind KINDS[] = {kinds...};
    F c[LENGTH], d[LENGTH], e[LENGTH];

    explicit Known(const ByteOperation* operations) {
        for (size_t n = 0; n < LENGTH; n++) {
            c[n] = Floats::splat(operations[n].constant);
            d[n] = Floats::splat(operations[n].other);
            e[n] = Floats::splat(operations[n].rest);
        }
    }
    static bool fits(const ByteOperation* operations, size_t length) {
        if (length != LENGTH) return false;
        for (size_t n = 0; n < length; n++)
            if (operations[n].kind != KINDS[n]) return false;
        return true;
    }
    void seek(size_t) {}
    template <size_t N>
    void map(const uint8_t* in, float* out) {
        F x[N];
        load(in, x);
        for (size_t n = 0; n < LENGTH; n++)
            operate(KINDS[n], x, [&](size_t) { return c[n]; }, [&](size_t) { return d[n]; }, [&](size_t) { return e[n]; });
        store(x, out);
    }
};
typedef Known<ByteOperation::multiply> Product;
typedef Known<ByteOperation::quotient> Quotient;
typedef Known<ByteOperation::quotient, ByteOperation::subtract> Shifted;
typedef Known<ByteOperation::quotient, ByteOperation::subtract, ByteOperation::quotient> Normalized;

// Maps elements with constants of their own.
struct InTurn {
    const ByteOperation::Kind* kinds;
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
        for (size_t step = 0; step < length; step++) {
            const float *c = constants + step * width + at, *d = others + step * width + at, *e = rests + step * width + at;
            operate(kinds[step], x, [=](size_t i) { return Floats::load(c + i * COUNT); },
                    [=](size_t i) { return Floats::load(d + i * COUNT); }, [=](size_t i) { return Floats::load(e + i * COUNT); });
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

void arithmetic(const uint8_t* in, size_t count, const ByteOperation* operations, size_t length, float* out) {
    if (Normalized::fits(operations, length)) return map_all(Normalized(operations), in, count, out);
    if (Shifted::fits(operations, length)) return map_all(Shifted(operations), in, count, out);
    if (Quotient::fits(operations, length)) return map_all(Quotient(operations), in, count, out);
    if (Product::fits(operations, length)) return map_all(Product(operations), in, count, out);
    map_all(Alike{operations, length}, in, count, out);
}

void turns(const uint8_t* in, size_t count, const ByteOperation::Kind* kinds, size_t length, const float* constants,
           const float* others, const float* rests, size_t width, size_t first, size_t period, float* out) {
    map_all(InTurn{kinds, length, constants, others, rests, width, first, period}, in, count, out);
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

const ByteMapFunctions byte_map_functions = {rather_arithmetic, arithmetic, look_up, turns};

}  // namespace graphproc::GRAPHPROC_SET
