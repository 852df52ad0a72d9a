// Chooses the sums of a resize of floats for the instruction set in use.
#include "float_rows.h"

#include "instruction_set.h"

namespace graphproc {

#define GRAPHPROC_DECLARE(set)                           \
    namespace set {                                      \
    extern const FloatRowFunctions float_row_functions;  \
    }
#if defined(__aarch64__)
GRAPHPROC_DECLARE(neon)
#else
GRAPHPROC_DECLARE(sse41)
GRAPHPROC_DECLARE(avx2)
GRAPHPROC_DECLARE(avx512)
#endif

const FloatRowFunctions& float_row_functions() {
#if defined(__aarch64__)
    return neon::float_row_functions;
#else
    switch (instruction_set()) {
        case InstructionSet::avx512: return avx512::float_row_functions;
        case InstructionSet::avx2: return avx2::float_row_functions;
        default: return sse41::float_row_functions;
    }
#endif
}

}  // namespace graphproc
