// Vectors of float32, in the instructions of one set. Included by *.simd.cpp files alone.
//
// Lanes: `lanes` floats. Doubles: as many float64, for products that are not rounded by themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

namespace graphproc::GRAPHPROC_SET {
namespace {

#if defined(__AVX512F__)

using Lanes = __m512;
using Doubles = __m512d;  // half of them: both halves of Lanes have the same weight
constexpr size_t lanes = 16;
inline Lanes load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Lanes x) { _mm512_storeu_ps(to, x); }
inline Lanes all(float x) { return _mm512_set1_ps(x); }
inline Doubles all_double(float x) { return _mm512_set1_pd(x); }
// x * weight + total: the product is exact, the sum rounded to float64 and then to float32.
inline Lanes plus_unrounded(Lanes total, Lanes x, Doubles weight) {
    const __m512d low = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x)), weight,
                                        _mm512_cvtps_pd(_mm512_castps512_ps256(total)));
    const __m512d high = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)), weight,
                                         _mm512_cvtps_pd(_mm512_extractf32x8_ps(total, 1)));
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}

#elif defined(__AVX2__)

using Lanes = __m256;
using Doubles = __m256d;
constexpr size_t lanes = 8;
inline Lanes load(const float* from) { return _mm256_loadu_ps(from); }
inline void store(float* to, Lanes x) { _mm256_storeu_ps(to, x); }
inline Lanes all(float x) { return _mm256_set1_ps(x); }
inline Doubles all_double(float x) { return _mm256_set1_pd(x); }
inline Lanes plus_unrounded(Lanes total, Lanes x, Doubles weight) {
    const __m256d low = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), weight,
                                        _mm256_cvtps_pd(_mm256_castps256_ps128(total)));
    const __m256d high = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)), weight,
                                         _mm256_cvtps_pd(_mm256_extractf128_ps(total, 1)));
    return _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low));
}

#elif defined(__aarch64__)

using Lanes = float32x4_t;
using Doubles = float64x2_t;
constexpr size_t lanes = 4;
inline Lanes load(const float* from) { return vld1q_f32(from); }
inline void store(float* to, Lanes x) { vst1q_f32(to, x); }
inline Lanes all(float x) { return vdupq_n_f32(x); }
inline Doubles all_double(float x) { return vdupq_n_f64(x); }
inline Lanes plus_unrounded(Lanes total, Lanes x, Doubles weight) {
    const float64x2_t low = vfmaq_f64(vcvt_f64_f32(vget_low_f32(total)), vcvt_f64_f32(vget_low_f32(x)), weight);
    const float64x2_t high = vfmaq_f64(vcvt_high_f64_f32(total), vcvt_high_f64_f32(x), weight);
    return vcvt_high_f32_f64(vcvt_f32_f64(low), high);
}

#else

using Lanes = __m128;
using Doubles = __m128d;
constexpr size_t lanes = 4;
inline Lanes load(const float* from) { return _mm_loadu_ps(from); }
inline void store(float* to, Lanes x) { _mm_storeu_ps(to, x); }
inline Lanes all(float x) { return _mm_set1_ps(x); }
inline Doubles all_double(float x) { return _mm_set1_pd(x); }
inline Lanes plus_unrounded(Lanes total, Lanes x, Doubles weight) {
    const auto half = [&](__m128 a, __m128 b) {
        return _mm_cvtpd_ps(_mm_add_pd(_mm_cvtps_pd(b), _mm_mul_pd(_mm_cvtps_pd(a), weight)));
    };
    return _mm_movelh_ps(half(x, total), half(_mm_movehl_ps(x, x), _mm_movehl_ps(total, total)));
}

#endif

// A block is 16 rows x 16 elements.
constexpr size_t block = 16;

#if defined(__aarch64__)

inline void transpose4(const float* const* rows, size_t column, float* to, size_t stride) {
    const float32x4_t a = vld1q_f32(rows[0] + column), b = vld1q_f32(rows[1] + column), c = vld1q_f32(rows[2] + column),
                      d = vld1q_f32(rows[3] + column);
    const float64x2_t ab0 = vreinterpretq_f64_f32(vtrn1q_f32(a, b)), ab1 = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
    const float64x2_t cd0 = vreinterpretq_f64_f32(vtrn1q_f32(c, d)), cd1 = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
    vst1q_f32(to, vreinterpretq_f32_f64(vtrn1q_f64(ab0, cd0)));
    vst1q_f32(to + stride, vreinterpretq_f32_f64(vtrn1q_f64(ab1, cd1)));
    vst1q_f32(to + 2 * stride, vreinterpretq_f32_f64(vtrn2q_f64(ab0, cd0)));
    vst1q_f32(to + 3 * stride, vreinterpretq_f32_f64(vtrn2q_f64(ab1, cd1)));
}

// Halves that lie `distance` registers apart are woven together; four times that is a transpose.
inline void transpose_bytes(uint8x16_t* rows) {
    uint8x16_t other[16];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 8; i++) {
            other[2 * i] = vzip1q_u8(rows[i], rows[i + 8]);
            other[2 * i + 1] = vzip2q_u8(rows[i], rows[i + 8]);
        }
        for (size_t i = 0; i < 8; i++) {
            rows[2 * i] = vzip1q_u8(other[i], other[i + 8]);
            rows[2 * i + 1] = vzip2q_u8(other[i], other[i + 8]);
        }
    }
}

using Bytes = uint8x16_t;
inline Bytes load_bytes(const uint8_t* from) { return vld1q_u8(from); }
inline void store_bytes(uint8_t* to, Bytes x) { vst1q_u8(to, x); }

#else

inline void transpose4(const float* const* rows, size_t column, float* to, size_t stride) {
    __m128 a = _mm_loadu_ps(rows[0] + column), b = _mm_loadu_ps(rows[1] + column), c = _mm_loadu_ps(rows[2] + column),
           d = _mm_loadu_ps(rows[3] + column);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + stride, b);
    _mm_storeu_ps(to + 2 * stride, c);
    _mm_storeu_ps(to + 3 * stride, d);
}

using Bytes = __m128i;
inline Bytes load_bytes(const uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
inline void store_bytes(uint8_t* to, Bytes x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x); }

// Registers that lie 8 apart are woven together; four times that is a transpose.
inline void transpose_bytes(Bytes* rows) {
    Bytes other[16];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 8; i++) {
            other[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + 8]);
            other[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + 8]);
        }
        for (size_t i = 0; i < 8; i++) {
            rows[2 * i] = _mm_unpacklo_epi8(other[i], other[i + 8]);
            rows[2 * i + 1] = _mm_unpackhi_epi8(other[i], other[i + 8]);
        }
    }
}

#endif

// Transposes 16 rows x 16 elements of floats. `stride` is the number of elements from one column of the result to the next.
inline void transpose(const float* const* rows, size_t column, float* to, size_t stride) {
    for (size_t row = 0; row < block; row += 4)
        for (size_t i = 0; i < block; i += 4) transpose4(rows + row, column + i, to + i * stride + row, stride);
}

}  // namespace
}  // namespace graphproc::GRAPHPROC_SET
