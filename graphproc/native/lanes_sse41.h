// SSE4.1; see lanes.h.
#pragma once
#include <immintrin.h>

namespace graphproc::GRAPHPROC_SET {

struct Lanes {
    static constexpr int BYTES = 16, DIGIT = 16, TAPS = 2;
    typedef __m128i V;
    static V zero() { return _mm_setzero_si128(); }
    static V splat(int32_t w) { return _mm_set1_epi32(w); }
    static V load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static void store(uint8_t* p, V v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
    static V each(const uint8_t* order) { return load(order); }
    static V add(V a, V b) { return _mm_add_epi32(a, b); }
    template <int n>
    static V shl(V v) { return _mm_slli_epi32(v, n); }
    static V sra(V v, int n) { return _mm_sra_epi32(v, _mm_cvtsi32_si128(n)); }
    static V dot(V a, V c, V w) { return _mm_add_epi32(a, _mm_madd_epi16(c, w)); }
    static V cells(V v, V order) { return _mm_shuffle_epi8(v, order); }
    static V rows(const uint8_t* const* p, size_t at) { return load(p[0] + at); }
    static void transpose(V* a) {
        const V b = _mm_unpacklo_epi32(a[0], a[1]), c = _mm_unpacklo_epi32(a[2], a[3]);
        const V d = _mm_unpackhi_epi32(a[0], a[1]), e = _mm_unpackhi_epi32(a[2], a[3]);
        a[0] = _mm_unpacklo_epi64(b, c), a[1] = _mm_unpackhi_epi64(b, c);
        a[2] = _mm_unpacklo_epi64(d, e), a[3] = _mm_unpackhi_epi64(d, e);
    }
    static void interleave(const uint8_t* const* p, size_t at, V* a) {
        const V b = load(p[0] + at), c = load(p[1] + at);
        const V low = _mm_unpacklo_epi8(b, c), high = _mm_unpackhi_epi8(b, c);
        a[0] = _mm_unpacklo_epi8(low, zero()), a[1] = _mm_unpackhi_epi8(low, zero());
        a[2] = _mm_unpacklo_epi8(high, zero()), a[3] = _mm_unpackhi_epi8(high, zero());
    }
    static V pack(V a, V b, V c, V d) { return _mm_packus_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d)); }
    // Halves are elements of 16 bits.
    static V low_halves(V v) { return _mm_unpacklo_epi8(v, zero()); }
    static V high_halves(V v) { return _mm_unpackhi_epi8(v, zero()); }
    static V splat_halves(int16_t w) { return _mm_set1_epi16(w); }
    static V add_halves(V a, V b) { return _mm_add_epi16(a, b); }
    static V sub_halves(V a, V b) { return _mm_sub_epi16(a, b); }
    static V mul_halves(V a, V b) { return _mm_mullo_epi16(a, b); }
    static V mul_high_halves(V a, V b) { return _mm_mulhi_epi16(a, b); }
    template <int n>
    static V sra_halves(V v) { return _mm_srai_epi16(v, n); }
    static V pack_halves(V a, V b) { return _mm_packus_epi16(a, b); }
    static void to_rows(V v, uint8_t* const* p, size_t at) { store(p[0] + at, v); }
    static V even(V v) { return _mm_and_si128(v, _mm_set1_epi16(255)); }
    static V odd(V v) { return _mm_srli_epi16(v, 8); }
};

struct Floats {
    static constexpr int COUNT = 4;
    static constexpr bool FUSED = false;
    typedef __m128 F;
    static F load(const float* p) { return _mm_loadu_ps(p); }
    static F splat(float x) { return _mm_set1_ps(x); }
    static F bytes(const uint8_t* p) {
        int32_t four;
        std::memcpy(&four, p, 4);
        return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
    }
    static F mul(F a, F b) { return _mm_mul_ps(a, b); }
    static F div(F a, F b) { return _mm_div_ps(a, b); }
    static F sub(F a, F b) { return _mm_sub_ps(a, b); }
    static F add(F a, F b) { return _mm_add_ps(a, b); }
    static F fma(F a, F b, F c) { return add(mul(a, b), c); }          // rounds twice
    static void store(float* p, F x) { _mm_storeu_ps(p, x); }
};

}  // namespace graphproc::GRAPHPROC_SET
