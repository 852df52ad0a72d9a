// The part of ONNX Runtime's C interface that the library needs, declared by itself so that building asks for no header of
// ONNX Runtime. The interface only ever grows at its end, so positions that held in version 17 hold in every later one.
// Source: onnxruntime_c_api.h of ONNX Runtime 1.17 and 1.21; tests/native/ort_api.cpp compares the positions with a real header.
#pragma once
#include <cstddef>
#include <cstdint>

struct OrtApi;
struct OrtApiBase { const OrtApi* (*GetApi)(uint32_t version); const char* (*GetVersionString)(); };
struct OrtStatus;
struct OrtValue;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtSessionOptions;
struct OrtCustomOpDomain;
struct OrtTensorTypeAndShapeInfo;

namespace graphproc::ort {

constexpr uint32_t API_VERSION = 17;  // the first with ParallelFor for kernels
enum ErrorCode { FAIL = 1, INVALID_ARGUMENT = 2 };
constexpr int INPUT_OUTPUT_REQUIRED = 0;
constexpr int MEMORY_DEFAULT = 0;

// OrtCustomOp: what ONNX Runtime asks of an operator, as functions. Those it does not need are null.
struct CustomOp {
    uint32_t version;
    void* (*CreateKernel)(const CustomOp*, const OrtApi*, const OrtKernelInfo*);
    const char* (*GetName)(const CustomOp*);
    const char* (*GetExecutionProviderType)(const CustomOp*);
    int (*GetInputType)(const CustomOp*, size_t);
    size_t (*GetInputTypeCount)(const CustomOp*);
    int (*GetOutputType)(const CustomOp*, size_t);
    size_t (*GetOutputTypeCount)(const CustomOp*);
    void (*KernelCompute)(void*, OrtKernelContext*);
    void (*KernelDestroy)(void*);
    int (*GetInputCharacteristic)(const CustomOp*, size_t);
    int (*GetOutputCharacteristic)(const CustomOp*, size_t);
    int (*GetInputMemoryType)(const CustomOp*, size_t);
    int (*GetVariadicInputMinArity)(const CustomOp*);
    int (*GetVariadicInputHomogeneity)(const CustomOp*);
    int (*GetVariadicOutputMinArity)(const CustomOp*);
    int (*GetVariadicOutputHomogeneity)(const CustomOp*);
    OrtStatus* (*CreateKernelV2)(const CustomOp*, const OrtApi*, const OrtKernelInfo*, void** kernel);
    OrtStatus* (*KernelComputeV2)(void*, OrtKernelContext*);
    OrtStatus* (*InferOutputShapeFn)(const CustomOp*, void*);
    int (*GetStartVersion)(const CustomOp*);
    int (*GetEndVersion)(const CustomOp*);
    size_t (*GetMayInplace)(int**, int**);
    void (*ReleaseMayInplace)(int*, int*);
    size_t (*GetAliasMap)(int**, int**);
    void (*ReleaseAliasMap)(int*, int*);
};

// A function of OrtApi, which is a table of pointers, by its position and type.
template <size_t POSITION, class Function>
struct Slot {
    static constexpr size_t position = POSITION;
    Function* of(const OrtApi* api) const { return reinterpret_cast<Function* const*>(api)[POSITION]; }
};

constexpr Slot<0, OrtStatus*(ErrorCode, const char* message)> CreateStatus;
constexpr Slot<26, OrtStatus*(const char* name, OrtCustomOpDomain**)> CreateCustomOpDomain;
constexpr Slot<27, OrtStatus*(OrtCustomOpDomain*, const CustomOp*)> CustomOpDomain_Add;
constexpr Slot<28, OrtStatus*(OrtSessionOptions*, OrtCustomOpDomain*)> AddCustomOpDomain;
constexpr Slot<51, OrtStatus*(OrtValue*, void** data)> GetTensorMutableData;
constexpr Slot<60, OrtStatus*(const OrtTensorTypeAndShapeInfo*, int*)> GetTensorElementType;
constexpr Slot<61, OrtStatus*(const OrtTensorTypeAndShapeInfo*, size_t*)> GetDimensionsCount;
constexpr Slot<62, OrtStatus*(const OrtTensorTypeAndShapeInfo*, int64_t* sizes, size_t count)> GetDimensions;
constexpr Slot<65, OrtStatus*(const OrtValue*, OrtTensorTypeAndShapeInfo**)> GetTensorTypeAndShape;
constexpr Slot<86, OrtStatus*(const OrtKernelInfo*, const char* name, int64_t*)> KernelInfoGetAttribute_int64;
constexpr Slot<87, OrtStatus*(const OrtKernelInfo*, const char* name, char*, size_t* size)> KernelInfoGetAttribute_string;
constexpr Slot<90, OrtStatus*(const OrtKernelContext*, size_t, const OrtValue**)> KernelContext_GetInput;
constexpr Slot<91, OrtStatus*(OrtKernelContext*, size_t, const int64_t* sizes, size_t count, OrtValue**)> KernelContext_GetOutput;
constexpr Slot<93, void(OrtStatus*)> ReleaseStatus;
constexpr Slot<99, void(OrtTensorTypeAndShapeInfo*)> ReleaseTensorTypeAndShapeInfo;
constexpr Slot<162, OrtStatus*(const OrtKernelInfo*, const char* name, float*, size_t* size)> KernelInfoGetAttributeArray_float;
constexpr Slot<163, OrtStatus*(const OrtKernelInfo*, const char* name, int64_t*, size_t* size)> KernelInfoGetAttributeArray_int64;
constexpr Slot<274, OrtStatus*(const OrtKernelContext*, void (*body)(void*, size_t), size_t total, size_t batches, void*)>
    KernelContext_ParallelFor;

}  // namespace graphproc::ort
