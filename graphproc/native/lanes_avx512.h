// AVX-512 with VBMI and VNNI; see lanes.h.
#pragma once
// GCC 12 warns of its own header.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace graphproc::GRAPHPROC_SET {

struct Lanes {
    static constexpr int BYTES = 64, DIGIT = 8, TAPS = 4;
    typedef __m512i V;
    static V zero() { return _mm512_setzero_si512(); }
    static V splat(int32_t w) { return _mm512_set1_epi32(w); }
    static V load(const uint8_t* p) { return _mm512_loadu_si512(p); }
    static void store(uint8_t* p, V v) { _mm512_storeu_si512(p, v); }
    static __m128i lane(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static V each(const uint8_t* order) { return _mm512_broadcast_i32x4(lane(order)); }
    static V add(V a, V b) { return _mm512_add_epi32(a, b); }
    template <int n>
    static V shl(V v) { return _mm512_slli_epi32(v, n); }
    static V sra(V v, int n) { return _mm512_srav_epi32(v, splat(n)); }
    static V dot(V a, V c, V w) { return _mm512_dpbusd_epi32(a, c, w); }
    static V cells(V v, V order) { return _mm512_shuffle_epi8(v, order); }
    static V rows(const uint8_t* const* p, size_t at) {
        const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(lane(p[0] + at)), lane(p[4] + at), 1);
        const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(lane(p[8] + at)), lane(p[12] + at), 1);
        return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    static void transpose(V* a) {
        const V b = _mm512_unpacklo_epi32(a[0], a[1]), c = _mm512_unpacklo_epi32(a[2], a[3]);
        const V d = _mm512_unpackhi_epi32(a[0], a[1]), e = _mm512_unpackhi_epi32(a[2], a[3]);
        a[0] = _mm512_unpacklo_epi64(b, c), a[1] = _mm512_unpackhi_epi64(b, c);
        a[2] = _mm512_unpacklo_epi64(d, e), a[3] = _mm512_unpackhi_epi64(d, e);
    }
    static void interleave(const uint8_t* const* p, size_t at, V* a) {
        const V b = load(p[0] + at), c = load(p[1] + at), d = load(p[2] + at), e = load(p[3] + at);
        const V low = _mm512_unpacklo_epi8(b, c), high = _mm512_unpackhi_epi8(b, c);
        const V low2 = _mm512_unpacklo_epi8(d, e), high2 = _mm512_unpackhi_epi8(d, e);
        a[0] = _mm512_unpacklo_epi16(low, low2), a[1] = _mm512_unpackhi_epi16(low, low2);
        a[2] = _mm512_unpacklo_epi16(high, high2), a[3] = _mm512_unpackhi_epi16(high, high2);
    }
    static V pack(V a, V b, V c, V d) { return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)); }
    // Halves are elements of 16 bits.
    static V low_halves(V v) { return _mm512_unpacklo_epi8(v, zero()); }
    static V high_halves(V v) { return _mm512_unpackhi_epi8(v, zero()); }
    static V splat_halves(int16_t w) { return _mm512_set1_epi16(w); }
    static V add_halves(V a, V b) { return _mm512_add_epi16(a, b); }
    static V sub_halves(V a, V b) { return _mm512_sub_epi16(a, b); }
    static V mul_halves(V a, V b) { return _mm512_mullo_epi16(a, b); }
    static V mul_high_halves(V a, V b) { return _mm512_mulhi_epi16(a, b); }
    template <int n>
    static V sra_halves(V v) { return _mm512_srai_epi16(v, n); }
    static V pack_halves(V a, V b) { return _mm512_packus_epi16(a, b); }
    static void to_rows(V v, uint8_t* const* p, size_t at) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[0] + at), _mm512_castsi512_si128(v));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[4] + at), _mm512_extracti32x4_epi32(v, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[8] + at), _mm512_extracti32x4_epi32(v, 2));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p[12] + at), _mm512_extracti32x4_epi32(v, 3));
    }
};

struct Floats {
    static constexpr int COUNT = 16;
    static constexpr bool FUSED = true;
    typedef __m512 F;
    static F load(const float* p) { return _mm512_loadu_ps(p); }
    static F splat(float x) { return _mm512_set1_ps(x); }
    static F bytes(const uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    }
    static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static F div(F a, F b) { return _mm512_div_ps(a, b); }
    static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static F add(F a, F b) { return _mm512_add_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
};

}  // namespace graphproc::GRAPHPROC_SET
