// Compares the library's own declaration of ONNX Runtime's interface with the real header. It only has to compile.
#include <cstddef>
#include <cstdint>

#include <onnxruntime_c_api.h>

namespace ours {
#include "ort_api.h"
}

namespace {

#define SLOT(name)                                                                                                    \
    static_assert(ours::graphproc::ort::name.position == offsetof(OrtApi, name) / sizeof(void*), #name " is elsewhere");
SLOT(CreateStatus)
SLOT(CreateCustomOpDomain)
SLOT(CustomOpDomain_Add)
SLOT(AddCustomOpDomain)
SLOT(GetTensorMutableData)
SLOT(GetTensorElementType)
SLOT(GetDimensionsCount)
SLOT(GetDimensions)
SLOT(GetTensorTypeAndShape)
SLOT(KernelInfoGetAttribute_int64)
SLOT(KernelInfoGetAttribute_string)
SLOT(KernelContext_GetInput)
SLOT(KernelContext_GetOutput)
SLOT(ReleaseStatus)
SLOT(ReleaseTensorTypeAndShapeInfo)
SLOT(KernelInfoGetAttributeArray_float)
SLOT(KernelInfoGetAttributeArray_int64)
SLOT(KernelContext_ParallelFor)

#define FIELD(name) static_assert(offsetof(ours::graphproc::ort::CustomOp, name) == offsetof(OrtCustomOp, name), #name " is elsewhere");
FIELD(version)
FIELD(CreateKernel)
FIELD(GetName)
FIELD(GetExecutionProviderType)
FIELD(GetInputType)
FIELD(GetInputTypeCount)
FIELD(GetOutputType)
FIELD(GetOutputTypeCount)
FIELD(KernelCompute)
FIELD(KernelDestroy)
FIELD(GetInputCharacteristic)
FIELD(GetOutputCharacteristic)
FIELD(GetInputMemoryType)
FIELD(GetVariadicInputMinArity)
FIELD(GetVariadicInputHomogeneity)
FIELD(GetVariadicOutputMinArity)
FIELD(GetVariadicOutputHomogeneity)
FIELD(CreateKernelV2)
FIELD(KernelComputeV2)
FIELD(InferOutputShapeFn)
FIELD(GetStartVersion)
FIELD(GetEndVersion)
FIELD(GetMayInplace)
FIELD(ReleaseMayInplace)
FIELD(GetAliasMap)
FIELD(ReleaseAliasMap)

static_assert(offsetof(ours::OrtApiBase, GetApi) == offsetof(OrtApiBase, GetApi), "GetApi is elsewhere");
static_assert(static_cast<int>(ours::graphproc::ort::INVALID_ARGUMENT) == static_cast<int>(ORT_INVALID_ARGUMENT), "codes");
static_assert(static_cast<int>(ours::graphproc::ort::FAIL) == static_cast<int>(ORT_FAIL), "codes");
static_assert(ours::graphproc::ort::API_VERSION <= ORT_API_VERSION, "the header is older than what the library asks for");

}  // namespace
