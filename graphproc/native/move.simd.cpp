// Moves bytes: the outer axes are walked line by line, and a line is moved in the way that suits its stride.
#include <cstring>

#include "move.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

namespace graphproc::GRAPHPROC_SET {
namespace {

template <size_t SIZE>
void both_ends(const uint8_t* from, size_t count, uint8_t* to) {
    uint8_t head[SIZE], tail[SIZE];
    memcpy(head, from, SIZE);
    memcpy(tail, from + count - SIZE, SIZE);
    memcpy(to, head, SIZE);
    memcpy(to + count - SIZE, tail, SIZE);
}

// Each kind of line has `part`, which moves `count` elements of it, and `whole`, which does the same and may rely on
// `fits(count)`. `stride` is the last axis'.

// A run of bytes: its two ends, which overlap. SIZE is a power of 2, and a whole line has SIZE to 2 SIZE bytes.
template <size_t SIZE>
struct ShortRun {
    static void part(const uint8_t* from, size_t, size_t count, uint8_t* to) { memcpy(to, from, count); }
    static void whole(const uint8_t* from, size_t, size_t count, uint8_t* to) { both_ends<SIZE>(from, count, to); }
};

struct Run {
    static void part(const uint8_t* from, size_t, size_t count, uint8_t* to) { memcpy(to, from, count); }
    static void whole(const uint8_t* from, size_t, size_t count, uint8_t* to) { memcpy(to, from, count); }
};

// One byte, repeated.
struct Repeat {
    static void part(const uint8_t* from, size_t, size_t count, uint8_t* to) { memset(to, *from, count); }
    static void whole(const uint8_t* from, size_t, size_t count, uint8_t* to) { memset(to, *from, count); }
};

struct Strided {
    static void part(const uint8_t* from, size_t stride, size_t count, uint8_t* to) {
        for (size_t i = 0; i < count; i++) to[i] = from[i * stride];
    }
    static void whole(const uint8_t* from, size_t stride, size_t count, uint8_t* to) { part(from, stride, count, to); }
};

// Moves `count` elements in blocks of BLOCK. The last block reaches back over the one before, so that nothing outside the
// line is read or written. Returns whether it did; a line below BLOCK elements is left alone.
template <size_t BLOCK, class Move>
bool in_blocks(size_t count, Move move) {
    if (count < BLOCK) return false;
    for (size_t i = 0; i + BLOCK <= count; i += BLOCK) move(i);
    if (count % BLOCK) move(count - BLOCK);
    return true;
}

#if defined(__aarch64__)

void block16_of_third(const uint8_t* from, uint8_t* to) {
    // Bytes 0, 3 .. 45 of 46: none behind them is read.
    uint8x16x3_t v = {{vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 30)}};
    static const uint8_t order[16] = {0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 35, 38, 41, 44, 47};
    vst1q_u8(to, vqtbl3q_u8(v, vld1q_u8(order)));
}
void block8_of_third(const uint8_t* from, uint8_t* to) {
    uint8x16x2_t v = {{vld1q_u8(from), vcombine_u8(vld1_u8(from + 14), vdup_n_u8(0))}};
    static const uint8_t order[16] = {0, 3, 6, 9, 12, 15, 20, 23};
    vst1_u8(to, vget_low_u8(vqtbl2q_u8(v, vld1q_u8(order))));
}
void block16_of_pixels(const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* to) {
    vst3q_u8(to, (uint8x16x3_t{{vld1q_u8(a), vld1q_u8(b), vld1q_u8(c)}}));
}
void block8_of_pixels(const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* to) {
    vst3_u8(to, (uint8x8x3_t{{vld1_u8(a), vld1_u8(b), vld1_u8(c)}}));
}

#else

__m128i load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
__m128i load8(const uint8_t* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }
void store(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
void store8(uint8_t* p, __m128i v) { _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v); }

// Every third byte of 46. The last load reaches back, so that none behind them is read.
void block16_of_third(const uint8_t* from, uint8_t* to) {
    const __m128i a = _mm_shuffle_epi8(load(from), _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m128i b = _mm_shuffle_epi8(load(from + 16), _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1));
    const __m128i c = _mm_shuffle_epi8(load(from + 30), _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 3, 6, 9, 12, 15));
    store(to, _mm_or_si128(_mm_or_si128(a, b), c));
}
// Every third byte of 22.
void block8_of_third(const uint8_t* from, uint8_t* to) {
    const __m128i a = _mm_shuffle_epi8(load(from), _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m128i b = _mm_shuffle_epi8(load8(from + 14), _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 4, 7, -1, -1, -1, -1, -1, -1, -1, -1));
    store8(to, _mm_or_si128(a, b));
}

// The bytes of three planes in turn: 16 of each become 3 x 16.
struct Turns {
    __m128i a, b, c;
    __m128i part(__m128i of_a, __m128i of_b, __m128i of_c) const {
        return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, of_a), _mm_shuffle_epi8(b, of_b)), _mm_shuffle_epi8(c, of_c));
    }
    __m128i first() const {
        return part(_mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5),
                    _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1),
                    _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1));
    }
    __m128i second() const {
        return part(_mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1),
                    _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10),
                    _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1));
    }
    __m128i third() const {
        return part(_mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1),
                    _mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1),
                    _mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15));
    }
};
void block16_of_pixels(const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* to) {
    const Turns turns{load(a), load(b), load(c)};
    store(to, turns.first());
    store(to + 16, turns.second());
    store(to + 32, turns.third());
}
void block8_of_pixels(const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* to) {
    const Turns turns{load8(a), load8(b), load8(c)};
    store(to, turns.first());
    store8(to + 16, turns.second());
}

#endif

// One channel of pixels with three.
struct Third {
    static void part(const uint8_t* from, size_t, size_t count, uint8_t* to) {
        if (in_blocks<16>(count, [=](size_t i) { block16_of_third(from + 3 * i, to + i); })) return;
        if (in_blocks<8>(count, [=](size_t i) { block8_of_third(from + 3 * i, to + i); })) return;
        for (size_t i = 0; i < count; i++) to[i] = from[3 * i];
    }
    static void whole(const uint8_t* from, size_t stride, size_t count, uint8_t* to) { part(from, stride, count, to); }
};

// Three planes, `stride` apart, become pixels; the line is two axes of the result.
struct Pixels {
    static void part(const uint8_t* from, size_t stride, size_t count, uint8_t* to) {
        const uint8_t *a = from, *b = from + stride, *c = b + stride;
        count /= 3;
        if (in_blocks<16>(count, [=](size_t i) { block16_of_pixels(a + i, b + i, c + i, to + 3 * i); })) return;
        if (in_blocks<8>(count, [=](size_t i) { block8_of_pixels(a + i, b + i, c + i, to + 3 * i); })) return;
        for (size_t i = 0; i < count; i++) {
            to[3 * i] = a[i];
            to[3 * i + 1] = b[i];
            to[3 * i + 2] = c[i];
        }
    }
    static void whole(const uint8_t* from, size_t stride, size_t count, uint8_t* to) { part(from, stride, count, to); }
};

// Moves a range of the result line by line.
//   outer   how many axes are outside a line
//   length  how many elements a line has
//   step    how far apart two neighbours in a line are, of those that a range may start at (every `grain` elements)
template <class Line>
void walk(const Move& move, int outer, size_t length, size_t step, const uint8_t* from, size_t first, size_t last, uint8_t* to) {
    const size_t stride = move.strides[move.axes - 1];
    size_t at[Move::MOST], line = first / length, inside = first % length;
    for (int axis = outer - 1; axis >= 0; axis--) {
        at[axis] = line % move.lengths[axis];
        line /= move.lengths[axis];
        from += at[axis] * move.strides[axis];
    }
    size_t left = last - first;
    while (left) {
        if (inside || left < length) {
            const size_t count = left < length - inside ? left : length - inside;
            Line::part(from + inside / move.grain * step, stride, count, to);
            to += count;
            left -= count;
            inside = 0;
            if (!left) return;
            if (outer) from += move.strides[outer - 1], at[outer - 1]++;
        } else {
            size_t lines = left / length;
            if (outer && lines > move.lengths[outer - 1] - at[outer - 1]) lines = move.lengths[outer - 1] - at[outer - 1];
            const size_t further = outer ? move.strides[outer - 1] : 0;
            for (size_t i = 0; i < lines; i++, from += further, to += length) Line::whole(from, stride, length, to);
            left -= lines * length;
            if (outer) at[outer - 1] += lines;
        }
        for (int axis = outer - 1; axis > 0 && at[axis] == move.lengths[axis]; axis--) {
            from += move.strides[axis - 1] - move.lengths[axis] * move.strides[axis];
            at[axis] = 0;
            at[axis - 1]++;
        }
    }
}

void move(const Move& move, const uint8_t* from, size_t first, size_t last, uint8_t* to) {
    if (first >= last) return;
    if (!move.axes) {
        *to = *from;
        return;
    }
    const int outer = move.axes - 1;
    const size_t length = move.lengths[outer], stride = move.strides[outer];
    if (move.grain == 3) return walk<Pixels>(move, outer - 1, 3 * move.lengths[outer - 1], 1, from, first, last, to);
    if (stride == 0) return walk<Repeat>(move, outer, length, 0, from, first, last, to);
    if (stride == 3) return walk<Third>(move, outer, length, 3, from, first, last, to);
    if (stride != 1 || length < 4) return walk<Strided>(move, outer, length, stride, from, first, last, to);
    if (length < 8) return walk<ShortRun<4>>(move, outer, length, 1, from, first, last, to);
    if (length <= 16) return walk<ShortRun<8>>(move, outer, length, 1, from, first, last, to);
    if (length <= 32) return walk<ShortRun<16>>(move, outer, length, 1, from, first, last, to);
    if (length <= 64) return walk<ShortRun<32>>(move, outer, length, 1, from, first, last, to);
    walk<Run>(move, outer, length, 1, from, first, last, to);
}

}  // namespace

const MoveFunctions move_functions = {move};

}  // namespace graphproc::GRAPHPROC_SET
