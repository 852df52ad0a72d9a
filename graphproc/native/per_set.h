// Finds code that is compiled once for each instruction set.
#pragma once
#include "instruction_set.h"
#include "kernel.h"

// A reference to `table`, which every set's namespace has, for the set in use. Raises Refused if the processor has no set.
#if defined(__aarch64__)
#define GRAPHPROC_OF_SET(table) (::graphproc::neon::table)
#else
#define GRAPHPROC_OF_SET(table)                                                                          \
    (::graphproc::instruction_set() == ::graphproc::InstructionSet::avx512  ? ::graphproc::avx512::table \
     : ::graphproc::instruction_set() == ::graphproc::InstructionSet::avx2  ? ::graphproc::avx2::table   \
     : ::graphproc::instruction_set() == ::graphproc::InstructionSet::sse41 ? ::graphproc::sse41::table  \
                                                                            : throw ::graphproc::Refused("no SSE4.1"))
#endif
