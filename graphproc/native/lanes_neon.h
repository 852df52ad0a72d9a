// NEON of arm64; see lanes.h.
#pragma once
#include <arm_neon.h>

namespace graphproc::GRAPHPROC_SET {

struct Lanes {
    static constexpr int BYTES = 16, DIGIT = 16, TAPS = 2;
    typedef uint8x16_t V;
    static int32x4_t ints(V v) { return vreinterpretq_s32_u8(v); }
    static V from(int32x4_t v) { return vreinterpretq_u8_s32(v); }
    static V zero() { return vdupq_n_u8(0); }
    static V splat(int32_t w) { return from(vdupq_n_s32(w)); }
    static V load(const uint8_t* p) { return vld1q_u8(p); }
    static void store(uint8_t* p, V v) { vst1q_u8(p, v); }
    static V each(const uint8_t* order) { return load(order); }
    static V add(V a, V b) { return from(vaddq_s32(ints(a), ints(b))); }
    template <int n>
    static V shl(V v) { return from(vshlq_n_s32(ints(v), n)); }
    static V sra(V v, int n) { return from(vshlq_s32(ints(v), vdupq_n_s32(-n))); }
    static V dot(V a, V c, V w) {
        const int16x8_t x = vreinterpretq_s16_u8(c), y = vreinterpretq_s16_u8(w);
        return add(a, from(vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y))));
    }
    static V cells(V v, V order) { return vqtbl1q_u8(v, order); }
    static V rows(const uint8_t* const* p, size_t at) { return load(p[0] + at); }
    static void transpose(V* a) {
        const int32x4_t b = vzip1q_s32(ints(a[0]), ints(a[1])), c = vzip1q_s32(ints(a[2]), ints(a[3]));
        const int32x4_t d = vzip2q_s32(ints(a[0]), ints(a[1])), e = vzip2q_s32(ints(a[2]), ints(a[3]));
        a[0] = vreinterpretq_u8_s64(vzip1q_s64(vreinterpretq_s64_s32(b), vreinterpretq_s64_s32(c)));
        a[1] = vreinterpretq_u8_s64(vzip2q_s64(vreinterpretq_s64_s32(b), vreinterpretq_s64_s32(c)));
        a[2] = vreinterpretq_u8_s64(vzip1q_s64(vreinterpretq_s64_s32(d), vreinterpretq_s64_s32(e)));
        a[3] = vreinterpretq_u8_s64(vzip2q_s64(vreinterpretq_s64_s32(d), vreinterpretq_s64_s32(e)));
    }
    static void interleave(const uint8_t* const* p, size_t at, V* a) {
        const V b = load(p[0] + at), c = load(p[1] + at), low = vzip1q_u8(b, c), high = vzip2q_u8(b, c);
        a[0] = vzip1q_u8(low, zero()), a[1] = vzip2q_u8(low, zero());
        a[2] = vzip1q_u8(high, zero()), a[3] = vzip2q_u8(high, zero());
    }
    static V pack(V a, V b, V c, V d) {
        const int16x8_t low = vcombine_s16(vqmovn_s32(ints(a)), vqmovn_s32(ints(b)));
        return vcombine_u8(vqmovun_s16(low), vqmovun_s16(vcombine_s16(vqmovn_s32(ints(c)), vqmovn_s32(ints(d)))));
    }
    // Halves are elements of 16 bits.
    static int16x8_t halves(V v) { return vreinterpretq_s16_u8(v); }
    static V from(int16x8_t v) { return vreinterpretq_u8_s16(v); }
    static V low_halves(V v) { return vzip1q_u8(v, zero()); }
    static V high_halves(V v) { return vzip2q_u8(v, zero()); }
    static V splat_halves(int16_t w) { return from(vdupq_n_s16(w)); }
    static V add_halves(V a, V b) { return from(vaddq_s16(halves(a), halves(b))); }
    static V sub_halves(V a, V b) { return from(vsubq_s16(halves(a), halves(b))); }
    static V mul_halves(V a, V b) { return from(vmulq_s16(halves(a), halves(b))); }
    static V mul_high_halves(V a, V b) {
        const int32x4_t low = vmull_s16(vget_low_s16(halves(a)), vget_low_s16(halves(b)));
        const int32x4_t high = vmull_high_s16(halves(a), halves(b));
        return from(vcombine_s16(vshrn_n_s32(low, 16), vshrn_n_s32(high, 16)));
    }
    template <int n>
    static V sra_halves(V v) { return from(vshrq_n_s16(halves(v), n)); }
    static V pack_halves(V a, V b) { return vcombine_u8(vqmovun_s16(halves(a)), vqmovun_s16(halves(b))); }
    static void to_rows(V v, uint8_t* const* p, size_t at) { store(p[0] + at, v); }
    static V even(V v) { return vandq_u8(v, vreinterpretq_u8_u16(vdupq_n_u16(255))); }
    static V odd(V v) { return vreinterpretq_u8_u16(vshrq_n_u16(vreinterpretq_u16_u8(v), 8)); }
};

struct Floats {
    static constexpr int COUNT = 4;
    static constexpr bool FUSED = true;
    typedef float32x4_t F;
    static F load(const float* p) { return vld1q_f32(p); }
    static F splat(float x) { return vdupq_n_f32(x); }
    static F bytes(const uint8_t* p) {
        uint32_t four;
        std::memcpy(&four, p, 4);
        return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
    }
    static F mul(F a, F b) { return vmulq_f32(a, b); }
    static F div(F a, F b) { return vdivq_f32(a, b); }
    static F sub(F a, F b) { return vsubq_f32(a, b); }
    static F add(F a, F b) { return vaddq_f32(a, b); }
    static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
    static void store(float* p, F x) { vst1q_f32(p, x); }
};

}  // namespace graphproc::GRAPHPROC_SET
