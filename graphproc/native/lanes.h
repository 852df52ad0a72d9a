// What the kernels ask of an instruction set. Included by *.simd.cpp files only, which define GRAPHPROC_SET.
//
// A register has lanes of 128 bits. Shuffles and packs stay inside a lane.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__aarch64__)
#include "lanes_neon.h"
#elif defined(__AVX512VNNI__) && defined(__AVX512VBMI__)
#include "lanes_avx512.h"
#elif defined(__AVX2__)
#include "lanes_avx2.h"
#else
#include "lanes_sse41.h"
#endif

// `Lanes` has, for registers V of BYTES bytes:
//   DIGIT, TAPS         a cell is 32 bits: TAPS pixels of one channel; `dot` multiplies them by digits of DIGIT bits
//   dot(a, c, w)        a + sums of products of each cell, modulo 2**32
//   cells(v, order)     bytes in the order of 16 numbers for each lane, 255 for 0
//   rows(p, at)         lane k holds 16 bytes of row p[4 * k], from byte `at` on
//   transpose(a)        of 4 registers, as matrices of 4 x 4 cells, one for each lane
//   interleave(p, at, a)  4 registers of cells: tap t of a cell is a byte of row p[t]
//   pack(a, b, c, d)    clips int32 to bytes, the inverse of interleave's order
//   to_rows(v, p, at)   writes lane k to p[4 * k] + at
//   even(v), odd(v)     of sets with DIGIT 16: bytes 0 and 2 of each cell, or 1 and 3, in 16 bits each
//   low_halves(v), high_halves(v), pack_halves(a, b)   bytes to 16 bits and back
//   mul_high_halves(a, b)   the upper 16 bits of the products of int16
// `Floats` has COUNT float32 elements.
