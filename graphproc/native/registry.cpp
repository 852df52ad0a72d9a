// All kernels of the library: one line for each file in kernels/.
#include "kernel.h"

namespace graphproc {

const std::vector<KernelType>& kernel_types() {
    static const std::vector<KernelType> all = {};
    return all;
}

}  // namespace graphproc
