// AVX2 and FMA; see lanes.h.
#pragma once
#include <immintrin.h>

namespace graphproc::GRAPHPROC_SET {

struct Lanes {
    static constexpr int BYTES = 32, DIGIT = 16, TAPS = 2;
    typedef __m256i V;
    static V zero() { return _mm256_setzero_si256(); }
    static V splat(int32_t w) { return _mm256_set1_epi32(w); }
    static V load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static void store(uint8_t* p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
    static __m128i lane(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static V each(const uint8_t* order) { return _mm256_broadcastsi128_si256(lane(order)); }
    static V add(V a, V b) { return _mm256_add_epi32(a, b); }
    template <int n>
    static V shl(V v) { return _mm256_slli_epi32(v, n); }
    static V sra(V v, int n) { return _mm256_srav_epi32(v, splat(n)); }
    static V dot(V a, V c, V w) { return _mm256_add_epi32(a, _mm256_madd_epi16(c, w)); }
    static V cells(V v, V order) { return _mm256_shuffle_epi8(v, order); }
    static V rows(const uint8_t* const* p, size_t at) {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(lane(p[0] + at)), lane(p[4] + at), 1);
    }
    static void transpose(V* a) {
        const V b = _mm256_unpacklo_epi32(a[0], a[1]), c = _mm256_unpacklo_epi32(a[2], a[3]);
        const V d = _mm256_unpackhi_epi32(a[0], a[1]), e = _mm256_unpackhi_epi32(a[2], a[3]);
        a[0] = _mm256_unpacklo_epi64(b, c), a[1] = _mm256_unpackhi_epi64(b, c);
        a[2] = _mm256_unpacklo_epi64(d, e), a[3] = _mm256_unpackhi_epi64(d, e);
    }
    static void interleave(const uint8_t* const* p, size_t at, V* a) {
        const V b = load(p[0] + at), c = load(p[1] + at);
        const V low = _mm256_unpacklo_epi8(b, c), high = _mm256_unpackhi_epi8(b, c);
        a[0] = _mm256_unpacklo_epi8(low, zero()), a[1] = _mm256_unpackhi_epi8(low, zero());
        a[2] = _mm256_unpacklo_epi8(high, zero()), a[3] = _mm256_unpackhi_epi8(high, zero());
    }
    static V pack(V a, V b, V c, V d) { return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)); }
    // Halves are elements of 16 bits.
    static V low_halves(V v) { return _mm256_unpacklo_epi8(v, zero()); }
    static V high_halves(V v) { return _mm256_unpackhi_epi8(v, zero()); }
    static V splat_halves(int16_t w) { return _mm256_set1_epi16(w); }
    static V add_halves(V a, V b) { return _mm256_add_epi16(a, b); }
    static V sub_halves(V a, V b) { return _mm256_sub_epi16(a, b); }
    static V mul_halves(V a, V b) { return _mm256_mullo_epi16(a, b); }
    static V mul_high_halves(V a, V b) { return _mm256_mulhi_epi16(a, b); }
    template <int n>
    static V sra_halves(V v) { return _mm256_srai_epi16(v, n); }
    static V pack_halves(V a, V b) { return _mm256_packus_epi16(a, b); }
    static void to_rows(V v, uint8_t* const* p, size_t at) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[0] + at), _mm256_castsi256_si128(v));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[4] + at), _mm256_extracti128_si256(v, 1));
    }
    static V even(V v) { return _mm256_and_si256(v, _mm256_set1_epi16(255)); }
    static V odd(V v) { return _mm256_srli_epi16(v, 8); }
};

struct Floats {
    static constexpr int COUNT = 8;
    static constexpr bool FUSED = true;
    typedef __m256 F;
    static F load(const float* p) { return _mm256_loadu_ps(p); }
    static F splat(float x) { return _mm256_set1_ps(x); }
    static F bytes(const uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    }
    static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static F div(F a, F b) { return _mm256_div_ps(a, b); }
    static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static F add(F a, F b) { return _mm256_add_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
};

}  // namespace graphproc::GRAPHPROC_SET
