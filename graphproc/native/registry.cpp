// All kernels of the library: one line for each file in kernels/.
#include "kernel.h"

namespace graphproc {

KernelType byte_map_kernel();
KernelType composite_on_white_kernel();
KernelType rearrange_kernel();
KernelType rearrange_mapped_kernel();
KernelType resize_floats_kernel();
KernelType resize_kernel();
KernelType resize_mapped_floats_kernel();
KernelType resize_mapped_kernel();

const std::vector<KernelType>& kernel_types() {
    static const std::vector<KernelType> all = {
        byte_map_kernel(),
        composite_on_white_kernel(),
        rearrange_kernel(),
        rearrange_mapped_kernel(),
        resize_floats_kernel(),
        resize_kernel(),
        resize_mapped_floats_kernel(),
        resize_mapped_kernel(),
    };
    return all;
}

}  // namespace graphproc
